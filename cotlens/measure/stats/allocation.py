"""Adaptive sampling: at which boundaries of a trace the next rollouts start, and when they may stop.

Boundary b is the prefix before unit b; unit i's effect is the difference of the proportions at boundaries i + 1 and i,
so a rollout at one boundary narrows the units on both sides of it. Where rollouts are shared, one that says the next
units again word by word is also a draw from the boundaries behind them, and narrows those too.

The rule looks at nothing but the widths of the intervals of `proportion_difference`, at looks that are declared before
(never more than a doubling apart), and the final intervals are those of all samples. Such a width hardly depends on
which way an estimate errs, so stopping on it biases little; its test in `tests/unit/measure/stats` measures what it
costs in coverage.

What it saves depends on the trace. Boundaries at which the answer is all but settled need a fifth of what open ones
need for the same width, and a unit that is nearly always said again can't matter much, which its few departures show
at once. Where every boundary is open and nothing is said twice, nothing can be saved.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import Interval, difference_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST = 20
"""Rollouts through every boundary before any width is looked at."""
STRIDES = (4, 2, 1)
"""Shared rollouts are first begun at every fourth boundary, then at every second: they may reach those between."""
NEARLY = 0.8
"""A rollout begins as early as it narrows a unit at least this share of what it could at best: others gain by it."""


class Counts(NamedTuple):
    """Answers of the rollouts of a trace with B boundaries; leading axes are traces of their own.

    Args:
        hits, trials: [..., B], of all rollouts that went through a boundary: those that gave the target, and all.
        left_hits, left_trials: [..., B - 1], of those among them that departed from the trace within the unit behind
            the boundary; None where rollouts aren't shared, so that each counts at the boundary where it began.
        started: [..., B], how many began there, those without an answer too; None where that is `trials`.
    """

    hits: ArrayLike
    trials: ArrayLike
    left_hits: ArrayLike | None = None
    left_trials: ArrayLike | None = None
    started: ArrayLike | None = None


class _Seen(NamedTuple):
    """`Counts` as arrays, with what follows from them."""

    hits: Floats
    trials: Floats
    left_hits: Floats
    left_trials: Floats
    started: Floats
    shared: bool

    @property
    def again(self) -> Floats:
        """Of the rollouts through a boundary, those that said the unit behind it word by word."""
        return self.trials[..., :-1] - self.left_trials

    def interval(self, level: float) -> Interval:
        """Of every unit's effect."""
        kept = self.hits[..., 1:], self.trials[..., 1:]
        _, found = difference_interval(*kept, self.left_hits, self.left_trials, level, again=self.again)
        return Interval(np.asarray(found.low), np.asarray(found.high))


def half_widths(counts: Counts, level: float = 0.95) -> Floats:
    """Half the width of every unit's interval, float64 [..., B - 1]; 1 where nothing was sampled."""
    return _half_widths(_seen(counts), level)


