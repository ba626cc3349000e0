"""What a feature table does on the model's thread beside reading: write a branch under a change, and compare it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from cotlens.models.contract import Branch, BranchScore, Model
from cotlens.models.contract.interventions import Intervention
from cotlens.trace import Trace
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.feature_table.plans import ClampPlan, write
from cotlens.workbench.shared.compare import compare, note
from cotlens.workbench.shared.limits import tokens_left
from cotlens.workbench.shared.writing import Newest, Writing

NOTE = "after: the text written under the change, and its answer scored under it"
SAME = "The model wrote the same text again: the change moved no word."


class FeatureWork(Writing):
    """The long parts of a table."""

    def __init__(
        self,
        model: Model,
        tree: Tree,
        lock: threading.RLock,
        publish: Callable[[], None],
        show: Callable[..., None],
    ) -> None:
        super().__init__(model, tree, lock, publish, show)
        self._changes: dict[str, Intervention] = {}

    def write(self, node: Node, plan: ClampPlan, newest: Newest) -> None:
        """Let the model write as planned. The branch is shown unless something else was asked for meanwhile.

        What was written before an error or a cancel is a branch, too.
        """
        start = int(node.trace.offsets[plan.at])
        self._stream(
            node,
            (start, ""),
            tokens_left(self._model, plan.options["max_new_tokens"], plan.at),
            lambda on_token: write(self._model, plan, on_token=on_token),
            lambda trace, _: self._keep_change(node, trace, plan, newest),
        )

    def compare(self, node_id: str) -> None:
        """Both answers of a branch that was written under a change."""
        node = self._tree.nodes[node_id]
        change = self._changes.get(node_id)
        if node.parent is None or node.comparison is not None or "thought" not in node.trace.roles:
            return
        before = self._tree.nodes[node.parent].trace
        model = self._model if change is None else UnderChange(self._model, node.trace, change)
        found = compare(model, before, node.trace, node.trace.edit, note(node.trace) if change is None else NOTE)
        same = before.token_ids == node.trace.token_ids
        found = {**found, "note": SAME if same else found["note"]}
        with self._lock:
            self._tree.update(node_id, comparison=found, probability=found["after"]["p"])
            self._show(branches=self._tree.payload())
            if self._tree.current_id == node_id:
                self._show(comparison=found)

    def _keep_change(self, node: Node, trace: Trace, plan: ClampPlan, newest: Newest) -> None:
        with self._lock:
            made = self._keep(node, trace, plan.label, plan.code, "clamp", newest)
            self._changes.setdefault(made.id, plan.change)


class UnderChange:
    """A model whose scores of one trace are taken under a change, and of all others as ever."""

    def __init__(self, model: Model, trace: Trace, change: Intervention) -> None:
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
        return self._model.score(trunk, branches, interventions=mine, sites=sites, embeddings=embeddings)
