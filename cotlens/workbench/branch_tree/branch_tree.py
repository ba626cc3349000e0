"""BranchTree: everything that was tried, to be walked, named, pruned and compared."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import CotLensError, InputError
from cotlens.results import code
from cotlens.results.code import opening_of
from cotlens.results.summary import escaped, fitted, table
from cotlens.trace import Trace
from cotlens.trace.collection.traces import Traces
from cotlens.widgets.branch_tree import BranchTreeView
from cotlens.widgets.protocol.branch_tree import REQUESTS
from cotlens.widgets.shared.selection import Selected
from cotlens.workbench.branch_tree import payload
from cotlens.workbench.branches import differences
from cotlens.workbench.branches import script as branches
from cotlens.workbench.branches.differences import Difference, FanRow
from cotlens.workbench.branches.node import kind_of
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.shared.controller import LOCK, brief
from cotlens.workbench.shared.messages import fields_of
from cotlens.workbench.shared.origin import named
from cotlens.workbench.shared.tree_controller import is_tree

if TYPE_CHECKING:
    import pandas as pd


class BranchTree(BranchTreeView):
    """Branches as a tree: what was changed, what came of it and how sure, and how it differs from what it was made of.

        tree = cl.BranchTree(editor)        # the editor's own branches: both show the same one, and keep to it
        tree = cl.BranchTree(trace)         # a trace and what it was made from; or several traces
        tree.prune("b3")
        tree.frame()

    What a person does is a step that `undo` takes back, here and in the editor alike. Ids are "b0", "b1", ... in the
    order in which branches were made.

    Args:
        source: a CoTEditor or a FeatureTable, a trace, or several traces.

    Attributes:
        source: the editor or the table, None where traces were given.
        tree: the branches as data; change them through the methods here, which the editor hears of.

    Raises:
        InputError: `source` is something else, or holds no trace.
        WidgetsNotBuilt: the front end was not built.
    """

    def __init__(self, source: Any) -> None:
        self.source = source if is_tree(source) else None
        self.tree: Tree = source.tree if self.source is not None else _planted(source)
        self._lock = LOCK
        super().__init__(branches=payload.branches(self.tree), code=self._written())
        drawn = weakref.WeakMethod(self._draw)
        self.tree.watchers.append(lambda: (draw := drawn()) and draw())
        self.on_msg(self._on_message)
        self._tell()
        self.observe(self._picked, "selected")

    @property
    def current(self) -> Trace:
        """The trace of the branch that is shown."""
        return self.tree.current.trace

    def go(self, branch: str) -> None:
        """Show a branch; InputError where there is none of that id."""
        self._walk(lambda: self.tree.go(branch))

    def rename(self, branch: str, label: str) -> None:
        """Give a branch other words; InputError where there are none, too many, or there is no such branch."""
        self._walk(lambda: self.tree.rename(branch, label))

    def annotate(self, branch: str, note: str) -> None:
        """Keep a note with a branch, in place of the one it had; InputError as `rename`."""
        self._walk(lambda: self.tree.annotate(branch, note))

    def tag(self, branch: str, *tags: str) -> None:
        """Give a branch these tags, in place of those it had; InputError as `rename`."""
        self._walk(lambda: self.tree.tag(branch, *tags))

    def prune(self, branch: str) -> None:
        """Put a branch and all that was made from it out of sight; nothing is deleted.

        Raises:
            InputError: it is a root, or there is no such branch.
        """
        self._walk(lambda: self.tree.prune(branch))

    def restore(self, branch: str) -> None:
        """Bring a pruned branch back; InputError where there is none of that id."""
        self._walk(lambda: self.tree.restore(branch))

    def undo(self) -> None:
        """Take a person's last step back; nothing where there is none."""
        self._walk(self.tree.undo)

    def redo(self) -> None:
        """Take a step again that was undone; nothing where there is none."""
        self._walk(self.tree.redo)

    def difference(self, before: str, after: str) -> Difference:
        """How one branch differs from another; InputError where there is none of that id."""
        return differences.difference(self.tree, before, after)

    def fan(self, branches: Iterable[str] = ()) -> list[FanRow]:
        """What several branches answer, each answer with its share and interval; by default all that aren't pruned.

        Raises:
            InputError: there is no such branch.
        """
        texts = [node for node in self.tree.nodes.values() if node.kind != "resample"]
        everything = [node.id for node in texts if self.tree.in_sight(node.id)]
        return differences.fan(self.tree, list(branches) or everything)

    def frame(self) -> pd.DataFrame:
        """A row for each branch that isn't pruned: what was done, its answer, p, its distance."""
        return differences.frame(self.tree)

    def summary(self, *, markdown: bool = False) -> str:
        """The branches in words."""
        say = escaped if markdown else str
        cells = ((row["id"], row["label"], row["answer"], row["from_parent"]) for row in self.branches)
        names, rows = table(["branch", "what was done", "answer", "beside its parent"], cells, say)
        head = [f"**BranchTree**, {len(self.branches)} branches, {say(self.tree.current_id)} is shown", "", *names]
        rest = "tree.frame() has all columns, tree.difference(one, other) both texts, tree.fan() the answers of several"
        return fitted(head, rows, lambda shown: f"{shown} of {len(self.branches)} branches; {rest}")

    # what goes on

    def _walk(self, step: Callable[[], Any]) -> None:
        if self.source is not None:
            self.source.walk(step)
        else:
            with self._lock:
                step()

    def _draw(self) -> None:
        with self._lock, self.hold_sync():
            self.branches, self.code = payload.branches(self.tree), self._written()
            self._tell()

    def _written(self) -> str:
        nodes = branches.in_sight(self.tree)
        names = [line for node in nodes for line in code.loading(node.trace)]
        own = [] if self.source is None else [f"model = {opening_of(self.source.model)}"]
        return branches.whole(self.tree, own or list(dict.fromkeys(names)))

    def _tell(self) -> None:
        """The branch that is shown is what is picked; tokens of another text are not."""
        trace = self.tree.current.trace.id
        if self.selected.get("trace") != trace:
            self.selected = {"trace": trace}

    def _picked(self, change: Any) -> None:
        """Another branch was picked in a linked widget."""
        wanted: Selected = change.new
        held = [node.id for node in self.tree.nodes.values() if node.trace.id == wanted.get("trace")]
        if held and self.tree.current.trace.id != wanted["trace"]:
            self.go(held[0])

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        number = content.get("request_id") if isinstance(content, dict) else None
        if not isinstance(number, int):
            return
        try:
            fields = fields_of(content, REQUESTS, "tree")
            self._do(fields.pop("kind"), **{name: value for name, value in fields.items() if name != "id"})
        except CotLensError as error:
            self.reply(number, "error", error={"message": brief(str(error)), "remedy": None})
        else:
            self.reply(number)

    def _do(self, kind: str, branch: str = "", text: str = "", tags: Any = (), branches: Any = ()) -> None:
        steps: dict[str, Callable[[], Any]] = {
            "goto": lambda: self.go(branch),
            "rename": lambda: self.rename(branch, text),
            "annotate": lambda: self.annotate(branch, text),
            "tag": lambda: self.tag(branch, *tags),
            "prune": lambda: self.prune(branch),
            "restore": lambda: self.restore(branch),
            "undo": self.undo,
            "redo": self.redo,
            "compare": lambda: self.set_trait("compared", payload.compared(self.tree, branches)),
        }
        steps[kind]()


def _planted(source: Any) -> Tree:
    """A tree of traces, with what they were made from."""
    given = [source] if isinstance(source, Trace) else list(source) if isinstance(source, list | tuple | Traces) else []
    if not given or not all(isinstance(trace, Trace) for trace in given):
        raise InputError(
            f"BranchTree shows an editor's branches, a trace or several traces; a {type(source).__name__} was given."
        )
    tree, several = Tree(), len({code.own_model(trace) for trace in given} - {""}) > 1
    for trace in given:
        by = (several and code.own_model(trace)) or "model"
        parent: str | None = None
        for step in trace.path():
            before: Trace | None = None if parent is None else tree.nodes[parent].trace
            label = "original" if before is None else named(step.edit) if step.edit else "again"
            parent = tree.add(step, parent, label, code.step(step, by=by), kind=kind_of(step, before)).id
    tree.done.clear()
    return tree
