"""What all sampled measures share: their settings, and what they may spend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.importance import units
from cotlens.measure.importance.units import Place
from cotlens.measure.method import Cost, check_setting
from cotlens.trace import Span, Trace

UNITS = ("sentence", "paragraph", "step")
METRICS = {"probability": "probability", "kl": "nats"}
CONVENTIONS = ("cotlens", "thought-anchors")
LIMIT = 10_000
"""Rollouts that are sampled without being asked about."""
LEAST_NEW = 256  # tokens a rollout may have, at least


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """Settings of every measure that is made of rollouts.

    Args:
        unit: "sentence", "paragraph" or "step".
        spans: stretches of the thought to measure instead; Spans or (start, end) characters of the trace's text.
        n: rollouts from every place, at least 2.
        metric: "probability" (of the target; differences with an interval made as Newcombe's from Jeffreys limits) or
            "kl" (of the distributions of answers, nats, smoothed by `alpha`, with a bootstrap interval).
        target: the answer to follow; the trace's own by default.
        budget: spend this many rollouts in all instead of n everywhere, where intervals are widest.
        half_width: stop sampling when every interval of a probability is at most +- this; also adaptive. Where fewer
            than half of the rollouts give an answer, intervals may stay wider.
        max_rollouts: allow n everywhere to add up to this many, 10,000 without it; adaptive sampling stops there.
        max_new_tokens: of a rollout; by default twice what the trace's thought and answer have, at least 256.
        temperature, top_p, top_k: as in `model.reason`.
        alpha: what is added to every count for "kl".
        vocabulary: the answers "kl" is about, with "(other)" for the rest; by default all that any rollout gave.
        convention: "cotlens", or "thought-anchors" for the signs and names of the published columns.
    """

    unit: Literal["sentence", "paragraph", "step", "span"] = "sentence"
    spans: Sequence[Place] | None = None
    n: int = 100
    metric: str = "probability"
    target: str | None = None
    budget: int | None = None
    half_width: float | None = None
    max_rollouts: int | None = None
    max_new_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    alpha: float = 1.0
    vocabulary: tuple[str, ...] | None = None
    convention: Literal["cotlens", "thought-anchors"] = "cotlens"

    def __post_init__(self) -> None:
        name = type(self).__name__
        units.settle(self, UNITS)
        check_setting(name, "metric", self.metric, tuple(self.metrics()))
        check_setting(name, "convention", self.convention, CONVENTIONS)
        check.sampling(self)
        for setting in ("budget", "max_rollouts"):
            if getattr(self, setting) is not None:
                check.whole(setting, getattr(self, setting), 1, of=name)
        if self.n < 2:
            raise InputError(f"{name} was given n={self.n}: a proportion with an interval needs at least 2 rollouts.")
        if self.half_width is not None and not 0 < self.half_width < 1:
            raise InputError(f"{name} was given half_width={self.half_width}: give a number between 0 and 1.")
        if not self.alpha >= 0:
            raise InputError(f"{name} was given alpha={self.alpha}: give 0 or more.")
        if self.vocabulary is not None:
            object.__setattr__(self, "vocabulary", tuple(map(str, self.vocabulary)))

    @classmethod
    def metrics(cls) -> Mapping[str, str]:
        """The metrics there are -> what they are measured in."""
        return METRICS

    @property
    def adaptive(self) -> bool:
        """Whether rollouts go where they narrow most."""
        return self.budget is not None or self.half_width is not None

    @property
    def shares(self) -> bool:
        """Whether a rollout counts at every boundary it goes through, not only where it began."""
        return False

    def units(self, trace: Trace) -> list[Span]:
        """The units of the thought; InputError where there is none."""
        return units.units(trace, self.unit, self.spans)

    def new_tokens(self, trace: Trace) -> int:
        """How many tokens a rollout may have."""
        if self.max_new_tokens is not None:
            return self.max_new_tokens
        thought = trace.roles.get("thought")
        return max(LEAST_NEW, 2 * (len(trace.token_ids) - (thought.start if thought is not None else 0)))

    def bound(self, trace: Trace, places: int, texts: int = 1) -> Cost:
        """What rollouts from `places` places in `texts` texts cost at most."""
        rollouts = self.planned(places)
        longest = len(trace.token_ids) + self.new_tokens(trace)
        rounds = max(20, rollouts // 8) if self.adaptive else 1
        tokens = rollouts * self.new_tokens(trace) + rounds * texts * longest
        return Cost(tokens, forwards=tokens, rollouts=rollouts)

    def planned(self, places: int) -> int:
        """Rollouts at most from so many places."""
        if not self.adaptive:
            return places * self.n
        return self.budget if self.budget is not None else self.max_rollouts or LIMIT

    def allow(self, trace: Trace, places: int, factor: int = 1) -> None:
        """Raise InputError, with an estimate, where more rollouts would be sampled than were allowed.

        Args:
            factor: how often every rollout may be continued.
        """
        planned, limit = self.planned(places) * factor, self.max_rollouts or LIMIT
        if planned > limit and (factor > 1 or not self.adaptive):
            tokens = planned * self.new_tokens(trace)
            raise InputError(
                f"{type(self).__name__} would sample up to {planned:,} rollouts from {places} places, up to "
                f"{tokens:,} tokens, and {limit:,} are allowed: give max_rollouts={planned} to allow them, a smaller "
                "n=, or budget= to spend fewer where they matter."
            )
