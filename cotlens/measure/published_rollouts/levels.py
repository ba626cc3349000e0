"""Intervals of differences whose levels were not published.

Differences d_i = rate(R_{i+1}) - rate(R_i) along a trace fix the rates up to a constant, and since all of them lie in
[0, 1], the constant lies in an interval too. The interval given here is the union of Newcombe's over all constants
that are possible: as wide as it must be, and at least as likely to cover.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cotlens.measure import stats

Floats = NDArray[np.float64]
_GRID = 9


def widest(differences: Floats, n: int | NDArray[np.int64]) -> stats.Interval:
    """Low and high of every difference, each float64 [steps, columns].

    Args:
        n: rollouts behind every rate, or behind each of them, [steps + 1].
        differences: [steps, columns]; NaN where a column has no difference, which ends its chain: what comes after a
            NaN counts from there on by itself.
    """
    low, high = np.full(differences.shape, np.nan), np.full(differences.shape, np.nan)
    sizes = np.broadcast_to(n, len(differences) + 1)
    for first, last, column in _chains(np.isfinite(differences)):
        chain = differences[first:last, column]
        rates = np.concatenate(([0.0], np.cumsum(chain)))
        starts = np.linspace(-rates.min(), max(-rates.min(), 1 - rates.max()), _GRID)
        before = np.clip(starts[:, None] + rates[:-1], 0, 1)
        after = np.clip(starts[:, None] + rates[1:], 0, 1)
        old, new = sizes[first:last], sizes[first + 1 : last + 1]
        ends = stats.proportion_difference(after * new, new, before * old, old).interval
        low[first:last, column], high[first:last, column] = ends.low.min(axis=0), ends.high.max(axis=0)
    return stats.Interval(low, high)


def _chains(known: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """(first, last, column) of every unbroken run of known differences."""
    found = []
    for column in range(known.shape[1]):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], known[:, column].astype(np.int8), [0]))))
        found += [(int(first), int(last), column) for first, last in zip(edges[::2], edges[1::2], strict=True)]
    return found
