"""How many rollouts stand behind published shares: the files hold shares only, but a share tells its denominator.

A share k/n with n = 94 can't be one of 100, so the n of a row is the largest that gives all of its shares. Rollouts
without an answer are left out of the published shares, so n is the number that answered.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PUBLISHED = 100
"""Rollouts per sentence in the published sets, unless the shares say otherwise."""

Floats = NDArray[np.float64]
_OTHER = (10, 20, 25, 30, 50)
_EVIDENCE = 20  # shares that are neither 0 nor 1 before a number other than 100 is believed
_EXACT = 1e-6


def rollouts_per_sentence(shares: Sequence[Floats]) -> int:
    """How many rollouts each sentence had: 100, unless all shares fit fewer, or too few fit 100."""
    values = np.concatenate([np.asarray(each) for each in shares]) if len(shares) else np.empty(0)
    telling = values[(values > 0) & (values < 1)]
    if len(telling) < _EVIDENCE:
        return PUBLISHED
    fitting = [most for most in (*_OTHER, PUBLISHED, 200, 500, 1000) if _fit(telling, most) > 0.95]
    return fitting[0] if fitting else PUBLISHED


def answered(shares: Sequence[Floats], most: int) -> NDArray[np.int64]:
    """Rollouts that answered, int64 per row: the largest n <= most that makes all known shares whole; 0 if none is.

    Args:
        shares: columns that share the denominator, the most important first: where no n fits all, it alone counts;
            where not even that fits (rounded files), n is `most`.
    """
    columns = np.stack([np.asarray(each, dtype=np.float64) for each in shares])
    candidates = np.arange(most, 0, -1)
    whole = _whole(columns[:, :, None] * candidates) | np.isnan(columns)[:, :, None]
    together = np.asarray(whole.all(axis=0))
    chosen = np.where(together.any(axis=1, keepdims=True), together, whole[0])
    n = np.where(chosen.any(axis=1), candidates[chosen.argmax(axis=1)], most)
    return np.where(np.isnan(columns[0]), 0, n).astype(np.int64)


def _fit(values: Floats, most: int) -> float:
    """The share of `values` that are fractions of some n in (most / 2, most]."""
    candidates = np.arange(most, most // 2, -1)
    return float(_whole(values[:, None] * candidates).any(axis=1).mean())


def _whole(values: Floats) -> NDArray[np.bool_]:
    return np.abs(values - np.rint(values)) < _EXACT
