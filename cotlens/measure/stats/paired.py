"""The difference of two proportions that were measured on the same items.

Source: Newcombe 1998, Statistics in Medicine 17:2635 (method 10: limits of both shares, joined by how far they
go together; the limits here are the modified Wilson ones, since Wilson's hold too rarely near 0 and 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import Interval, modified_wilson


def paired_difference(first: Sequence[bool], second: Sequence[bool], level: float = 0.95) -> tuple[float, Interval]:
    """Share of `first` minus share of `second` over the same items, with its interval; NaN for none.

    Raises:
        InputError: they are not of one length.
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.shape != b.shape:
        raise InputError(f"Pairs need two flags per item; {len(a)} and {len(b)} were given.")
    n = len(a)
    if n == 0:
        return math.nan, Interval(math.nan, math.nan)
    p, q = float(a.mean()), float(b.mean())
    (l1, u1), (l2, u2) = (modified_wilson(int(each.sum()), n, level) for each in (a, b))
    together = _correlation(a, b)
    below = _joined(p - l1, u2 - q, together)
    above = _joined(u1 - p, q - l2, together)
    return p - q, Interval(p - q - below, p - q + above)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Phi of the two by two table, pulled to zero where it is positive and few items carry it."""
    n = len(a)
    both, neither = int((a & b).sum()), int((~a & ~b).sum())
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    spread = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if spread == 0:
        return 0.0
    apart = both * neither - only_a * only_b
    corrected = max(apart - n / 2, 0) if apart > 0 else apart
    return float(corrected / math.sqrt(spread))


def _joined(one: float, other: float, together: float) -> float:
    return math.sqrt(max(one * one - 2 * together * one * other + other * other, 0.0))
