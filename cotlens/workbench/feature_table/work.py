"""What a feature table does on the model's thread beside reading: write a branch under a change."""

from __future__ import annotations

from cotlens.workbench.branches.node import Node
from cotlens.workbench.feature_table.plans import ClampPlan, write
from cotlens.workbench.shared.limits import tokens_left
from cotlens.workbench.shared.writing import Newest, Writing, said


class FeatureWork(Writing):
    """The long parts of a table."""

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
            lambda trace, stopped: self._keep(
                node, trace, plan.label, said(plan, stopped), "clamp", newest, (plan.change,)
            ),
        )
