"""How many rollouts stand behind published shares: the files hold shares only, but shares tell their denominators.

Rollouts without an answer are left out of the published shares, so n is the number that answered. Accuracy, the share
of dissimilar rollouts and 1 - distinct/n are fractions of that one n, so it is a multiple of what each of them is
reduced to, and the accuracy of the dissimilar rollouts is a fraction of their number. Where several n fit, the smallest
is taken: a larger one would make chance look significant. A share of 100 rollouts that happens to be one of 50 loses
power by that; the interval of n is kept beside it (`Sizes.most`).

Where the folder lists the rollouts themselves, they are counted: those in `chunk_N/solutions.json` that hold an answer,
and the texts of `chunks_resampled.json`, where these are the ones that the shares were made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PUBLISHED = 100
"""Rollouts per sentence in the published sets, unless the shares say otherwise."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_OTHER = (10, 20, 25, 30, 50)
_EVIDENCE = 20  # shares that are neither 0 nor 1 before a number other than 100 is believed
_EXACT = 1e-6
_SAME = 0.95  # the share of lists that must have the n that is known before lists are taken to tell n
_DIGITS = 9  # decimals from which a share counts as unrounded


class Shares(NamedTuple):
    """Columns of a file, float64 [n], NaN where a row has none.

    Args:
        accuracy, dissimilar, repeated: shares of the rollouts that answered.
        dissimilar_accuracy: share of the dissimilar ones.
    """

    accuracy: Floats
    dissimilar: Floats
    repeated: Floats
    dissimilar_accuracy: Floats


class Sizes(NamedTuple):
    """How many rollouts answered, int64 per row.

    Args:
        n: as many as are sure; 0 where the row has no accuracy, or none fits.
        most: as many as there may have been.
    """

    n: Ints
    most: Ints

    @property
    def known(self) -> Flags:
        """Whether there is only one number that fits."""
        return (self.n == self.most) & (self.n > 0)


def rollouts_per_sentence(shares: Sequence[Floats]) -> int:
    """How many rollouts each sentence had at most: 100, unless all shares fit fewer, or too few fit 100."""
    values = np.concatenate([np.asarray(each) for each in shares]) if len(shares) else np.empty(0)
    telling = values[(values > 0) & (values < 1)]
    if len(telling) < _EVIDENCE:
        return PUBLISHED
    fitting = [most for most in (*_OTHER, PUBLISHED, 200, 500, 1000) if _fit(telling, most) > 0.95]
    return fitting[0] if fitting else PUBLISHED


def answered(shares: Shares, most: int, counted: Ints | None = None, listed: Ints | None = None) -> Sizes:
    """How many rollouts answered, told by the shares and by what the folder lists.

    Args:
        most: as many as there were at most.
        counted: rollouts with an answer, 0 where they are not listed.
        listed: texts in the folder's lists, 0 where there is none.
    """
    fits = _fitting(shares, most)
    n, largest = _ends(fits)
    if listed is not None and _tells(listed, n, largest):
        inside = (listed > 0) & (listed <= most) & fits[np.arange(len(n)), np.clip(listed, 1, most) - 1]
        n, largest = np.where(inside, listed, n), np.where(inside, listed, largest)
    if counted is not None:
        n, largest = np.where(counted > 0, counted, n), np.where(counted > 0, counted, largest)
    missing = np.isnan(shares.accuracy)
    return Sizes(np.where(missing, 0, n), np.where(missing, 0, largest))


def notes(sizes: Sizes) -> list[str]:
    """What is not sure of the rollouts without a sentence, and with it: those without the next one; "" if all is."""
    ends = [
        f"{least} to {most}" if 0 < least < most else str(least)
        for least, most in zip(sizes.n.tolist(), sizes.most.tolist(), strict=True)
    ]
    sure = sizes.known.tolist()
    return [
        ""
        if sure[row] and sure[after]
        else f"n inferred: {ends[row]} rollouts without it and {ends[after]} with it fit the file; the fewest are taken"
        for row, after in ((row, min(row + 1, len(ends) - 1)) for row in range(len(ends)))
    ]


def _fitting(shares: Shares, most: int) -> Flags:
    """Which n from 1 to `most` fit all shares of a row, bool [rows, most]; of accuracy alone where none fits all."""
    n = np.arange(1, most + 1)
    together = [_fractions(column, n) for column in shares[:3]]
    if _rounding(shares.accuracy) == 0:  # the sum of two rounded numbers is no fraction
        inner = np.rint(shares.dissimilar[:, None] * n)
        together.append(_fractions(shares.dissimilar_accuracy, inner) | ~(inner > 0))
    fits = np.all(together, axis=0)
    return np.where(fits.any(axis=1, keepdims=True), fits, together[0])


def _ends(fits: Flags) -> tuple[Ints, Ints]:
    """The least and the largest n that fits; 0 where none does."""
    some, most = fits.any(axis=1), fits.shape[1]
    return np.where(some, fits.argmax(axis=1) + 1, 0), np.where(some, most - fits[:, ::-1].argmax(axis=1), 0)


def _tells(listed: Ints, n: Ints, largest: Ints) -> bool:
    """Whether lists are of the rollouts that answered: they have the right length where that is known without them."""
    sure = (listed > 0) & (n == largest) & (n > 0)
    return bool(sure.any()) and float((listed == n)[sure].mean()) >= _SAME


def _fractions(values: Floats, n: NDArray[Any]) -> Flags:
    """Whether values may be fractions of n, [rows, n]; unknown ones may, and rounded ones within their rounding."""
    scaled = values[:, None] * n
    return (np.abs(scaled - np.rint(scaled)) <= _rounding(values) * n + _EXACT) | np.isnan(values)[:, None]


def _rounding(values: Floats) -> float:
    """How far the values of a column may be off: half of the last of 3 to 8 decimals where none has more, else 0."""
    known = values[np.isfinite(values)]
    decimals = next((d for d in range(2, _DIGITS) if np.array_equal(np.round(known, d), known)), _DIGITS)
    return 0.5 * 10.0**-decimals if 2 < decimals < _DIGITS else 0.0


def _fit(values: Floats, most: int) -> float:
    """The share of `values` that are fractions of some n in (most / 2, most]."""
    candidates = np.arange(most, most // 2, -1)
    return float(_whole(values[:, None] * candidates).any(axis=1).mean())


def _whole(values: Floats) -> NDArray[np.bool_]:
    return np.abs(values - np.rint(values)) < _EXACT
