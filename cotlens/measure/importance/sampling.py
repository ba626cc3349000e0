"""What all sampled measures share: their settings, what they may spend, and the rollouts they are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.measure.importance import units
from cotlens.measure.importance.units import Place
from cotlens.measure.method import Cost, check_setting
from cotlens.measure.stats import allocate
from cotlens.models.contract import Model, Start
from cotlens.trace import Span, Trace

UNITS = ("sentence", "paragraph", "step")
METRICS = {"probability": "probability", "kl": "nats"}
CONVENTIONS = ("cotlens", "thought-anchors")
LIMIT = 10_000
"""Rollouts that are sampled without being asked about."""
LEAST_NEW = 256  # tokens a rollout may have, at least
PARTS = 4  # in which a fixed number of rollouts is drawn, where something is to be seen on the way


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
        temperature, top_p: as in `model.reason`.
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
    alpha: float = 1.0
    vocabulary: tuple[str, ...] | None = None
    convention: Literal["cotlens", "thought-anchors"] = "cotlens"

    def __post_init__(self) -> None:
        name = type(self).__name__
        units.settle(self, UNITS)
        check_setting(name, "metric", self.metric, tuple(self.metrics()))
        check_setting(name, "convention", self.convention, CONVENTIONS)
        if isinstance(self.n, bool) or self.n < 2:
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


@dataclass(frozen=True)
class Arm:
    """Where rollouts of one kind begin: after `trace.token_ids[:at]`."""

    trace: Trace
    at: int


def kept(trace: Trace, span: Span) -> Arm:
    """The arm with a unit as it is."""
    return Arm(trace, span.end)


def without(trace: Trace, span: Span) -> Arm:
    """The arm in which the model writes a unit anew."""
    return Arm(trace, span.start)


class Samples:
    """Rollouts by arm, as they come.

    Args:
        method: gives the settings of sampling.
        trace: whose reader reads the answers.
    """

    def __init__(self, method: Sampled, trace: Trace, model: Model, seed: int) -> None:
        self._method, self._trace, self._model, self._seed = method, trace, model, seed
        self._reader = trace.reader if trace.reader is not None else model.reader
        self._rollouts: dict[Arm, dict[int, tuple[Trace, str | None]]] = {}
        self._asked: dict[Arm, int] = {}
        self.sampled = self.reused = 0

    def draw(self, wanted: Mapping[Arm, int]) -> None:
        """So many more rollouts from each arm."""
        starts = []
        for arm, more in wanted.items():
            first = len(self._rollouts.setdefault(arm, {}))
            starts.append((arm, range(first, first + more)))
        self.begin(starts)

    def begin(self, wanted: Iterable[tuple[Arm, Sequence[int]]]) -> None:
        """The rollouts with these numbers, where they aren't there yet."""
        new = [(arm, [i for i in numbers if i not in self._rollouts.get(arm, {})]) for arm, numbers in wanted]
        arms = [(arm, numbers) for arm, numbers in new if numbers]
        if not arms:
            return
        for arm, numbers in arms:
            self._asked[arm] = self._asked.get(arm, 0) + len(numbers)
        method = self._method
        self._model.rollouts(
            [Start(arm.trace, arm.at, numbers) for arm, numbers in arms],
            seed=self._seed,
            max_new_tokens=method.new_tokens(self._trace),
            temperature=method.temperature,
            top_p=method.top_p,
            on_rollout=lambda place, rollout: self._take(arms[place][0], rollout),
        )

    def _take(self, arm: Arm, rollout: Trace) -> None:
        answer = self._reader.read(rollout.answer) if "answer" in rollout.roles else None
        said = None if answer is None else answer.text
        self._rollouts.setdefault(arm, {})[rollout.meta["sample"]] = (rollout, said)
        if rollout.meta.get("stored"):
            self.reused += 1
        else:
            self.sampled += 1

    def traces(self, arm: Arm) -> dict[int, Trace]:
        """The rollouts of an arm by number."""
        return {number: rollout for number, (rollout, _) in sorted(self._rollouts.get(arm, {}).items())}

    def answers(self, arm: Arm, numbers: Iterable[int] | None = None) -> list[str | None]:
        """What they answered, in the order of their numbers; None where no answer could be read."""
        found = self._rollouts.get(arm, {})
        return [found[number][1] for number in (sorted(found) if numbers is None else numbers)]

    def all_answers(self) -> list[str]:
        """Every answer that any rollout gave, the most frequent first."""
        counts: dict[str, int] = {}
        for found in self._rollouts.values():
            for _, answer in found.values():
                if answer is not None:
                    counts[answer] = counts.get(answer, 0) + 1
        return sorted(counts, key=lambda answer: (-counts[answer], answer))

    def missing(self, arm: Arm) -> int:
        """How many were asked for and have not come."""
        return self._asked.get(arm, 0) - self.size(arm)

    def size(self, arm: Arm) -> int:
        """How many rollouts an arm has."""
        return len(self._rollouts.get(arm, {}))


def gather(
    method: Sampled,
    samples: Samples,
    chains: Sequence[Sequence[Arm]],
    target: str,
    heard: Callable[[], None] | None = None,
) -> None:
    """Draw what `method` asks for.

    Args:
        chains: arms such that neighbours within a chain are compared.
        heard: called on the way, each time there is a quarter more than before, and at the end: for measures that
            have to work on what was said before they can show it.
    """
    told = 0
    for more in _draws(method, samples, chains, target, parts=1 if heard is None else PARTS):
        samples.draw(more)
        came = samples.sampled + samples.reused
        if heard is not None and came >= told * (1 + 1 / PARTS):
            told = came
            heard()
    if heard is not None and told < samples.sampled + samples.reused:
        heard()


def _draws(
    method: Sampled, samples: Samples, chains: Sequence[Sequence[Arm]], target: str, parts: int
) -> Iterator[dict[Arm, int]]:
    """How many more rollouts from each arm, one draw after the other."""
    if method.adaptive:
        yield from _adaptive(method, samples, chains, target)
        return
    for part in range(1, parts + 1):
        goal = method.n * part // parts
        yield {arm: max(0, goal - samples.size(arm)) for chain in chains for arm in chain}


def _adaptive(
    method: Sampled, samples: Samples, chains: Sequence[Sequence[Arm]], target: str
) -> Iterator[dict[Arm, int]]:
    total = sum(map(len, chains))
    budget = method.planned(total)
    shares = [max(2 * len(chain), budget * len(chain) // total) for chain in chains]
    while True:
        control.current().check()
        more: dict[Arm, int] = {}
        for chain, share in zip(chains, shares, strict=True):
            answers = [[answer for answer in samples.answers(arm) if answer is not None] for arm in chain]
            spent = [samples.size(arm) for arm in chain]
            # where hardly any rollout gives an answer, sampling has to end all the same
            sizes = [max(len(read), size // 2) for read, size in zip(answers, spent, strict=True)]
            left = share - sum(spent)
            if left <= 0:
                continue
            added = allocate(
                [read.count(target) for read in answers],
                sizes,
                half_width=method.half_width,
                budget=max(2 * len(chain), sum(sizes) + left),
            )
            more.update({arm: int(count) for arm, count in zip(chain, added, strict=True) if count})
        if not more:
            return
        yield more


def chain(trace: Trace, spans: Sequence[Span]) -> list[list[Arm]]:
    """The boundaries of units, those of neighbouring units shared, in runs without a gap."""
    runs: list[list[Arm]] = []
    for span in spans:
        if not runs or runs[-1][-1] != without(trace, span):
            runs.append([without(trace, span)])
        runs[-1].append(kept(trace, span))
    return runs
