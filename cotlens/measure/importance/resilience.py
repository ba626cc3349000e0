"""Resilience: how often a sentence comes back when it is taken out, and what happens once it is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import target_answer
from cotlens.measure.importance.sampled import effects, similarity, table
from cotlens.measure.importance.sampled.arms import Arm, kept, without
from cotlens.measure.importance.sampled.confirming import Confirmation
from cotlens.measure.importance.sampled.effects import Effect
from cotlens.measure.importance.sampled.rollout_pool import RolloutPool
from cotlens.measure.importance.sampled.settings import METRICS, Sampled
from cotlens.measure.importance.sampled.similarity import THRESHOLD, Embed, Similarity, units_from
from cotlens.measure.importance.sampled.unread import FEW, MOST, OK
from cotlens.measure.method import Cost, RunRecord, check_needs, keeping
from cotlens.measure.stats import mean_interval
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace

ROUNDS = 20


@dataclass(frozen=True)
class _Chain:
    """One rollout that is cut wherever the unit comes back.

    Args:
        arm, number: where it was last written from, and its number there, another one each time: a cut may come where
            the rollout began, and the same number would write the same text again.
    """

    arm: Arm
    number: int
    rounds: int = 0
    gone: bool = False
    ended: bool = False
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Resilience(Sampled):
    """If this sentence is taken out each time the model says it, how often does it come back?

    The unit is taken out and the model writes on. Wherever something like it appears again (cosine of at least
    `threshold`), the rollout is cut there and written on from there, until the content is gone or `rounds` is reached.

    - metric="rounds" (default): estimate = mean number of cuts, at most `rounds`. 0: once out, it stays out. The
      interval holds for any law of a number between 0 and `rounds`, one that is almost always 0 included, and so is
      wide where rollouts are few. There is no test: how often a sentence comes back has no null to be held to.
    - metric="probability": p(answer | the unit kept) - p(answer | rollouts from which the content is gone). Positive:
      the content supports the answer. This is CF++ of the paper, as a difference.
    - metric="kl": KL(p(A | gone) || p(A | kept)), CF++ of the paper.

    Where the content was still there after `rounds` cuts the rollout counts with that number, and is left out of the
    two others; the column `still_there` has the share. Where a rollout is cut off within its thought, the content might
    have come back later: it counts as unread (`n_cut`), with all rounds in the worst case. Adaptive sampling is not
    offered: rounds follow each other. Held to the truth (docs/truth.md), it is no better than position on ground truth.

    The settings are those of all sampled measures (see `Sampled`; n is 30 here), and:

    Args:
        rounds: cuts at most.
        embedder, threshold: as for `Counterfactual`.

    Source: Macar et al. 2025, Thought Branches (arXiv 2510.27484).
    """

    edit_type: ClassVar[str] = "resampled"
    label: ClassVar[str] = "Resilience"

    n: int = 30
    metric: str = "rounds"
    rounds: int = ROUNDS
    embedder: Embed = "auto"
    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        super().__post_init__()
        similarity.resolved(self.embedder)
        if self.adaptive:
            raise InputError(
                "Resilience samples in rounds that follow each other: give n= instead of budget= and such."
            )
        if self.rounds < 1:
            raise InputError(f"Resilience was given rounds={self.rounds}: give at least 1.")
        if self.confirm is True and self.metric == "rounds":
            raise InputError(
                "Resilience has no test for rounds, so no unit is significant: give confirm= a number of units."
            )

    @classmethod
    def metrics(cls) -> Mapping[str, str]:
        """Rounds beside the others."""
        return {"rounds": "rounds", **METRICS}

    @property
    def needs(self) -> Capability:
        """GENERATE, and READ where the residual stream is the embedder."""
        return similarity.needs_of(self.embedder)

    def cost(self, trace: Trace) -> Cost:
        """At most n rollouts of full length per unit and round, each behind a text of its own."""
        spans = len(self.units(trace))
        bound = self.bound(trace, (self.rounds + 2) * spans, texts=self.n * (self.rounds + 2) * spans)
        return Cost(2 * bound.tokens, 2 * bound.forwards, bound.rollouts)

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
        self.check_allowed(trace, len(spans), factor=1 + self.rounds)
        pool, record = RolloutPool(self, trace, model, seed), RunRecord(method, trace, model, seed)
        alike = Similarity(method.embedder, model, trace, [trace.text[s.char_start : s.char_end] for s in spans])
        done: list[Effect] = []
        still: list[float] = []
        confirmation = Confirmation(self, len(spans))

        def result() -> Result:
            missing = len(spans) - len(done)
            words = {} if self.metric != "rounds" else {
                "sign": "larger = comes back more often when it is taken out",
                "zero": "once out, it stays out",
                "metric_words": "times that the content came back",
            }  # fmt: skip
            return table.result(
                method, trace, spans, [*done, *[Effect()] * missing], target, record.provenance(), pool, words=words,
                columns={"still_there": np.array([*still, *[np.nan] * missing]), **confirmation.columns()},
            )  # fmt: skip

        def afresh(rows: Sequence[int]) -> list[Effect]:
            fresh = pool.independent()
            self._keep(trace, [spans[row] for row in rows], fresh)
            self._count(fresh, len(rows))
            return [self._measured(trace, spans[row], fresh, alike, target, seed)[0] for row in rows]

        with keeping(result):
            self._keep(trace, spans, pool)
            self._count(pool, len(spans))
            for span in spans:
                effect, there = self._measured(trace, span, pool, alike, target, seed)
                done.append(effect)
                still.append(there)
            confirmation.run(done, afresh)
        return result()

    def _keep(self, trace: Trace, spans: Sequence[Span], pool: RolloutPool) -> None:
        """Rollouts with the units as they are, where they are needed."""
        if self.metric != "rounds":
            pool.draw({kept(trace, span): self.n for span in spans})

    def _count(self, pool: RolloutPool, units: int) -> None:
        """Progress is counted in rollouts that need no further cut, since how many cuts there will be isn't known."""
        pool.count = lambda: (pool.closed, self.n * units, "rollouts cut until the content is gone")

    def _measured(
        self, trace: Trace, span: Span, pool: RolloutPool, alike: Similarity, target: str, seed: int
    ) -> tuple[Effect, float]:
        """A unit's effect, and the share of rollouts in which the content was still there."""
        chains = self._cut_until_gone(trace, span, pool, alike)
        still = float(np.mean([not (one.gone or one.cut) for one in chains]))
        if self.metric == "rounds":
            return self._rounds(chains, seed), still
        return self._effect(trace, span, chains, pool, target, seed), still

    def _cut_until_gone(self, trace: Trace, span: Span, pool: RolloutPool, alike: Similarity) -> list[_Chain]:
        """Cut and write on, all rollouts of a unit together, until it is gone from each or the rounds are spent."""
        chains = [_Chain(without(trace, span), i) for i in range(self.n)]
        while True:
            live = [i for i, one in enumerate(chains) if not one.ended]
            if not live:
                return chains
            wanted: dict[Arm, list[int]] = {}
            for i in live:
                wanted.setdefault(chains[i].arm, []).append(chains[i].number)
            pool.draw_numbers(wanted.items())
            for i in live:
                rollout = pool.rollout(chains[i].arm, chains[i].number).trace
                chains[i] = self._cut(trace, span, chains[i], rollout, alike)
                pool.closed += chains[i].ended

    def _cut(self, trace: Trace, span: Span, chain: _Chain, rollout: Trace, alike: Similarity) -> _Chain:
        own = trace.text[span.char_start : span.char_end]
        unit = self.unit if self.spans is None else "sentence"  # what a span given by hand may come back as
        pieces = units_from(rollout, chain.arm.at, unit)
        like = alike.to(own, [text for text, _ in pieces]) >= self.threshold
        if not like.any():
            cut = not rollout.finished and not rollout.meta.get("thought_closed", False)
            return replace(chain, gone=not cut, cut=cut, ended=True)
        if chain.rounds == self.rounds:
            return replace(chain, ended=True)
        at = pieces[int(np.argmax(like))][1]
        return _Chain(Arm(rollout, at), chain.number + self.n, chain.rounds + 1)

    def _rounds(self, chains: Sequence[_Chain], seed: int) -> Effect:
        """How often the content came back, between none and all rounds."""
        counts = [float(one.rounds) for one in chains]
        # Cut off before it could come back, it might have come back each time.
        most = [float(self.rounds if one.cut else one.rounds) for one in chains]
        cut = sum(one.cut for one in chains)
        found, worst = (mean_interval(values, seed, bounds=(0, self.rounds)) for values in (counts, most))
        unread = {"n_unread": cut, "n_cut": cut, "low_worst": found.low, "high_worst": worst.high}
        told = f"{cut} of {len(chains)} rollouts were cut off before the content could come back"
        if cut > MOST * len(chains):
            return Effect(**unread, status=f"not measured: {told}")
        status = f"partly read: {told}; beside it, the worst case" if cut > FEW * len(chains) else self._spent(chains)
        return Effect(float(np.mean(counts)), *found, **unread, n=len(counts) - cut, status=status)

    def _spent(self, chains: Sequence[_Chain]) -> str:
        """The status of a row: whether the content was gone from every rollout, or the rounds were spent before."""
        still = sum(not (one.gone or one.cut) for one in chains)
        if not still:
            return OK
        told = f"{still} of {len(chains)} rollouts still said it after {self.rounds} cuts"
        return f"at least this: {told}" if self.metric == "rounds" else f"partly measured: {told} and are left out"

    def _effect(
        self, trace: Trace, span: Span, chains: Sequence[_Chain], pool: RolloutPool, target: str, seed: int
    ) -> Effect:
        rollouts = [(one, pool.rollout(one.arm, one.number)) for one in chains]
        gone = [drawn._replace(answer=None) if one.cut else drawn for one, drawn in rollouts if one.gone or one.cut]
        arm = kept(trace, span)
        found = effects.compare(self, pool.of_arm(arm), gone, target, seed, status=self._spent(chains))
        if not gone:
            return replace(
                found, status=f"not measured: the content was there after {self.rounds} cuts in all rollouts"
            )
        return found
