"""What all sampled measures share: their settings, and what they may spend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.importance.shared import units
from cotlens.measure.importance.shared.units import Place
from cotlens.measure.method import Cost, check_setting, check_words
from cotlens.trace import Span, Trace
from cotlens.trace.latents import among

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
            "kl" (of the distributions of answers, nats, smoothed by `alpha`, less its bias; its interval is that of the
            KL itself, from both posteriors).
        target: the answer to follow; the trace's own by default.
        budget: spend this many rollouts in all instead of n everywhere, where intervals are widest.
        half_width: stop sampling when every interval of a probability is at most +- this; also adaptive. Where fewer
            than half of the rollouts give an answer, intervals may stay wider.
        max_rollouts: allow n everywhere to add up to this many, 10,000 without it; adaptive sampling stops there.
        max_new_tokens: of a rollout; by default twice what the trace's thought and answer have, at least 256.
        temperature, top_p, top_k: as in `model.reason`.
        alpha: what is added to every count for "kl"; 0.5 is Jeffreys' prior.
        vocabulary: the answers "kl" is about, with "(other)" for the rest; by default those that either arm gave.
        convention: "cotlens", or "thought-anchors" for the signs and names of the published columns.
        confirm: True draws the significant units again, a number that many units with the largest estimates, with as
            many rollouts of their own. The columns `confirmed`, `confirmed_low`, `confirmed_high` and `confirmed_n`
            stand beside the first ones, which are too large on average where a unit was chosen by its size.

    Answers that could not be read are left out of the estimate, counted in `n_unread` and, where the rollout was cut
    off, in `n_cut`. What they might have changed stands in `low_worst` and `high_worst`, the interval over all that
    they might have answered, and the p-value is the largest over the same. The status is "ok" only where few are unread
    and the conclusion doesn't hang on them; a row of which an arm is mostly unread was not measured.
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
    alpha: float = 0.5
    vocabulary: tuple[str, ...] | None = None
    convention: Literal["cotlens", "thought-anchors"] = "cotlens"
    confirm: bool | int = False

    def __post_init__(self) -> None:
        name = type(self).__name__
        units.set_units(self, UNITS)
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
        if not isinstance(self.confirm, bool) and (not isinstance(self.confirm, int) or self.confirm < 1):
            raise InputError(f"{name} was given confirm={self.confirm!r}: give True, or how many units to draw again.")
        if self.vocabulary is not None:
            given: Any = self.vocabulary
            listed = isinstance(given, Iterable) and not isinstance(given, str | bytes)
            answers = check.texts("vocabulary", list(map(str, given)) if listed else given, of=name)
            object.__setattr__(self, "vocabulary", tuple(answers))

    @classmethod
    def metrics(cls) -> Mapping[str, str]:
        """The metrics there are -> what they are measured in."""
        return METRICS

    @property
    def adaptive(self) -> bool:
        """Whether rollouts go where they narrow most."""
        return self.budget is not None or self.half_width is not None

    @property
    def shares_rollouts(self) -> bool:
        """Whether a rollout counts at every boundary it goes through, not only where it began."""
        return False

    def units(self, trace: Trace) -> list[Span]:
        """The units of the thought; InputError where there is none."""
        found = units.units(trace, self.unit, self.spans)
        if any(among(trace, span.start, span.end) for span in found):  # nothing is drawn of a latent
            check_words(trace, type(self).__name__)
        return found

    def new_tokens(self, trace: Trace) -> int:
        """How many tokens a rollout may have."""
        if self.max_new_tokens is not None:
            return self.max_new_tokens
        thought = trace.roles.get("thought")
        return max(LEAST_NEW, 2 * (len(trace.token_ids) - (thought.start if thought is not None else 0)))

    def bound(self, trace: Trace, places: int, texts: int = 1) -> Cost:
        """What rollouts from `places` places in `texts` texts cost at most."""
        rollouts = self.planned(places) + self.confirming(places, len(self.units(trace)))
        longest = len(trace.token_ids) + self.new_tokens(trace)
        rounds = max(20, rollouts // 8) if self.adaptive else 1
        tokens = rollouts * self.new_tokens(trace) + rounds * texts * longest
        return Cost(tokens, forwards=tokens, rollouts=rollouts)

    def planned(self, places: int) -> int:
        """Rollouts at most from so many places."""
        if not self.adaptive:
            return places * self.n
        return self.budget if self.budget is not None else self.max_rollouts or LIMIT

    def with_fixed_n(self, places: int) -> Self:
        """These settings for drawing anew: a fixed n, as many as a place had on average, and no confirmation."""
        each = max(2, self.planned(places) // places) if self.adaptive else self.n
        return replace(self, n=each, budget=None, half_width=None, confirm=False)

    def confirming(self, places: int, units: int) -> int:
        """Rollouts at most that the units which are drawn again take, of `units` that have so many places together."""
        if not self.confirm or not places:
            return 0
        each = max(2, -(-places // units))  # neighbours share a place, but those drawn again may be no neighbours
        again = places if self.confirm is True else min(places, each * self.confirm)
        return again * self.with_fixed_n(places).n

    def check_allowed(self, trace: Trace, places: int, factor: int = 1) -> None:
        """Raise InputError, with an estimate, where more rollouts would be sampled than were allowed.

        Args:
            factor: how often every rollout may be continued.
        """
        more = self.confirming(places, len(self.units(trace)))
        planned, limit = (self.planned(places) + more) * factor, self.max_rollouts or LIMIT
        if planned > limit and (factor > 1 or not self.adaptive):
            tokens = planned * self.new_tokens(trace)
            raise InputError(
                f"{type(self).__name__} would sample up to {planned:,} rollouts from {places} places, up to "
                f"{tokens:,} tokens, and {limit:,} are allowed: give max_rollouts={planned} to allow them, a smaller "
                "n=, or budget= to spend fewer where they matter."
            )