def allocate(
    counts: Counts,
    *,
    half_width: float | None = None,
    budget: int | None = None,
    most: int = 1000,
    batch: int = 10,
    level: float = 0.95,
) -> Ints:
    """How many rollouts to begin at every boundary before looking again; all zeros when sampling may stop.

    Call it with the counts so far, sample what it says, and call it again:

        while (more := allocate(counts, half_width=0.1)).any():
            ...  # more[b] rollouts from boundary b, counted

    First every boundary gets 20. Then, as long as a unit is too wide, the widest gets a batch at the boundary that
    narrows it most, judged by what was seen so far, or nearly as much and others too; none more than doubles between
    looks.

    Args:
        counts: of one trace or of many.
        half_width: stop when every unit's interval is at most +- this, in (0, 1).
        budget: stop when this many rollouts were begun on a trace, those so far included; spend them where intervals
            are widest. With both, whichever comes first.
        most: no boundary gets more than this many.
        batch: rollouts are given in batches of this size.

    Returns:
        int64 [..., B].

    Raises:
        InputError: neither or a wrong half_width or budget was given, or the counts don't fit together.
    """
    seen = _seen(counts)
    boundaries = seen.trials.shape[-1]
    _check(half_width, budget, most, batch, boundaries)
    first = min(FIRST, most) if budget is None else min(FIRST, most, budget // boundaries)
    missing = np.maximum(first - seen.trials, 0)
    if budget is not None:
        left = budget - seen.started.sum(axis=-1)
        # What is left may not do for every boundary: the first ones get all of theirs, so that at least some units have
        # both ends.
        missing = np.where(missing.cumsum(axis=-1) <= left[..., None], missing, 0)
    else:
        left = np.full(missing.shape[:-1], np.inf)
    if bool(missing.any()):
        return _opening(missing, seen.shared)
    return _Plan(seen, 0.0 if half_width is None else half_width, left, most, batch, level).made()


def _opening(missing: Floats, shared: bool) -> Ints:
    """What the first boundaries lack, in strides where rollouts may reach the next ones by themselves."""
    chosen = missing
    for stride in reversed(STRIDES if shared else ()):
        on = np.where(np.arange(missing.shape[-1]) % stride == 0, missing, 0)
        chosen = np.where(on.any(axis=-1, keepdims=True), on, chosen)
    return chosen.astype(np.int64)


class _Plan:
    """Batches for the widest units, one at a time, at the proportions seen so far.

    A unit's variance has three parts, of the rollouts that kept it, of those that left in it, and of the share of the
    two; each falls as rollouts of its kind are added. Their sum is scaled to the width that the interval has now.
    """

    def __init__(self, seen: _Seen, target: float, left: Floats, most: int, batch: int, level: float) -> None:
        self._target, self._left, self._most, self._batch = target, left, most, batch
        # Half a rollout where there is none, so that what a first one would narrow is large and finite.
        self._n, self._left_n = (np.maximum(each, 0.5) for each in (seen.trials, seen.left_trials))
        self._departs = np.where(seen.again > 0, _middle(seen.left_trials, seen.trials[..., :-1]), 1.0)
        self._gap = _middle(seen.hits, seen.trials)[..., 1:] - _middle(seen.left_hits, seen.left_trials)
        self._shares = tuple(
            k / np.maximum(n, 1)
            for k, n in ((seen.hits[..., 1:], seen.trials[..., 1:]), (seen.left_hits, seen.left_trials))
        )
        # 1 while the parts are worked out that it is then fitted to.
        self._scale: Floats | float = 1.0
        self._scale = _half_widths(seen, level) ** 2 / sum(self._squares(self._n, self._left_n))
        self._reach = _reach(1 - self._departs)

    def _squares(self, n: Floats, left: Floats) -> list[Floats]:
        """The three parts of every unit's squared half-width, from numbers of rollouts."""
        kept, otherwise = (_doubt(each, size) for each, size in zip(self._shares, (n[..., 1:], left), strict=True))
        departs = self._departs
        of_share = self._gap**2 * departs * (1 - departs) / n[..., :-1]
        return [part * self._scale for part in (departs**2 * kept, departs**2 * otherwise, of_share)]

    def made(self) -> Ints:
        """How many rollouts to add at every boundary."""
        added = np.zeros_like(self._n)
        rows = np.arange(added[..., 0].size)
        while True:
            unit, start, live = self._next(added)
            if not live.any():
                return added.astype(np.int64)
            chosen = start.reshape(len(rows), -1)[rows, unit]
            # `added` is contiguous, so this reshape is a view and adds in place.
            added.reshape(len(rows), -1)[rows[live], chosen[live]] += self._batch

    def _next(self, added: Floats) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """The unit that gets the next batch on every trace, where that begins, and whether there is one."""
        more = np.einsum("...b,...bc->...c", added, self._reach)
        size = self._n + more
        kinds = size[..., 1:], self._left_n + more[..., :-1] * self._departs, size[..., :-1]
        squares = self._squares(size, kinds[1])
        widths = np.sqrt(sum(squares))
        start = self._start(squares, kinds)
        there, now = (np.take_along_axis(each, start, axis=-1) for each in (self._n, size))
        wide = (widths > self._target) & (now + self._batch <= self._most)
        full = now + self._batch > 2 * there
        if np.isfinite(self._left).all():  # a budget waits for wider units that may have no more before the next look
            wide &= widths >= np.where(wide & full, widths, 0).max(axis=-1, keepdims=True)
        affordable = (added.sum(axis=-1) + self._batch <= self._left)[..., None]
        waiting = np.where(wide & ~full & affordable, widths, -1).reshape(-1, widths.shape[-1])
        return waiting.argmax(axis=-1), start, waiting.max(axis=-1) > 0

    def _start(self, squares: list[Floats], kinds: tuple[Floats, ...]) -> Ints:
        """Where a rollout that narrows a unit begins: [..., B - 1], the earliest boundary that does nearly as well."""
        kept, left, share = (square / n for square, n in zip(squares, kinds, strict=True))
        gain = self._reach[..., 1:] * kept[..., None, :]
        gain += self._reach[..., :-1] * (left * self._departs + share)[..., None, :]
        return (gain >= NEARLY * gain.max(axis=-2, keepdims=True)).argmax(axis=-2)


def _reach(again: Floats) -> Floats:
    """The share of rollouts begun at one boundary that go through another, [..., B, B]."""
    boundaries = again.shape[-1] + 1
    reach = np.zeros((*again.shape[:-1], boundaries, boundaries))
    for at in range(boundaries):
        reach[..., at, at] = 1
        if at:
            # A rollout reaches a boundary if it reached the one before and said the unit between them again.
            reach[..., :at, at] = reach[..., :at, at - 1] * again[..., at - 1, None]
    return reach


def _middle(hits: Floats, trials: Floats) -> Floats:
    """A proportion that is never 0 or 1."""
    return (hits + 0.5) / (trials + 1)


def _doubt(share: Floats, trials: Floats) -> Floats:
    """The variance of a proportion as it would be after so many trials; where it stays 0 or 1, that falls with n^2."""
    middle = _middle(share * trials, trials)
    return middle * (1 - middle) / trials


def _half_widths(seen: _Seen, level: float) -> Floats:
    low, high = seen.interval(level)
    return np.nan_to_num((high - low) / 2, nan=1.0)


def _seen(counts: Counts) -> _Seen:
    k, n = (np.asarray(each, dtype=np.float64) for each in counts[:2])
    if n.ndim == 0 or k.shape != n.shape or n.shape[-1] < 2:
        raise InputError(f"Allocation needs counts at 2 or more boundaries; {k.shape} and {n.shape} were given.")
    shared = counts.left_trials is not None
    given = counts[2:4] if shared else (k[..., :-1], n[..., :-1])
    begun = n if counts.started is None else counts.started
    left_k, left_n, started = (np.asarray(each, dtype=np.float64) for each in (*given, begun))
    if left_k.shape != left_n.shape or left_n.shape[-1] != n.shape[-1] - 1 or started.shape != n.shape:
        raise InputError(
            f"Shared counts at {n.shape[-1]} boundaries need those that left in each of {n.shape[-1] - 1} units and "
            f"how many began at each boundary; {left_k.shape}, {left_n.shape} and {started.shape} were given."
        )
    if any(np.isnan(each).any() for each in (k, n, left_k, left_n, started)):
        raise InputError("Allocation needs counts that are known: give 0 where nothing was sampled yet.")
    return _Seen(k, n, left_k, left_n, started, shared)


def _check(half_width: float | None, budget: int | None, most: int, batch: int, boundaries: int) -> None:
    if half_width is None and budget is None:
        raise InputError("Adaptive sampling needs half_width=, budget= or both, to know when to stop.")
    if half_width is not None and not 0 < half_width < 1:
        raise InputError(f"The half-width of a difference lies between 0 and 1; {half_width!r} was given.")
    if min(most, batch) < 1:
        raise InputError(f"Rollouts are given in batches of at least 1; batch={batch!r} and most={most!r} were given.")
    if budget is not None and budget < 2 * boundaries:
        raise InputError(
            f"A budget of {budget} rollouts can't give {boundaries} boundaries 2 each; give at least {2 * boundaries}."
        )
