"""Rollouts by arm as they come, and how many more are drawn from where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from cotlens._core import control
from cotlens._core.progress import DETAIL
from cotlens.measure.importance.sampled import unread
from cotlens.measure.importance.sampled.arms import Arm
from cotlens.measure.importance.sampled.settings import Sampled
from cotlens.measure.stats import Counts, allocate
from cotlens.models.contract import Model, Start
from cotlens.trace import Trace

PARTS = 4  # in which a fixed number of rollouts is drawn, where something is to be seen on the way
AFRESH = 0x5EED_AF2E  # added to the seed of rollouts that are to be independent of the first ones


class DrawnRollout(NamedTuple):
    """A rollout.

    Args:
        answer: None where none could be read.
        departs: how many of its tokens, from the first, are those of the trace it continues.
        cut: whether it was cut off, by the token limit as a rule, so that its answer might have been another.
    """

    trace: Trace
    answer: str | None
    departs: int
    cut: bool = False


class RolloutPool:
    """Rollouts by arm, as they come.

    Args:
        method: gives the settings of sampling.
        trace: whose reader reads the answers.

    Attributes:
        count: done, total and name of what the work is counted in; the rollouts themselves where it is None.
        closed: how many of what the measure counts are done, for `count`.
    """

    def __init__(self, method: Sampled, trace: Trace, model: Model, seed: int) -> None:
        self._method, self._trace, self._model, self._seed = method, trace, model, seed
        self._reader = trace.reader if trace.reader is not None else model.reader
        self._rollouts: dict[Arm, dict[int, DrawnRollout]] = {}
        self._asked: dict[Arm, int] = {}
        self.sampled = self.reused = self.read = self.closed = 0
        self.count: Callable[[], tuple[int, int | None, str]] | None = None
        self._expected: int | None = None
        self._stage = "rollouts"
        self._further: list[RolloutPool] = []

    def independent(self) -> RolloutPool:
        """None of these: rollouts of the same settings with random numbers of their own."""
        seed = (self._seed + AFRESH) % 2**62
        further = RolloutPool(self._method, self._trace, self._model, seed)
        further._stage = "rollouts drawn again"
        self._further.append(further)
        return further

    def spent(self) -> dict[str, int]:
        """How many rollouts were sampled and how many were there already, those drawn afresh too."""
        every = [self, *self._further]
        return {
            "rollouts_sampled": sum(one.sampled for one in every),
            "rollouts_reused": sum(one.reused for one in every),
            "answers_read": sum(one.read for one in every),
        }

    def draw(self, wanted: Mapping[Arm, int]) -> None:
        """So many more rollouts from each arm."""
        if self._expected is None:
            self.expect(self.n_rollouts + sum(wanted.values()))
        starts = []
        for arm, more in wanted.items():
            first = len(self._rollouts.setdefault(arm, {}))
            starts.append((arm, range(first, first + more)))
        self.draw_numbers(starts)

    def draw_numbers(self, wanted: Iterable[tuple[Arm, Sequence[int]]]) -> None:
        """The rollouts with these numbers, where they aren't there yet."""
        new = [(arm, [i for i in numbers if i not in self._rollouts.get(arm, {})]) for arm, numbers in wanted]
        arms = [(arm, numbers) for arm, numbers in new if numbers]
        if not arms:
            return
        for arm, numbers in arms:
            self._asked[arm] = self._asked.get(arm, 0) + len(numbers)
        method = self._method
        with control.using(control.current().counted_by(self.progress)):
            self._model.rollouts(
                [Start(arm.trace, arm.at, numbers) for arm, numbers in arms],
                seed=self._seed,
                max_new_tokens=method.new_tokens(self._trace),
                temperature=method.temperature,
                top_p=method.top_p,
                top_k=method.top_k,
                on_rollout=lambda place, rollout: self._take(arms[place][0], rollout),
            )

    @property
    def n_rollouts(self) -> int:
        """How many rollouts there are."""
        return self.sampled + self.reused

    def expect(self, rollouts: int | None) -> None:
        """So many rollouts will be drawn in all, at most; None where that isn't known."""
        self._expected = rollouts

    def progress(self) -> tuple[int, int | None, str]:
        """How far the work is, for whoever waits: out of a total that stays the same while it goes on.

        Behind it stands how many answers could be read, and advice where none could.
        """
        done, total, stage = self.count() if self.count else (self.n_rollouts, self._expected, self._stage)
        read = f"{self.read} of {self.n_rollouts} answers read"
        return done, total, DETAIL.join([stage, "; ".join([read, *self.notes()[:1]])])

    def notes(self) -> list[str]:
        """Advice where the first rollouts from some place, or from all, gave no readable answer: one note at most."""
        looked = [(arm, self.of_arm(arm)) for arm in self._rollouts]
        silent = [(arm, drawn) for arm, drawn in looked if unread.without_answers(drawn)]
        if not silent:
            every = [one for _, drawn in looked for one in drawn]
            return [] if self.read or not unread.without_answers(every) else [self._advice(every, None, 0)]
        arm, drawn = silent[0]
        return [self._advice(drawn, arm.at, len(silent))]

    def _advice(self, drawn: Sequence[DrawnRollout], at: int | None, places: int) -> str:
        return unread.advice(drawn, at, places, self._method.new_tokens(self._trace), self._reader.name)

    def _take(self, arm: Arm, rollout: Trace) -> None:
        answer = self._reader.read(rollout.answer, finished=rollout.finished) if "answer" in rollout.roles else None
        # Answers are kept in their normal form: "70,000" and "70000" are one.
        said = None if answer is None else answer.text
        drawn = DrawnRollout(rollout, said, _departure(rollout, arm), not rollout.finished)
        self._rollouts.setdefault(arm, {})[rollout.meta["sample"]] = drawn
        self.read += said is not None
        if rollout.meta.get("stored"):
            self.reused += 1
        else:
            self.sampled += 1

    def of_arm(self, arm: Arm) -> list[DrawnRollout]:
        """The rollouts of an arm, in the order of their numbers."""
        return [drawn for _, drawn in sorted(self._rollouts.get(arm, {}).items())]

    def through_arm(self, arm: Arm) -> list[DrawnRollout]:
        """The rollouts that are draws from an arm: its own, and those begun earlier that said all up to it again."""
        earlier = sorted((one for one in self._rollouts if one.trace is arm.trace and one.at <= arm.at), key=_at)
        return [drawn for one in earlier for drawn in self.of_arm(one) if drawn.departs >= arm.at]

    def rollout(self, arm: Arm, number: int) -> DrawnRollout:
        """The rollout of that number."""
        return self._rollouts[arm][number]

    def missing(self, arm: Arm) -> int:
        """How many were asked for and have not come."""
        return self._asked.get(arm, 0) - self.size(arm)

    def size(self, arm: Arm) -> int:
        """How many rollouts an arm has."""
        return len(self._rollouts.get(arm, {}))

    def arms(self) -> list[Arm]:
        """Where rollouts began."""
        return list(self._asked)


