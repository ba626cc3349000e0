"""Resampling: let the model write on from before a sentence and from after it, and compare the answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cotlens.measure.answers.forced import target_answer
from cotlens.measure.importance.sampled import effects, table
from cotlens.measure.importance.sampled.arms import chain, kept, without
from cotlens.measure.importance.sampled.confirming import Confirmation
from cotlens.measure.importance.sampled.effects import Effect
from cotlens.measure.importance.sampled.rollout_pool import RolloutPool, draw_rollouts
from cotlens.measure.importance.sampled.settings import Sampled
from cotlens.measure.method import Cost, RunRecord, check_needs, keeping
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace


@dataclass(frozen=True, kw_only=True)
class Resampling(Sampled):
    """If the model had to write this sentence again, how much more or less often would it reach the same answer?

    R_i are rollouts from just before unit i, so that the model writes it anew; R_{i+1} go on after it, as it stands.

    - metric="probability": estimate = p(answer | R_{i+1}) - p(answer | R_i). Positive: having said the unit supports
      the answer, the trace's own by default (`target=` for another, such as the true one).
    - metric="kl": KL(p(A | R_i) || p(A | R_{i+1})).

    On-policy: every rollout continues a prefix the model wrote itself, so this is the effect of having said the unit,
    not of its text being there. What the model would say again anyway shows no effect, however much hangs on it: see
    `Counterfactual`. R_{i+1} serves unit i as "after" and unit i + 1 as "before", so neighbouring estimates are
    negatively correlated. The column `again` is the share of R_i that says the unit again, token by token.

    With a fixed n, R_i are n rollouts begun at boundary i, as published. With `budget` or `half_width`, and for
    "probability", they are shared: one that says unit i again is also a draw from R_{i+1}. R_i is then the mixture of
    those that said it again, a share w, and those that did not, so p(answer | R_i) = w p(answer | R_{i+1}) +
    (1 - w) p(answer | said otherwise), and the estimate is (1 - w) times the difference of the last two.

    The settings are those of all sampled measures; see `Sampled`.

    Source: Bogdan et al. 2025, Thought Anchors (arXiv 2506.19143): `resampling_importance_accuracy` and `_kl`, with
    the answer followed in place of correctness, alpha = 0.5 and the bias taken out of the KL.
    """

    needs: ClassVar[Capability] = Capability.GENERATE
    edit_type: ClassVar[str] = "on-policy"
    label: ClassVar[str] = "Resampling"

    def cost(self, trace: Trace) -> Cost:
        """At most n rollouts of full length from every boundary."""
        return self.bound(trace, self._places(trace))

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: there is no unit or no answer to follow, or more rollouts are needed than were allowed.
            Cancelled: with what was measured so far as `partial`; what was sampled is in the store.
        """
        check_needs(self, model)
        spans = self.units(trace)
        target = target_answer(trace, self.target, model.reader).group
        self.check_allowed(trace, self._places(trace))
        pool, record = RolloutPool(self, trace, model, seed), RunRecord(self, trace, model, seed)
        confirmation = Confirmation(self, len(spans))

        def found() -> list[Effect]:
            return [self._effect(trace, span, pool, target, seed) for span in spans]

        def afresh(rows: Sequence[int]) -> list[Effect]:
            plain, fresh = self.with_fixed_n(self._places(trace)), pool.independent()
            fresh.draw({arm(trace, spans[row]): plain.n for row in rows for arm in (kept, without)})
            return [plain._effect(trace, spans[row], fresh, target, seed) for row in rows]

        def result() -> Result:
            name = "accuracy" if self.metric == "probability" else "kl"
            extras = {"published_name": f"resampling_importance_{name}"} if self.convention != "cotlens" else {}
            again = np.array([self._again(trace, span, pool) for span in spans])
            return table.result(
                self, trace, spans, found(), target, record.provenance(), pool,
                columns={"again": again, **confirmation.columns()}, extras={"shared": self.shares_rollouts, **extras},
            )  # fmt: skip

        with keeping(result):
            draw_rollouts(self, pool, chain(trace, spans), target)
            confirmation.run(found(), afresh)
        return result()

    @property
    def shares_rollouts(self) -> bool:
        """Where rollouts go where they narrow most, for differences of proportions."""
        return self.adaptive and self.metric == "probability"

    def _effect(self, trace: Trace, span: Span, pool: RolloutPool, target: str, seed: int) -> Effect:
        arms = kept(trace, span), without(trace, span)
        if not self.shares_rollouts:
            first, second = (pool.of_arm(arm) for arm in arms)
            return effects.compare(self, first, second, target, seed, status=effects.partly(pool, arms))
        went, came = (pool.through_arm(arm) for arm in arms)
        left = [one for one in came if one.departs < span.end]
        # One that first departs from the trace behind the unit has written the unit again.
        again = [one for one in came if one.departs >= span.end]
        status = effects.partly(pool, pool.arms())
        return effects.compare(self, went, left, target, seed, again=again, status=status)

    def _again(self, trace: Trace, span: Span, pool: RolloutPool) -> float:
        arm = without(trace, span)
        drawn = pool.through_arm(arm) if self.shares_rollouts else pool.of_arm(arm)
        return sum(one.departs >= span.end for one in drawn) / len(drawn) if drawn else math.nan

    def _places(self, trace: Trace) -> int:
        return sum(map(len, chain(trace, self.units(trace))))
