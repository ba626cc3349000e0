"""Resilience: how often a sentence comes back when it is taken out, and what happens once it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.importance import effects, similarity
from cotlens.measure.importance.arms import Arm, kept, without
from cotlens.measure.importance.effects import Effect
from cotlens.measure.importance.forced import target_answer
from cotlens.measure.importance.samples import Samples
from cotlens.measure.importance.sampling import METRICS, Sampled
from cotlens.measure.importance.similarity import THRESHOLD, Embed, Similarity, said
from cotlens.measure.method import Cost, Ledger, check_needs, keeping
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


@dataclass(frozen=True, kw_only=True)
class Resilience(Sampled):
    """If this sentence is taken out each time the model says it, how often does it come back?

    The unit is taken out and the model writes on. Wherever something like it appears again (cosine of at least
    `threshold`), the rollout is cut there and written on from there, until the content is gone or `rounds` is reached.

    - metric="rounds" (default): estimate = mean number of cuts, with a bootstrap interval. 0: once out, it stays out.
    - metric="probability": p(answer | the unit kept) - p(answer | rollouts from which the content is gone). Positive:
      the content supports the answer. This is CF++ of the paper, as a difference.
    - metric="kl": KL(p(A | gone) || p(A | kept)), CF++ of the paper.

    Where the content was still there after `rounds` cuts the rollout counts with that number, and is left out of the
    two others; the column `still_there` has the share. Adaptive sampling is not offered: rounds follow each other.

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
        similarity.settled(self.embedder)
        if self.adaptive:
            raise InputError(
                "Resilience samples in rounds that follow each other: give n= instead of budget= and such."
            )
        if self.rounds < 1:
            raise InputError(f"Resilience was given rounds={self.rounds}: give at least 1.")

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
        method = replace(self, embedder=similarity.settled(self.embedder))
        check_needs(method, model)
        spans = self.units(trace)
        target = target_answer(trace, self.target, model.reader).group
        self.allow(trace, len(spans), factor=1 + self.rounds)
        samples, ledger = Samples(self, trace, model, seed), Ledger(method, trace, model, seed)
        alike = Similarity(method.embedder, model, trace, [trace.text[s.char_start : s.char_end] for s in spans])
        done: list[list[_Chain]] = []

        def result() -> Result:
            rows = [self._effect(trace, *one, samples, target, seed) for one in zip(spans, done, strict=False)]
            still = [np.mean([not one.gone for one in chains]) for chains in done]
            missing = len(spans) - len(done)
            words = {} if self.metric != "rounds" else {
                "sign": "larger = comes back more often when it is taken out",
                "zero": "once out, it stays out",
                "metric_words": "times that the content came back",
            }  # fmt: skip
            return effects.result(
                method, trace, spans, [*rows, *[Effect()] * missing], target, ledger.provenance(), samples,
                columns={"still_there": np.array([*still, *[np.nan] * missing])}, words=words,
            )  # fmt: skip

        with keeping(result):
            if self.metric != "rounds":
                samples.draw({kept(trace, span): self.n for span in spans})
            for span in spans:
                done.append(self._fought(trace, span, samples, alike))
        return result()

    def _fought(self, trace: Trace, span: Span, samples: Samples, alike: Similarity) -> list[_Chain]:
        """Cut and write on, all rollouts of a unit together, until it is gone from each or the rounds are spent."""
        chains = [_Chain(without(trace, span), i) for i in range(self.n)]
        while True:
            live = [i for i, one in enumerate(chains) if not one.ended]
            if not live:
                return chains
            wanted: dict[Arm, list[int]] = {}
            for i in live:
                wanted.setdefault(chains[i].arm, []).append(chains[i].number)
            samples.begin(wanted.items())
            for i in live:
                rollout = samples.one(chains[i].arm, chains[i].number).trace
                chains[i] = self._cut(trace, span, chains[i], rollout, alike)

    def _cut(self, trace: Trace, span: Span, chain: _Chain, rollout: Trace, alike: Similarity) -> _Chain:
        own = trace.text[span.char_start : span.char_end]
        unit = self.unit if self.spans is None else "sentence"  # what a span given by hand may come back as
        pieces = said(rollout, chain.arm.at, unit)
        like = alike.to(own, [text for text, _ in pieces]) >= self.threshold
        if not like.any():
            return replace(chain, gone=True, ended=True)
        if chain.rounds == self.rounds:
            return replace(chain, ended=True)
        at = pieces[int(np.argmax(like))][1]
        return _Chain(Arm(rollout, at), chain.number + self.n, chain.rounds + 1)

    def _stopped(self, chains: list[_Chain]) -> str:
        """The status of a row: whether the content was really gone from every rollout, or the rounds were spent."""
        still = sum(not one.gone for one in chains)
        if not still:
            return effects.OK
        cut = f"{still} of {len(chains)} rollouts still said it after {self.rounds} cuts"
        return f"at least this: {cut}" if self.metric == "rounds" else f"partly measured: {cut} and are left out"

    def _effect(
        self, trace: Trace, span: Span, chains: list[_Chain], samples: Samples, target: str, seed: int
    ) -> Effect:
        if self.metric == "rounds":
            counts = [float(one.rounds) for one in chains]
            low, high = mean_interval(counts, seed)
            return Effect(float(np.mean(counts)), low, high, n=len(counts), status=self._stopped(chains))
        gone = [samples.one(one.arm, one.number).answer for one in chains if one.gone]
        words = effects.vocabulary_of(self, samples, target)
        arm = kept(trace, span)
        found = effects.compare(self, samples.answers(arm), gone, target, words, seed, status=self._stopped(chains))
        if not gone:
            return replace(
                found, status=f"not measured: the content was there after {self.rounds} cuts in all rollouts"
            )
        return found