def _at(arm: Arm) -> int:
    return arm.at


def _departure(rollout: Trace, arm: Arm) -> int:
    """How many tokens a rollout has in common with what it continues; those before the arm are the same."""
    later = zip(rollout.token_ids[arm.at :], arm.trace.token_ids[arm.at :], strict=False)
    return arm.at + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], later))


def draw_rollouts(
    method: Sampled,
    pool: RolloutPool,
    chains: Sequence[Sequence[Arm]],
    target: str,
    on_more: Callable[[], None] | None = None,
) -> None:
    """Draw what `method` asks for.

    Args:
        chains: arms such that neighbours within a chain are compared.
        on_more: called on the way, each time there is a quarter more than before, and at the end: for measures that
            have to work on what was said before they can show it.
    """
    seen = 0
    pool.expect(
        None if method.half_width is not None else method.planned(len({arm for chain in chains for arm in chain}))
    )
    for more in _draws(method, pool, chains, target, parts=1 if on_more is None else PARTS):
        pool.draw(more)
        came = pool.n_rollouts
        if on_more is not None and came >= seen * (1 + 1 / PARTS):
            seen = came
            on_more()
    if on_more is not None and seen < pool.n_rollouts:
        on_more()


def _draws(
    method: Sampled, pool: RolloutPool, chains: Sequence[Sequence[Arm]], target: str, parts: int
) -> Iterator[dict[Arm, int]]:
    """How many more rollouts from each arm, one draw after the other."""
    if method.adaptive:
        yield from _adaptive(method, pool, chains, target)
        return
    for part in range(1, parts + 1):
        goal = method.n * part // parts
        yield {arm: max(0, goal - pool.size(arm)) for chain in chains for arm in chain}


def _adaptive(
    method: Sampled, pool: RolloutPool, chains: Sequence[Sequence[Arm]], target: str
) -> Iterator[dict[Arm, int]]:
    total = sum(map(len, chains))
    budget = method.planned(total)
    # Chains are allocated one by one, so the budget is divided by their length beforehand; 2 per boundary is the least
    # that `allocate` takes.
    shares = [max(2 * len(chain), budget * len(chain) // total) for chain in chains]
    while True:
        control.current().check()
        more: dict[Arm, int] = {}
        for chain, share in zip(chains, shares, strict=True):
            counts = _counts(pool, chain, target, method.shares_rollouts)
            added = allocate(counts, half_width=method.half_width, budget=share)
            more.update({arm: int(count) for arm, count in zip(chain, added, strict=True) if count})
        if not more:
            return
        yield more


def _counts(pool: RolloutPool, chain: Sequence[Arm], target: str, shared: bool) -> Counts:
    """What was drawn along a chain; where hardly any rollout gives an answer, sampling has to end all the same."""
    drawn = [pool.through_arm(arm) if shared else pool.of_arm(arm) for arm in chain]
    hits, trials = zip(*(_tally(each, target) for each in drawn), strict=True)
    started = [pool.size(arm) for arm in chain]
    if not shared:
        return Counts(hits, trials, started=started)
    gone = [[one for one in each if one.departs < arm.at] for each, arm in zip(drawn, chain[1:], strict=False)]
    left_hits, left_trials = zip(*(_tally(each, target) for each in gone), strict=True)
    return Counts(hits, trials, left_hits, left_trials, started)


def _tally(drawn: Sequence[DrawnRollout], target: str) -> tuple[int, int]:
    read = [one.answer for one in drawn if one.answer is not None]
    return read.count(target), max(len(read), len(drawn) // 2)
