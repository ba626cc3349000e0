"""The branches of one investigation: every try is kept, and going back is one step.

What a person does (going somewhere, renaming, noting, tagging, pruning, and the tries that were asked for) is a step
that can be undone and done again. What is measured is none: undoing loses no number and no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerReader
from cotlens.widgets.protocol.shared import BranchInfo, BranchKind
from cotlens.workbench.branches.node import Node, kind_of

MOST_LABEL, MOST_NOTE = 200, 10_000  # characters
_UNMEASURED: dict[str, Any] = {
    "logprobs": np.empty(0, np.float32),
    "top_ids": np.empty((0, 0), np.int32),
    "top_logprobs": np.empty((0, 0), np.float32),
    "top_pieces": (),
}


@dataclass(frozen=True)
class Step:
    """One thing that a person did: a branch's parts before and after it, and the branch that was shown."""

    shown: tuple[str, str]
    node: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Tree:
    """Nodes in the order they were made; `current` is the one shown. `reader` reads all of them, where it is given.

    `watchers` are told of everything that is different; of `views`, weak references, each shows the same branch.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    current_id: str = ""
    reader: AnswerReader | None = None
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)
    watchers: list[Callable[[], None]] = field(default_factory=list)
    views: list[Callable[[], Callable[[], None] | None]] = field(default_factory=list)

    @property
    def current(self) -> Node:
        """The branch that is shown."""
        return self.nodes[self.current_id]

    def node(self, node_id: str) -> Node:
        """The branch of that id.

        Raises:
            InputError: there is none.
        """
        if node_id not in self.nodes:
            raise InputError(f"There is no branch {node_id!r}: choose one of {', '.join(self.nodes)}.")
        return self.nodes[node_id]

    def add(
        self,
        trace: Trace,
        parent: str | None,
        label: str,
        code: str,
        *,
        kind: BranchKind | None = None,
        show: bool = True,
        changes: tuple[Any, ...] = (),
    ) -> Node:
        """Keep `trace` as a new branch, and show it if wished; a trace that is there already stays one branch.

        The same text written under another change of the model is another branch, and so is one that the model wrote
        where an edit had only kept it.

        Args:
            kind, changes: as in `Node`; by default the kind is what the trace says itself.
        """
        if self.reader is not None:
            trace = replace(trace, reader=self.reader)
        texts = (node for node in self.nodes.values() if node.kind != "resample")
        known = next((node for node in texts if _same(node.trace, trace)), None)
        kind = kind or kind_of(trace, None if parent is None else self.nodes[parent].trace)
        node = known or Node(self._free(), trace, parent, label, code, kind, _answer(trace), changes=changes)
        self.nodes[node.id] = node
        if show:
            self._step(Step((self.current_id, node.id), node.id, {"pruned": node.pruned}, {"pruned": False}))
        self.tell()
        return self.nodes[node.id]

    def resampled(self, node_id: str, label: str, code: str) -> Node:
        """The branch that says what rollouts of a branch answered; one that the same code makes stays one branch."""
        known = (node for node in self.nodes.values() if (node.parent, node.code) == (node_id, code))
        node = next(known, None)
        if node is None:
            node = Node(self._free(), self.nodes[node_id].trace, node_id, label, code, "resample")
            self.nodes[node.id] = node
            self.tell()
        return node

    def _free(self) -> str:
        return f"b{1 + max((int(each.removeprefix('b')) for each in self.nodes), default=-1)}"

    def update(self, node_id: str, **parts: Any) -> Node:
        """Fill in what became known about a node."""
        self.nodes[node_id] = replace(self.nodes[node_id], **parts)
        self.tell()
        return self.nodes[node_id]

    def forget(self) -> None:
        """Drop what was measured of all branches: the model is another one now."""
        for node_id, node in self.nodes.items():
            bare = replace(node.trace, **_UNMEASURED)
            answer = None if node.kind == "resample" else node.answer
            self.update(node_id, trace=bare, answer=answer, comparison=None, probability=None, fan=None)

    def read_by(self, reader: AnswerReader) -> None:
        """Read the answers of all branches, and of those to come, by another reader."""
        self.reader = reader
        for node_id, node in self.nodes.items():
            trace = replace(node.trace, reader=reader)
            answer = None if node.kind == "resample" else _answer(trace)
            self.update(node_id, trace=trace, answer=answer, comparison=None, probability=None, fan=None)

    def revive(self, nodes: Iterable[Node], current: str, codec: Any) -> None:
        """The branches of a file in place of those that are there; `codec` is that of their model.

        Where the current one is missing the first is shown.
        """
        self.nodes = {node.id: replace(node, trace=replace(node.trace, codec=codec)) for node in nodes}
        self.current_id = current if current in self.nodes else next(iter(self.nodes))
        self.tell()

    # a person's steps

    def go(self, node_id: str) -> Node:
        """Show another node.

        Raises:
            InputError: there is no such branch.
        """
        node = self.node(node_id)
        shown = node.parent if node.kind == "resample" else node.id  # rollouts have no text of their own
        self._step(Step((self.current_id, str(shown))))
        return self.current

    def rename(self, node_id: str, label: str) -> None:
        """Give a branch other words; InputError where there are none, too many, or there is no such branch."""
        label = " ".join(_text("name", label, MOST_LABEL).split())
        if not label:
            raise InputError("A branch needs a name of one character at least.")
        self._change(node_id, label=label)

    def annotate(self, node_id: str, note: str) -> None:
        """Keep a note with a branch, in place of the one it had; InputError where it is too long."""
        self._change(node_id, note=_text("note", note, MOST_NOTE).strip())

    def tag(self, node_id: str, *tags: str) -> None:
        """Give a branch these tags, in place of those it had; a comma parts two. InputError where one is too long."""
        parts = [part for tag in tags for part in _text("tag", tag, MOST_NOTE).split(",")]
        words = [" ".join(_text("tag", part, MOST_LABEL).split()) for part in parts]
        self._change(node_id, tags=tuple(dict.fromkeys(filter(None, words))))

    def prune(self, node_id: str) -> None:
        """Put a branch out of sight, with all that was made from it; it is kept, and `restore` brings it back.

        Where one of them is shown, its parent is shown instead.

        Raises:
            InputError: it is a root, or there is no such branch.
        """
        parent = self.node(node_id).parent
        if parent is None:
            raise InputError("The text that everything was made from can't be pruned: prune what was made from it.")
        gone = {node.id for node in self.path(self.current_id)} if self.current_id else set()
        self._change(node_id, shown=parent if node_id in gone else None, pruned=True)

    def restore(self, node_id: str) -> None:
        """Bring a pruned branch back."""
        self._change(node_id, pruned=False)

    def undo(self) -> bool:
        """Take a person's last step back; whether there was one."""
        return self._retrace(self.done, self.undone, 0)

    def redo(self) -> bool:
        """Take a step again that was undone; whether there was one."""
        return self._retrace(self.undone, self.done, 1)

    # how branches hang together

    def holding(self, trace_id: str) -> Node:
        """The node of a trace: the one that is shown, where several hold it.

        Raises:
            InputError: no branch holds it.
        """
        if self.current.trace.id == trace_id:
            return self.current
        for node in self.nodes.values():
            if node.trace.id == trace_id:
                return node
        raise InputError("The text that this was asked of is in no branch of this editor: ask again on the one shown.")

    def before(self, node: Node) -> Trace:
        """The text that a branch was made from: of a rerun of an edit, that before the edit."""
        parent = self.nodes[node.parent or ""].trace
        made_from = node.trace.parent
        if made_from is None or made_from.id == parent.id:
            return parent
        return next((one.trace for one in self.nodes.values() if one.trace.id == made_from.id), parent)

    def path(self, node_id: str) -> list[Node]:
        """The branches from the root to one, both included."""
        nodes = [self.nodes[node_id]]
        while nodes[0].parent is not None:
            nodes.insert(0, self.nodes[nodes[0].parent])
        return nodes

    def root(self, node_id: str) -> Node:
        """The branch that a branch was made from at last: each thought that was looked at has one."""
        return self.path(node_id)[0]

    def family(self, node_id: str) -> list[Node]:
        """The branches of one root, which a branch belongs to, in the order they were made."""
        root = self.root(node_id)
        return [node for node in self.nodes.values() if self.root(node.id) is root]

    def in_sight(self, node_id: str) -> bool:
        """Whether neither a branch nor what it was made from was pruned."""
        return not any(node.pruned for node in self.path(node_id))

    def children(self, node_id: str) -> int:
        """How many texts were made from a node."""
        return sum(node.parent == node_id and node.kind != "resample" for node in self.nodes.values())

    def script(self, node_id: str) -> list[str]:
        """The lines of Python that lead from the first trace to a node."""
        return [node.code for node in self.path(node_id)]

    def payload(self, shown: str = "") -> list[BranchInfo]:
        """As the view's `branches`: those of the thought that is looked at, without what was pruned.

        Args:
            shown: the one that counts as shown; by default the one that is.
        """
        shown = shown or self.current_id
        texts = [node for node in self.family(shown) if node.kind != "resample"]
        return [node.payload(shown) for node in texts if self.in_sight(node.id) or node.id == shown]

    def tell(self) -> None:
        """Tell whoever watches that something is different."""
        for watcher in self.watchers:
            watcher()

    def tell_views(self) -> None:
        """Let every view catch up with the branch that is shown."""
        for view in list(self.views):
            catch_up = view()
            if catch_up is not None:
                catch_up()

    def _change(self, node_id: str, *, shown: str | None = None, **parts: Any) -> None:
        node = self.node(node_id)
        before = {name: getattr(node, name) for name in parts}
        self._step(Step((self.current_id, shown or self.current_id), node_id, before, parts))

    def _step(self, step: Step) -> None:
        """Take a step and remember it; one that changes nothing is none."""
        if step.shown[0] != step.shown[1] or step.before != step.after:
            if step.shown[0]:  # a tree begins with its root
                self.done.append(step)
            self.undone.clear()
        self._show(step, 1)

    def _retrace(self, source: list[Step], target: list[Step], end: int) -> bool:
        if not source:
            return False
        target.append(source.pop())
        self._show(target[-1], end)
        return True

    def _show(self, step: Step, end: int) -> None:
        """The state before (0) or after (1) a step."""
        self.current_id = step.shown[end]
        if step.node:
            self.nodes[step.node] = replace(self.nodes[step.node], **(step.before, step.after)[end])
        self.tell()


def _text(what: str, given: Any, most: int) -> str:
    if not isinstance(given, str):
        raise InputError(f"The {what} of a branch is text; a {type(given).__name__} was given.")
    if len(given) > most:
        raise InputError(f"The {what} of a branch has at most {most:,} characters; {len(given):,} were given.")
    return given


def _same(one: Trace, other: Trace) -> bool:
    """Whether two traces are one branch."""
    written_alike = one.awaits_rerun == other.awaits_rerun and changed_by(one) == changed_by(other)
    return one.id == other.id and written_alike


def changed_by(trace: Trace) -> list[str]:
    """What identifies the interventions that a text was written under."""
    return list(trace.meta.get("intervention_fingerprints", ()))


def _answer(trace: Trace) -> str | None:
    answer = trace.read_answer()
    return answer.text if answer else None
