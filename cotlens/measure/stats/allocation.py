"""Adaptive sampling: at which boundaries of a trace the next rollouts start, and when they may stop.

Boundary b is the prefix before unit b; unit i's effect is the difference of the proportions at boundaries i + 1 and i,
so a rollout at one boundary narrows the units on both sides of it. The rule looks at nothing but the widths of the
intervals of `proportion_difference`, at looks that are declared before (never more than a doubling apart), and the
final intervals are those of all samples. Such a width hardly depends on which way an estimate errs, so stopping on it
biases little; `tests/unit/stats/test_allocation.py` measures what it costs in coverage.

What it saves depends on the trace: boundaries at which the answer is all but settled need a fifth of what open ones
need for the same width, and where all are open nothing can be saved. Simulated on three published traces (Thought
Anchors, problems 330, 2238, 2189), of whose boundaries 91, 60 and 27 % have a share of right answers below .1 or above
.9, it takes 28, 48 and 66 % of the rollouts with which 100 everywhere reach the same widest interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import Interval, apart, jeffreys

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST = 20
"""Rollouts at every boundary before any width is looked at."""


def half_widths(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Floats:
    """Half the width of every unit's interval, float64 [..., B - 1], from counts at B boundaries; 1 where unsampled."""
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(n > 0, k / n, np.nan)
    low, high = jeffreys(k, n, level)
    return _between(share, np.asarray(low), np.asarray(high))


def _between(share: Floats, low: Floats, high: Floats) -> Floats:
    """Half-widths of the differences of neighbours, from the limits of each."""
    left, right = slice(None, -1), slice(1, None)
    ends = apart(
        share[..., right],
        share[..., left],
        Interval(low[..., right], high[..., right]),
        Interval(low[..., left], high[..., left]),
    )
    return np.nan_to_num((np.asarray(ends.high) - ends.low) / 2, nan=1.0)


def allocate(
    successes: ArrayLike,
    trials: ArrayLike,
    *,
    half_width: float | None = None,
    budget: int | None = None,
    most: int = 1000,
    batch: int = 10,
    level: float = 0.95,
) -> Ints:
    """How many rollouts to add at every boundary before looking again; all zeros when sampling may stop.

    Call it with the counts so far, sample what it says, and call it again:

        while (more := allocate(k, n, half_width=0.1)).any():
            ...  # more[b] rollouts from boundary b, counted into k[b] and n[b]

    First every boundary gets 20. Then, as long as a unit is too wide, the widest gets a batch at the one of its two
    boundaries that narrows it most, judged by the proportions seen so far; none more than doubles between looks.

    Args:
        successes, trials: counts so far at B boundaries, [..., B]; leading axes are traces of their own.
        half_width: stop when every unit's interval is at most +- this, in (0, 1).
        budget: stop when this many rollouts were spent on a trace, those in `trials` included; spend them where
            intervals are widest. With both, whichever comes first.
        most: no boundary gets more than this many.
        batch: rollouts are given in batches of this size.

    Returns:
        int64 [..., B].

    Raises:
        InputError: neither or a wrong half_width or budget was given, or the counts don't fit together.
    """
    k, n = _checked(successes, trials, half_width, budget, most, batch)
    target = 0.0 if half_width is None else half_width
    left = np.full(n.shape[:-1], np.inf) if budget is None else budget - n.sum(axis=-1)
    first = _opening(n, left, min(FIRST, most))
    if bool((n < min(FIRST, most)).any()):
        return first
    return _narrowing(k, n, target, left, most, batch, level)


def _opening(n: Floats, left: Floats, wanted: int) -> Ints:
    """What brings every boundary to `wanted`; evenly less where the budget ends before."""
    missing = np.maximum(wanted - n, 0)
    affordable = np.maximum(left, 0)[..., None]
    total = missing.sum(axis=-1, keepdims=True)
    if bool((total <= affordable).all()):
        return missing.astype(np.int64)
    ends = np.minimum(np.floor(np.cumsum(missing, axis=-1) * np.minimum(1, affordable / np.maximum(total, 1))), total)
    return np.diff(ends, axis=-1, prepend=0).astype(np.int64)


def _narrowing(k: Floats, n: Floats, target: float, left: Floats, most: int, batch: int, level: float) -> Ints:
    """Batches for the widest units, one at a time, at the proportions seen so far."""
    share = k / n
    low, high = (np.array(end) for end in jeffreys(k, n, level))
    middle = (low + high) / 2
    doubt = middle * (1 - middle)  # the variance there: never 0
    rows, boundaries = np.arange(n[..., 0].size), n.shape[-1]
    added = np.zeros_like(n)
    while True:
        size = n + added
        useful = np.where(size + batch <= most, doubt / size**2, -1)
        best = np.arange(boundaries - 1) + (useful[..., 1:] > useful[..., :-1])
        widths = _between(share, low, high)
        wide = (widths > target) & (np.take_along_axis(useful, best, axis=-1) > 0)
        full = np.take_along_axis(size + batch > 2 * n, best, axis=-1)
        if np.isfinite(left).all():  # a budget waits for wider units that may have no more before the next look
            wide &= widths >= np.where(wide & full, widths, 0).max(axis=-1, keepdims=True)
        affordable = (added.sum(axis=-1) + batch <= left)[..., None]
        waiting = np.where(wide & ~full & affordable, widths, -1)
        if not bool((waiting > 0).any()):
            return added.astype(np.int64)
        unit = waiting.reshape(len(rows), -1).argmax(axis=-1)
        live = waiting.max(axis=-1).reshape(-1) > 0
        where = rows[live], best.reshape(len(rows), -1)[rows, unit][live]
        added.reshape(len(rows), -1)[where] += batch
        grown = (n + added).reshape(len(rows), -1)[where]
        ends = jeffreys(share.reshape(len(rows), -1)[where] * grown, grown, level)
        for limits, end in zip((low, high), ends, strict=True):
            limits.reshape(len(rows), -1)[where] = end


def _checked(
    successes: ArrayLike, trials: ArrayLike, half_width: float | None, budget: int | None, most: int, batch: int
) -> tuple[Floats, Floats]:
    if half_width is None and budget is None:
        raise InputError("Adaptive sampling needs half_width=, budget= or both, to know when to stop.")
    if half_width is not None and not 0 < half_width < 1:
        raise InputError(f"The half-width of a difference lies between 0 and 1; {half_width!r} was given.")
    if min(most, batch) < 1:
        raise InputError(f"Rollouts are given in batches of at least 1; batch={batch!r} and most={most!r} were given.")
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if n.ndim == 0 or k.shape != n.shape or n.shape[-1] < 2:
        raise InputError(f"Allocation needs counts at 2 or more boundaries; {k.shape} and {n.shape} were given.")
    if budget is not None and budget < 2 * n.shape[-1]:
        raise InputError(
            f"A budget of {budget} rollouts can't give {n.shape[-1]} boundaries 2 each; give at least "
            f"{2 * n.shape[-1]}."
        )
    if bool(np.isnan(n).any() or np.isnan(k).any()):
        raise InputError("Allocation needs counts that are known: give 0 where nothing was sampled yet.")
    return k, n
