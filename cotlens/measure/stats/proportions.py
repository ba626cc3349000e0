"""Proportions and their differences: estimates, intervals, tests, and how many samples they need.

Sources: Wilson 1927 (the score interval); Newcombe 1998, Statistics in Medicine 17:873, method 10 (the hybrid score
interval of a difference); Zou and Donner 2008, Statistics in Medicine 27:1693 (the same from any limits of the two
arms); Brown, Cai and DasGupta 2001, Statistical Science 16:101 (the Jeffreys and the modified Wilson interval);
Campbell 2007, Statistics in Medicine 26:3661 (which test of a two by two table).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from cotlens._core.errors import InputError

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """Ends of an interval; floats, or arrays of one shape. NaN where nothing was sampled."""

    low: Any
    high: Any


class Difference(NamedTuple):
    """A difference of proportions p1 - p2: estimate, interval, and the two-sided p-value of "they are equal"."""

    estimate: Any
    interval: Interval
    p_value: Any


def wilson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """The Wilson score interval of a proportion, k successes of n; any shapes that broadcast.

    NaN where k or n is NaN, or n is 0.

    Raises:
        InputError: k is outside 0..n, or the level outside (0, 1).
    """
    successes, trials = _counts(k, n)
    z = normal_quantile(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(trials > 0, successes / trials, np.nan)
        middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
        half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    low = np.where(successes == 0, share, np.maximum(middle - half, 0))  # exact at the ends, where rounding isn't
    high = np.where(successes == trials, share, np.minimum(middle + half, 1))
    return Interval(_plain(low), _plain(high))


def modified_wilson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """The Wilson interval, longer where up to three successes or failures were seen; any shapes that broadcast.

    For a share near 0 or 1 Wilson's covers less than it says (91 % of the time for 1/80 by 40). The near end is taken
    from a Poisson law there: the low end for x successes, x = 1, 2, 3, is half the (1 - level) quantile of chi-squared
    with 2x degrees of freedom, divided by n. NaN where k or n is NaN, or n is 0.

    Source: Brown, Cai and DasGupta 2001.

    Raises:
        InputError: k is outside 0..n, or the level outside (0, 1).
    """
    successes, trials = np.broadcast_arrays(*_counts(k, n))
    low, high = (np.array(end, dtype=np.float64) for end in wilson(k, n, level))
    for few in (1, 2, 3):
        least = special.chdtri(2 * few, level) / 2  # the quantile at 1 - level: chdtri takes what lies above
        with np.errstate(invalid="ignore", divide="ignore"):
            low = np.where(successes == few, np.minimum(low, least / trials), low)
            high = np.where(trials - successes == few, np.maximum(high, 1 - least / trials), high)
    return Interval(_plain(low), _plain(high))


def newcombe(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95) -> Interval:
    """Newcombe's hybrid score interval of k1/n1 - k2/n2; any shapes that broadcast.

    NaN where a count is NaN or an arm is empty.

    Raises:
        InputError: a count is outside its 0..n, or the level outside (0, 1).
    """
    return apart(_share(k1, n1), _share(k2, n2), wilson(k1, n1, level), wilson(k2, n2, level))


def jeffreys(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """The Jeffreys interval of a proportion: equal tails of Beta(k + 1/2, n - k + 1/2); any shapes that broadcast.

    The low end is 0 where k is 0, and the high end 1 where k is n. NaN where k or n is NaN, or n is 0.

    Raises:
        InputError: k is outside 0..n, or the level outside (0, 1).
    """
    successes, trials = np.broadcast_arrays(*_counts(k, n))
    normal_quantile(level)  # it checks the level
    known = (trials > 0) & np.isfinite(successes)
    hits, misses = np.where(known, successes, 1.0), np.where(known, trials - successes, 1.0)
    hits, misses = np.maximum(hits, 0), np.maximum(misses, 0)  # rounding may fall below
    low, high = (special.betaincinv(hits + 0.5, misses + 0.5, tail) for tail in ((1 - level) / 2, (1 + level) / 2))
    low, high = np.where(hits == 0, 0.0, low), np.where(misses == 0, 1.0, high)
    return Interval(_plain(np.where(known, low, np.nan)), _plain(np.where(known, high, np.nan)))


def apart(first: ArrayLike, second: ArrayLike, limits_1: Interval, limits_2: Interval) -> Interval:
    """The interval of first - second from those of either: distances to the limits, squared and added."""
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    low = one - other - np.hypot(one - limits_1.low, limits_2.high - other)
    high = one - other + np.hypot(limits_1.high - one, other - limits_2.low)
    return Interval(_plain(low), _plain(high))


def proportion_difference(
    k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95, *, again: ArrayLike = 0
) -> Difference:
    """k1/n1 - k2/n2 with an interval and a two-sided p-value; any shapes that broadcast.

    The interval is made as Newcombe's, from Jeffreys limits in place of Wilson's: near 0 and 1, where Newcombe's covers
    too much, it is up to a third narrower and covers closer to its level. What any interval from counts leaves there:
    where both proportions are all but 0 or 1 nothing can be missed, and it covers always.

    With `again`, the second arm is a mixture: `again` of its draws turned out to be draws of the first arm too, and
    count among its n1; the other n2 did not. The mixture differs from the first arm by (1 - w)(p1 - p2), w the share of
    those that did, and that is what is estimated. Its interval takes the distances of the difference and of the share
    together as the variance of a product does. Where n2 is 0 the estimate is 0, within what the share leaves open.

    The p-value is that of the "N - 1" chi-squared test, and of Fisher's exact test (Irwin's rule) where an expected
    count is below 1, as Campbell 2007 recommends. Two arms that are both all-successes or all-failures give 1. The
    interval and the test are made differently and may disagree at the margin.

    Raises:
        InputError: a count is outside its 0..n, or the level outside (0, 1).
    """
    repeats, others = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (again, n2)))
    alone = (others == 0) & (repeats > 0) & np.isfinite(_share(k1, n1))
    estimate, interval = difference_interval(k1, n1, k2, n2, level, again=again)
    return Difference(estimate, interval, _plain(np.where(alone, 1.0, _equal_p(k1, n1, k2, n2))))


def difference_interval(
    k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95, *, again: ArrayLike = 0
) -> tuple[Any, Interval]:
    """Estimate and interval of `proportion_difference`, without its test."""
    first, second = _share(k1, n1), _share(k2, n2)
    limits_1, limits_2 = jeffreys(k1, n1, level), jeffreys(k2, n2, level)
    if not np.any(again):
        return _plain(first - second), apart(first, second, limits_1, limits_2)
    repeats, others = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (again, n2)))
    alone = (others == 0) & (repeats > 0)  # nothing departed: what would have come of it is unknown
    second = np.where(alone, first, second)
    limits_2 = Interval(*(np.where(alone, unknown, end) for unknown, end in zip((0, 1), limits_2, strict=True)))
    gap, ends = first - second, apart(first, second, limits_1, limits_2)
    share, limits = _share(others, others + repeats), jeffreys(others, others + repeats, level)
    fewer, more = (np.where(repeats == 0, 0, abs(share - np.asarray(end))) for end in limits)
    below = _product(share, gap - ends.low, gap, np.where(gap >= 0, fewer, more), more)
    above = _product(share, ends.high - gap, gap, np.where(gap >= 0, more, fewer), more)
    return _plain(share * gap), Interval(_plain(share * gap - below), _plain(share * gap + above))


def _product(share: Floats, reach: Floats, gap: Floats, way: Floats, wider: Floats) -> Floats:
    """How far share * gap may lie off, from how far each may: as the variance of a product of independent factors."""
    off: Floats = np.sqrt((share * reach) ** 2 + (gap * way) ** 2 + (wider * reach) ** 2)
    return off


def n_for_half_width(half_width: float, p: float = 0.5, level: float = 0.95) -> int:
    """The fewest samples whose Wilson interval at an observed proportion p reaches no farther than +- half_width.

    Raises:
        InputError: the half-width is outside (0, 0.5), or p outside [0, 1].
    """
    if not 0 < half_width < 0.5:
        raise InputError(f"A half-width of a proportion lies between 0 and 0.5; {half_width!r} was given.")
    if not 0 <= p <= 1:
        raise InputError(f"A proportion lies between 0 and 1; {p!r} was given.")

    def wide(n: int) -> bool:
        low, high = wilson(p * n, n, level)
        return bool((high - low) / 2 > half_width)

    low, high = 0, 1
    while wide(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high


def n_for_difference(d: float, p: float = 0.5, power: float = 0.8, level: float = 0.95, comparisons: int = 1) -> int:
    """Samples per arm that show a change of d around p: (z_{1-a/2} + z_power)^2 2p(1-p)/d^2, to the nearest integer.

    Args:
        d: the change in the proportion, in (0, 1).
        p: the proportion around which it happens, in (0, 1).
        power: how often it should be seen; 0.5 asks only that z at the true change be the critical value.
        comparisons: how many such questions are asked at once (Bonferroni): a = (1 - level)/comparisons.

    Raises:
        InputError: an argument is outside its range.
    """
    for name, value in {"d": d, "p": p, "power": power}.items():
        if not 0 < value < 1:
            raise InputError(f"n_for_difference was given {name}={value!r}; it lies between 0 and 1.")
    if comparisons < 1:
        raise InputError(f"n_for_difference was given comparisons={comparisons!r}; there is at least 1.")
    z = normal_quantile(1 - (1 - level) / comparisons) + float(special.ndtri(power))
    return round(z * z * 2 * p * (1 - p) / (d * d))


def normal_quantile(level: float) -> float:
    """z such that a standard normal lies within +-z with probability `level`."""
    if not 0 < level < 1:
        raise InputError(f"The level of an interval lies between 0 and 1, such as 0.95; {level!r} was given.")
    return float(special.ndtri((1 + level) / 2))


def _equal_p(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike) -> Floats:
    a, m, b, n = np.broadcast_arrays(*_counts(k1, n1), *_counts(k2, n2))
    total, hits = m + n, a + b
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = hits * (total - hits) * m * n / (total - 1)
        z = np.where(spread > 0, (a * n - b * m) / np.sqrt(spread), 0.0)
        least = np.minimum(hits, total - hits) * np.minimum(m, n) / total
    p = np.asarray(special.erfc(np.abs(z) / math.sqrt(2)))
    known = (m > 0) & (n > 0) & np.isfinite(a) & np.isfinite(b)
    p = np.where(known, p, np.nan)
    for cell in np.argwhere(known & (least < 1) & (hits > 0) & (hits < total)):
        p[tuple(cell)] = _fisher(*(float(x[tuple(cell)]) for x in (a, m, b, n)))
    return p


def _fisher(a: float, m: float, b: float, n: float) -> float:
    from scipy.stats import fisher_exact

    table = np.rint([[a, m - a], [b, n - b]]).astype(np.int64)
    return float(fisher_exact(table).pvalue)


def _counts(k: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    successes, trials = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if bool(((successes < 0) | (trials < 0)).any() or (successes > trials * (1 + 1e-12)).any()):
        raise InputError("A proportion needs counts with 0 <= successes <= samples; some of those given are outside.")
    return successes, trials


def _share(k: ArrayLike, n: ArrayLike) -> Floats:
    successes, trials = _counts(k, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(trials > 0, successes / trials, np.nan)


def _plain(values: Any) -> Any:
    """A float for a single value, the array otherwise."""
    array = np.asarray(values, dtype=np.float64)
    return float(array) if array.ndim == 0 else array
