"""Branches that the model wrote while it was changed from inside: kept with the change, and compared under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cotlens.models.contract import Branch, BranchScore
from cotlens.models.contract.interventions import Intervention
from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import BranchKind
from cotlens.workbench.branches.node import Node
from cotlens.workbench.shared.compare import compare, note
from cotlens.workbench.shared.writing import Newest, Writing

NOTE = "after: the text written under the change, and its answer scored under it"
SAME = "The model wrote the same text again: the change moved no word."


@dataclass(frozen=True, eq=False)
class MadeBy:
    """What a branch is called, the Python that makes it, what was done, and the change that it was written under."""

    label: str
    code: str
    kind: BranchKind
    change: Intervention


class ChangedWriting(Writing):
    """Writes branches under a change of the model, and remembers which."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._changes: dict[str, Intervention] = {}

    def compare(self, node_id: str, more: str = "") -> None:
        """Both answers of a branch that was written under a change; `more` is said beside them."""
        node = self._tree.nodes[node_id]
        change = self._changes.get(node_id)
        if node.parent is None or node.comparison is not None or "thought" not in node.trace.roles:
            return
        before = self._tree.nodes[node.parent].trace
        model = self._model if change is None else UnderChange(self._model, node.trace, change)
        found = compare(model, before, node.trace, node.trace.edit, note(node.trace) if change is None else NOTE)
        same = before.token_ids == node.trace.token_ids
        found = {**found, "note": (SAME if same else found["note"]) + (f" · {more}" if more else "")}
        with self._lock:
            self._tree.update(node_id, comparison=found, probability=found["after"]["p"])
            self._show(branches=self._tree.payload())
            if self._tree.current_id == node_id:
                self._show(comparison=found)

    def _keep_changed(self, node: Node, trace: Trace, made_by: MadeBy, newest: Newest) -> Node:
        with self._lock:
            made = self._keep(node, trace, made_by.label, made_by.code, made_by.kind, newest)
            self._changes.setdefault(made.id, made_by.change)
            return made


class UnderChange:
    """A model whose scores of one trace are taken under a change, and of all others as ever."""

    def __init__(self, model: Any, trace: Trace, change: Intervention) -> None:
        self._model, self._trace, self._change = model, trace, change

    def __getattr__(self, name: str) -> Any:
        # Everything but scoring is the model's own.
        return getattr(self._model, name)

    def score(
        self,
        trunk: Trace | Sequence[int],
        branches: Sequence[Branch],
        *,
        interventions: Any = (),
        sites: str | Sequence[str] = (),
        embeddings: Any = None,
    ) -> list[BranchScore]:
        """As the model's, with the change added where the trunk is the trace that was written under it."""
        mine = self._change if trunk is self._trace else interventions
        found: list[BranchScore] = self._model.score(
            trunk, branches, interventions=mine, sites=sites, embeddings=embeddings
        )
        return found
