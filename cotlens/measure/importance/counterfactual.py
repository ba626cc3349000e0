"""Counterfactual importance: what happens where the model says something else in place of a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import target_answer
from cotlens.measure.importance.sampled import effects, similarity, table
from cotlens.measure.importance.sampled.arms import chain, kept, without
from cotlens.measure.importance.sampled.confirming import Confirmation
from cotlens.measure.importance.sampled.effects import Effect
from cotlens.measure.importance.sampled.rollout_pool import RolloutPool, draw_rollouts
from cotlens.measure.importance.sampled.settings import Sampled
from cotlens.measure.importance.sampled.similarity import THRESHOLD, Embed, Similarity, units_from
from cotlens.measure.method import Cost, RunRecord, check_needs, keeping
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace

_Row = tuple[Effect, float, float]  # with the shares `different` and `overdetermined`


@dataclass(frozen=True, kw_only=True)
class Counterfactual(Sampled):
    """If the model had said something else here, how much more or less often would it reach the same answer?

    Of the rollouts R_i from just before unit i only those count as "without" whose first unit T_i differs from the
    trace's own, S_i: cos(T_i, S_i) < `threshold` under `embedder`.

    - metric="probability": estimate = p(answer | R_{i+1}) - p(answer | R_i with T_i unlike S_i). Positive: the unit
      supports the answer. convention="thought-anchors" has the published, opposite sign.
    - metric="kl": KL(p(A | T_i unlike S_i) || p(A | R_{i+1}, and R_i with T_i like S_i)).

    The alternatives are the model's own and selected, so the prefix is in distribution. Where no rollout says something
    else the unit was not measured, which is not an effect of zero. Columns: `different`, the share of R_i that says
    something else, and `overdetermined`, 1 - distinct T_i / |R_i|. Adaptive sampling spends rollouts as for
    `Resampling`.

    The settings are those of all sampled measures (see `Sampled`), and:

    Args:
        embedder: "auto", "residual", "exact", the name of a sentence-transformers model, or a function; see
            `importance.sampled.similarity`. The provenance says which was used.
        threshold: cosine from which two units count as alike.

    Source: Bogdan et al. 2025, Thought Anchors (arXiv 2506.19143): `counterfactual_importance_accuracy` and `_kl`.
    """

    edit_type: ClassVar[str] = "resampled"
    label: ClassVar[str] = "Counterfactual"

    embedder: Embed = "auto"
    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        super().__post_init__()
        similarity.resolved(self.embedder)
        if not -1 < self.threshold <= 1:
            raise InputError(f"{type(self).__name__} was given threshold={self.threshold}: a cosine lies in (-1, 1].")

    @property
    def needs(self) -> Capability:
        """GENERATE, and READ where the residual stream is the embedder."""
        return similarity.needs_of(self.embedder)

    def cost(self, trace: Trace) -> Cost:
        """At most n rollouts of full length from every boundary, and the reading of what they say first."""
        bound = self.bound(trace, self._places(trace))
        read = (bound.rollouts + 2 * len(self.units(trace))) * (len(trace.token_ids) + self.new_tokens(trace))
        return Cost(bound.tokens + read, bound.forwards + read, bound.rollouts)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: there is no unit or no answer to follow, or more rollouts are needed than were allowed.
            CapabilityError: the embedder isn't installed.
            Cancelled: with what was measured so far as `partial`; what was sampled is in the store.
        """
        method = replace(self, embedder=similarity.resolved(self.embedder))
        check_needs(method, model)
        spans = self.units(trace)
        target = target_answer(trace, self.target, model.reader).group
        self.check_allowed(trace, self._places(trace))
        pool, record = RolloutPool(self, trace, model, seed), RunRecord(method, trace, model, seed)
        texts = [trace.text[span.char_start : span.char_end] for span in spans]
        alike = Similarity(method.embedder, model, trace, texts)
        compared: list[_Row] = []
        confirmation = Confirmation(self, len(spans))

        def result() -> Result:
            rows = [*compared, *[(Effect(), np.nan, np.nan)] * (len(spans) - len(compared))]
            found = [effect for effect, *_ in rows]
            columns = {
                "different": np.array([row[1] for row in rows]),
                "overdetermined": np.array([row[2] for row in rows]),
                **confirmation.columns(),
            }
            extras, words = self._published(target_answer(trace, self.target).surface)
            return table.result(
                method, trace, spans, found, target, record.provenance(), pool,
                columns=columns, extras=extras, words=words,
            )  # fmt: skip

        def compare() -> None:
            compared[:] = [self._row(trace, span, pool, alike, target, seed) for span in spans]

        def afresh(rows: Sequence[int]) -> list[Effect]:
            plain, fresh = self.with_fixed_n(self._places(trace)), pool.independent()
            fresh.draw({arm(trace, spans[row]): plain.n for row in rows for arm in (kept, without)})
            return [plain._row(trace, spans[row], fresh, alike, target, seed)[0] for row in rows]

        with keeping(result):
            draw_rollouts(self, pool, chain(trace, spans), target, compare)
            confirmation.run([effect for effect, *_ in compared], afresh)
        return result()

    def _row(self, trace: Trace, span: Span, pool: RolloutPool, alike: Similarity, target: str, seed: int) -> _Row:
        arms = kept(trace, span), without(trace, span)
        drawn = pool.of_arm(arms[1])
        firsts = [_first(one.trace, span, self.unit) for one in drawn]
        like = alike.instead(span, firsts) >= self.threshold
        other = [one for one, same in zip(drawn, like, strict=True) if not same]
        again = [one for one, same in zip(drawn, like, strict=True) if same]
        status = effects.partly(pool, arms)
        found = effects.compare(self, pool.of_arm(arms[0]), other, target, seed, beside=again, status=status)
        if drawn and not other:
            closeness = f"(cosine < {self.threshold:g})"
            found = replace(found, status=f"not measured: none of {len(drawn)} rollouts said otherwise {closeness}")
        answered = [one.answer is not None for one in drawn]
        different = float((~like)[answered].mean()) if any(answered) else np.nan
        return self._signed(found), different, 1 - len(set(firsts)) / len(firsts) if firsts else np.nan

    def _signed(self, effect: Effect) -> Effect:
        """The effect in the sign of the convention."""
        if self.convention == "cotlens" or self.metric == "kl":
            return effect
        return replace(
            effect, estimate=-effect.estimate, low=-effect.high, high=-effect.low,
            low_worst=-effect.high_worst, high_worst=-effect.low_worst,
        )  # fmt: skip

    def _published(self, target: str) -> tuple[dict[str, str], dict[str, str]]:
        if self.convention == "cotlens":
            return {}, {}
        name = "accuracy" if self.metric == "probability" else "kl"
        words = {"sign": f"+ = makes the answer {target!r} less likely"} if self.metric == "probability" else {}
        return {"published_name": f"counterfactual_importance_{name}"}, words

    def _places(self, trace: Trace) -> int:
        return sum(map(len, chain(trace, self.units(trace))))


def _first(rollout: Trace, span: Span, unit: str) -> str:
    """What a rollout says in place of a unit, "" if its thought ends there."""
    found: Sequence[tuple[str, int]] = units_from(rollout, span.start, unit, span.end - span.start)
    return found[0][0] if found else ""
