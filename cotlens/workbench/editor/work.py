"""What the editor does on the model's thread: write a branch, and fill in what a branch lacks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from cotlens._core.errors import Cancelled
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.tree import Tree, changed_by
from cotlens.workbench.editor.measure_menu import ShadingSettings
from cotlens.workbench.editor.measure_runner import MeasureRunner
from cotlens.workbench.editor.offers.offering import CURVE
from cotlens.workbench.editor.plans import BranchPlan
from cotlens.workbench.editor.resampling import arms, asked, likeliest, resample
from cotlens.workbench.shared.compare import KEPT, compare
from cotlens.workbench.shared.writing import Newest, Writing, said, uncompared

READ_WORDS = "read the probabilities"
CURVE_WORDS = "answers along the thought"


class Work(Writing):
    """The long parts of an editor."""

    def __init__(
        self,
        model: Model,
        tree: Tree,
        measuring: MeasureRunner,
        lock: threading.RLock,
        publish: Callable[[], None],
        show: Callable[..., None],
    ) -> None:
        super().__init__(model, tree, lock, publish, show)
        self._measuring = measuring
        self._fans = object()  # another one where rollouts that still come are of other settings

    def has_all(self, node: Node, shown: ShadingSettings, asked: bool) -> bool:
        """Whether a branch lacks nothing."""
        return not uncompared(node) and self._measuring.has_all(node.trace, shown, asked)

    def write(self, node: Node, plan: BranchPlan, newest: Newest) -> None:
        """Let the model write as planned. The new branch is shown unless something else was asked for meanwhile.

        What was written before an error or a cancel is a branch, too.
        """
        edited = plan.surprised(self._model)
        if plan.changes_text and len(edited.token_ids) <= self._model.context_length:
            kept = compare(self._model, node.trace, edited, edited.edit, KEPT)
            self._show_at(node, comparison=kept)
        self._stream(
            node,
            (plan.start, plan.text),
            plan.limit(self._model),
            lambda on_token: self._model.resume(edited, **plan.options, on_token=on_token),
            lambda trace, stopped: self._keep(node, trace, plan.label, said(plan, stopped), plan.kind, newest),
        )

    def resample(self, node: Node, n: int, options: dict[str, Any], force: bool) -> None:
        """Write a branch again many times, with its edit and without, and show the answers as they come.

        What they come to is a branch of its own, below the one that is written again.
        """
        before = self._tree.before(node) if node.parent is not None else None
        mine, code = self._fans, asked(n, options, force)

        def show(found: dict[str, Any]) -> None:
            with self._lock:
                if self._fans is mine:
                    made = self._tree.resampled(node.id, f"{n} rollouts", code)
                    self._tree.update(made.id, fan=found, **likeliest(found))
                    self._show_at(node, resampled=found)

        resample(self._model, arms(node.trace, before, n), options, show, force)

    def resampled(self, node: Node, options: dict[str, Any]) -> dict[str, Any]:
        """What rollouts of a branch answered last by these settings; {} where there are none."""
        fans = [each.fan for each in self._tree.nodes.values() if each.parent == node.id and _drawn(each, options)]
        return fans[-1] if fans else node.fan or {}  # files of older versions keep it with the branch itself

    def leave_resampling(self) -> None:
        """Drop what rollouts that still come answer: other settings were chosen."""
        with self._lock:
            self._fans = object()

    def fill(self, node_id: str, shown: ShadingSettings, asked: bool, wanted: Callable[[], bool]) -> str:
        """Measure what a branch lacks, showing each part as it comes; what a cancelled part had is shown, too.

        Returns:
            what was measured, in words.
        """
        if not wanted():
            raise Cancelled("Something newer was asked for.")
        node = self._tree.nodes[node_id]
        self.compare(node_id)
        trace = self._measuring.annotated(node.trace)
        self._measuring.price(trace, shown)
        self._learn(node_id, trace=trace)
        parts = self._measuring.missing(trace, shown, asked)
        for part in parts:
            try:
                self._measuring.run(trace, part, lambda: self._show_again(node_id))
            finally:
                self._learn(node_id, **self._certainty(trace))
        done = [CURVE_WORDS if part == CURVE != shown else part.entry.label for part in parts]
        return ", ".join(sorted(done, key=CURVE_WORDS.__eq__)) or READ_WORDS

    def _certainty(self, trace: Trace) -> dict[str, Any]:
        """The probability of a trace's answer, as its curve ends; the curve knows no change of the model."""
        if changed_by(trace):
            return {}
        curve = self._measuring.curve(trace)
        last = np.nan if curve is None else float(curve.extras["curve"][-1, 0])
        return {"probability": last} if np.isfinite(last) else {}

    def _learn(self, node_id: str, **parts: Any) -> None:
        with self._lock:
            self._tree.update(node_id, **parts)
            if self._tree.current_id == node_id:
                self._publish()
            else:
                self._show(branches=self._tree.payload())

    def _show_again(self, node_id: str) -> None:
        """More was measured of a branch: show it, if that branch is shown."""
        with self._lock:
            if self._tree.current_id == node_id:
                self._publish()


def _drawn(node: Node, options: dict[str, Any]) -> bool:
    """Whether these are rollouts that were drawn by such settings, and are read as all else is."""
    codes = (asked(node.fan["n"], options, force) for force in (False, True)) if node.fan else ()
    return node.kind == "resample" and not node.pruned and node.code in codes
