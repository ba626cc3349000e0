"""A branch that the model writes: shown as it comes, kept when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from cotlens.models.contract import Model, OnToken
from cotlens.models.contract.interventions import Intervention
from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import BranchKind
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.tree import Tree, changed_by
from cotlens.workbench.shared.changed import LOST, NOTE, SAME, UnderChange
from cotlens.workbench.shared.compare import compare, note
from cotlens.workbench.shared.stream import Stream

Newest = Callable[[], bool]


class Plan(Protocol):
    """What is written, as Python."""

    def code(self, **more: Any) -> str:
        """The Python that makes the branch; `more` are options in place of its own."""


class Writing:
    """Writes branches of a tree, on the model's thread, and compares them with what they were made from.

    Args:
        lock: guards the tree.
        publish: shows everything about the current branch.
        show: sets some of the view's traits.
    """

    def __init__(
        self,
        model: Model,
        tree: Tree,
        lock: threading.RLock,
        publish: Callable[[], None],
        show: Callable[..., None],
    ) -> None:
        self._model, self._tree, self._lock = model, tree, lock
        self._publish, self._show = publish, show
        self._written: Stream | None = None

    def whole(self, of: int) -> dict[str, Any]:
        """All that a stream has shown, as one piece; {} where it isn't written any more."""
        return self._written.whole() if self._written is not None and self._written.id == of else {}

    def _stream(
        self,
        node: Node,
        begin: tuple[int, str],
        limit: int,
        write: Callable[[OnToken], Trace],
        keep: Callable[[Trace, int | None], Any],
    ) -> None:
        """Let `write` write and `keep` what it wrote, with the number of its tokens where it was stopped.

        Args:
            begin: the character of the node's text at which the new text begins, and what of it stands there already.
            limit: the most tokens that are written.
        """
        stream = self._written = Stream(lambda now: self._show_at(node, stream=now))
        stream.begin(node.trace, *begin, limit=limit)
        try:
            written = write(stream.add)
        except Exception as error:
            stream.close()
            # What had been written is kept; the job says what went wrong.
            partial = getattr(error, "partial", None)
            if isinstance(partial, Trace) and stream.count:
                keep(partial, stream.count)
            self._publish()
            raise
        stream.close()
        keep(written, None)

    def compare(self, node_id: str, more: str = "") -> None:
        """Both answers of a branch, each under the changes that its text was written under, and its own probability.

        Args:
            more: said beside them.
        """
        node = self._tree.nodes[node_id]
        if not uncompared(node):
            return
        written = changed_by(node.trace)  # of a clamp the parent is what it is set against, whatever that was made from
        before = self._tree.nodes[str(node.parent)].trace if written else self._tree.before(node)
        known = [(each.trace, each.changes) for each in self._tree.nodes.values() if each.changes]
        said = note(node.trace) if not written else NOTE if node.changes else LOST
        found = compare(UnderChange(self._model, *known), before, node.trace, node.trace.edit, said)
        same = bool(written) and before.token_ids == node.trace.token_ids
        found = {**found, "note": (SAME if same else found["note"]) + (f" · {more}" if more else "")}
        with self._lock:
            self._tree.update(node_id, comparison=found, probability=found["after"]["p"])
            self._show(branches=self._tree.payload())
            if self._tree.current_id == node_id:
                self._show(comparison=found)

    def _keep(
        self,
        node: Node,
        trace: Trace,
        label: str,
        code: str,
        kind: BranchKind | None,
        newest: Newest,
        changes: tuple[Intervention, ...] = (),
    ) -> Node:
        """A new branch, shown unless something else was asked for meanwhile."""
        with self._lock:
            show = self._tree.current_id == node.id and newest()
            made = self._tree.add(trace, node.id, label, code, kind=kind, show=show, changes=changes)
            self._publish()
            return made

    def _show_at(self, node: Node, **traits: Any) -> None:
        """Show something that belongs to a branch, if that is the one that is shown."""
        with self._lock:
            if self._tree.current_id == node.id:
                self._show(**traits)


def uncompared(node: Node) -> bool:
    """Whether a branch isn't set beside what it was made from yet."""
    return (
        node.parent is not None
        and node.comparison is None
        and node.kind != "resample"
        and "thought" in node.trace.roles
    )


def said(plan: Plan, stopped: int | None) -> str:
    """The Python that makes a branch; of one that was stopped after so many tokens, these."""
    return plan.code() if stopped is None else plan.code(max_new_tokens=stopped)
