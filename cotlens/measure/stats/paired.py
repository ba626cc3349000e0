"""The difference of two proportions that were measured on the same items.

Source: Tango 1998, Statistics in Medicine 17:891 (the score interval of paired proportions); its far end is taken from
a Poisson law near 1 and -1, as that of one share by Brown, Cai and DasGupta 2001.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import Interval, modified_wilson, normal_quantile

_NEAR = 1e-9  # how far from what was seen its ends are looked for
_FEW = 3  # pairs, up to which a Poisson law is taken


def paired_difference(first: Sequence[bool], second: Sequence[bool], level: float = 0.95) -> tuple[float, Interval]:
    """Share of `first` minus share of `second` over the same items, with its interval; NaN for none.

    Raises:
        InputError: they are not of one length, or the level is outside (0, 1).
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.shape != b.shape:
        raise InputError(f"Pairs need two flags per item; {len(a)} and {len(b)} were given.")
    n = len(a)
    if n == 0:
        return math.nan, Interval(math.nan, math.nan)
    more, fewer = int((a & ~b).sum()), int((~a & b).sum())
    return (more - fewer) / n, score_interval(more, fewer, n, level)


def score_interval(more: int, fewer: int, n: int, level: float = 0.95) -> Interval:
    """The interval of (more - fewer) / n, of n pairs of which so many have the first alone, or the second alone.

    Tango's, which holds the differences that a score test at this level doesn't reject; longer where all pairs but one
    to three have the same one alone, for near 1 and -1 it covers less than it says, as Wilson's does of a share. Of
    those that were compared it holds 40 pairs' differences best: `docs/faithfulness.md`.
    """
    z = normal_quantile(level)
    high, low = (max(above(*each, n, z), _far(*each, n, level)) for each in ((more, fewer), (fewer, more)))
    return Interval(-low, high)


def above(more: int, fewer: int, n: int, z: float) -> float:
    """The high end of Tango's: the largest difference that isn't rejected."""
    seen = (more - fewer) / n
    return 1.0 if more == n else float(brentq(_excess, seen + _NEAR, 1, args=(more, fewer, n, z), xtol=1e-12))


def _far(more: int, fewer: int, n: int, level: float) -> float:
    """The least high end where all pairs but few have the first alone; -1 elsewhere.

    The difference is 1, less the share of the other pairs times what each takes off: 1, or 2 where it has the second.
    """
    others = n - more
    if not 1 <= others <= _FEW:
        return -1.0
    least = 1 - float(modified_wilson(more, n, level).high)
    return 1 - (1 + fewer / others) * least


def _excess(apart: float, more: int, fewer: int, n: int, z: float) -> float:
    """The squared distance of what was seen from a difference, less z squared variances of it under that difference.

    The variance is that with the likeliest share q of pairs that have the second alone, the positive root of
    2n q^2 - ((more + fewer) - (2n - more + fewer) apart) q - fewer apart (1 - apart).
    """
    half = (2 * n - more + fewer) * apart - more - fewer
    second = (math.sqrt(max(half * half + 8 * n * fewer * apart * (1 - apart), 0.0)) - half) / (4 * n)
    return (more - fewer - n * apart) ** 2 - z * z * n * (2 * second + apart * (1 - apart))
