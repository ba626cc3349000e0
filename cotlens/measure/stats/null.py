"""What a statistic gives where nothing differs, and which of many units stand out from that.

The floor of a comparison of two arms comes from re-splitting: all samples are put together and dealt out again into
arms of the same sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import wilson

Statistic = Callable[[Sequence[Any], Sequence[Any]], float]
NAN = float("nan")


class Floor(NamedTuple):
    """Mean and 95th percentile of a statistic over re-splits of two arms that don't differ."""

    mean: float
    p95: float


def null_floor(
    samples_p: Sequence[Any], samples_q: Sequence[Any], statistic: Statistic, seed: int = 0, repeats: int = 400
) -> Floor:
    """The floor of any statistic of two arms; NaN where an arm is empty.

    Args:
        statistic: takes two sequences of samples, of the lengths of the arms, and gives a number.
    """
    return floor_of(_resplit(samples_p, samples_q, statistic, seed, repeats))


def permuted_p(
    samples_p: Sequence[Any], samples_q: Sequence[Any], statistic: Statistic, seed: int = 0, repeats: int = 2000
) -> float:
    """The permutation p-value (1 + re-splits at least as large)/(1 + repeats); NaN where an arm is empty."""
    drawn = _resplit(samples_p, samples_q, statistic, seed, repeats)
    return permutation_p(drawn, statistic(samples_p, samples_q)) if len(drawn) else NAN


def floor_of(drawn: NDArray[np.float64]) -> Floor:
    """The floor from what re-splits gave; NaN where there are none."""
    if not len(drawn):
        return Floor(NAN, NAN)
    return Floor(float(drawn.mean()), float(np.quantile(drawn, 0.95)))


def permutation_p(drawn: NDArray[np.float64], observed: float) -> float:
    """The share of re-splits at least as large as what was observed, itself counted in."""
    if np.isnan(observed):
        return NAN
    return float((1 + np.sum(drawn >= observed - 1e-12)) / (1 + len(drawn)))


def difference_floor(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike) -> Floor:
    """The floor of |k1/n1 - k2/n2|, exact over all re-splits (hypergeometric); arrays of the shape the counts have.

    Raises:
        InputError: a count is outside its 0..n.
    """
    wilson(k1, n1), wilson(k2, n2)  # they check the counts
    counts = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (k1, n1, k2, n2)))
    floors = [_difference_floor(*row) for row in zip(*(x.reshape(-1).tolist() for x in counts), strict=True)]
    if counts[0].ndim == 0:
        return floors[0]
    table = np.array(floors, dtype=np.float64).reshape(-1, 2)
    return Floor(*(table[:, i].reshape(counts[0].shape) for i in range(2)))  # type: ignore[arg-type]


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """q-values of one family of tests, in the order given: the false discovery rate at which each would be called.

    NaN stays NaN and is no member of the family.

    Source: Benjamini and Hochberg 1995.

    Raises:
        InputError: a p-value lies outside [0, 1].
    """
    given = np.asarray(p_values, dtype=np.float64)
    known = given[~np.isnan(given)]
    if bool(((known < 0) | (known > 1)).any()):
        raise InputError("p-values lie between 0 and 1; some of those given don't.")
    order = np.argsort(known, kind="stable")
    scaled = known[order] * len(known) / np.arange(1, len(known) + 1)
    corrected = np.empty_like(known)
    corrected[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    q_values = np.full(given.shape, np.nan)
    q_values[~np.isnan(given)] = corrected
    return q_values


def _resplit(
    samples_p: Sequence[Any], samples_q: Sequence[Any], statistic: Statistic, seed: int, repeats: int
) -> NDArray[np.float64]:
    pooled, first = [*samples_p, *samples_q], len(samples_p)
    if not 0 < first < len(pooled):
        return np.empty(0)
    rng = np.random.default_rng(seed)
    drawn = np.empty(repeats)
    for i in range(repeats):
        dealt = [pooled[j] for j in rng.permutation(len(pooled))]
        drawn[i] = statistic(dealt[:first], dealt[first:])
    return drawn


def _difference_floor(k1: float, n1: float, k2: float, n2: float) -> Floor:
    from scipy.stats import hypergeom

    if not (n1 > 0 and n2 > 0) or np.isnan(k1 + k2):
        return Floor(NAN, NAN)
    hits, total = round(k1 + k2), round(n1 + n2)
    split = np.arange(max(0, hits - round(n2)), min(hits, round(n1)) + 1)
    chances = hypergeom.pmf(split, total, hits, round(n1))
    sizes = np.abs(split / n1 - (hits - split) / n2)
    order = np.argsort(sizes, kind="stable")
    reached = np.searchsorted(np.cumsum(chances[order]), 0.95 - 1e-12)
    return Floor(float(chances @ sizes), float(sizes[order][min(int(reached), len(order) - 1)]))
