"""What a patch grid does on the model's thread: write a branch under a patch, and say what the patch alone recovers."""

from __future__ import annotations

from cotlens.measure.patching.grid import measured, whole
from cotlens.measure.patching.pair import Pair
from cotlens.models.contract import Model, Patch
from cotlens.workbench.branches.node import Node
from cotlens.workbench.patch_grid.plans import PatchPlan
from cotlens.workbench.shared.limits import tokens_left
from cotlens.workbench.shared.writing import Newest, Writing, said


class PatchWork(Writing):
    """The long parts of a patch grid."""

    def write(self, node: Node, plan: PatchPlan, pair: Pair, newest: Newest) -> None:
        """Let the model write on under the patch, and compare what came of it.

        What was written before an error or a cancel is a branch, too.

        Args:
            pair: with the patched text as its base.
        """
        change, made = plan.change(self._model), list[Node]()
        recovered = recovery(pair, self._model, change)
        self._stream(
            node,
            (int(node.trace.offsets[plan.at]), ""),
            tokens_left(self._model, plan.options["max_new_tokens"], plan.at),
            lambda on_token: self._model.resume(
                plan.trace, at=plan.at, **plan.options, interventions=change, on_token=on_token
            ),
            lambda trace, stopped: made.append(
                self._keep(node, trace, plan.label, said(plan, stopped), "patch", newest, (change,))
            ),
        )
        self.compare(made[0].id, f"recovery with the text as it was: {recovered:+.3g}")


def recovery(pair: Pair, model: Model, change: Patch) -> float:
    """How much of the way from base to source one patch goes, the text as it is."""
    before, after = whole(pair, model), -whole(pair.turned, model)
    value = float(measured(pair, model, [(change.positions[0], (change,))])[0])
    return (value - before) / (after - before)
