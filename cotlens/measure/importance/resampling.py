"""Resampling: let the model write on from before a sentence and from after it, and compare the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cotlens.measure.importance import effects
from cotlens.measure.importance.forced import target_answer
from cotlens.measure.importance.sampling import Sampled, Samples, chain, gather, kept, without
from cotlens.measure.method import Cost, Ledger, check_needs, keeping
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace


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
    negatively correlated. Answers that could not be read are left out of the proportions and counted in `n_unread`.

    The settings are those of all sampled measures; see `Sampled`.

    Source: Bogdan et al. 2025, Thought Anchors (arXiv 2506.19143): `resampling_importance_accuracy` and `_kl`, with
    the answer followed in place of correctness and alpha = 1.
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
        target = target_answer(trace, self.target)
        self.allow(trace, self._places(trace))
        samples, ledger = Samples(self, trace, model, seed), Ledger(self, trace, model, seed)

        def result() -> Result:
            words = effects.vocabulary_of(self, samples, target)
            found = []
            for span in spans:
                first, second = kept(trace, span), without(trace, span)
                answers = samples.answers(first), samples.answers(second)
                status = effects.partly(samples, (first, second))
                found.append(effects.compare(self, *answers, target, words, seed, status=status))
            name = "accuracy" if self.metric == "probability" else "kl"
            extras = {"published_name": f"resampling_importance_{name}"} if self.convention != "cotlens" else {}
            return effects.result(self, trace, spans, found, target, ledger.provenance(), samples, extras=extras)

        with keeping(result):
            gather(self, samples, chain(trace, spans), target)
        return result()

    def _places(self, trace: Trace) -> int:
        return sum(map(len, chain(trace, self.units(trace))))
