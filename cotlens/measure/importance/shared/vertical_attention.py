"""Vertical attention: how much later units look back at each, which heads single a few out, and how well that repeats.

A kurtosis over few units is mostly noise, and so are the heads that it picks: `halves` does everything twice, once by
every other reading unit and once by the rest, and `agreement` says how alike the two come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.stats import spearman

Head = tuple[int, int]
Floats = NDArray[np.float64]
Patterns = Mapping[Head, NDArray[np.float32]]

FEWEST_HEADS = 3
"""Receivers, where a share of all heads would be fewer: the mean of one or two is the habit of that head."""

_LEAST = 4  # units, below which a kurtosis is the same whatever the scores are


def vertical(pattern: NDArray[np.float32], proximity: int, half: int | None = None) -> Floats:
    """How much later units attend to each: column means of `pattern` [n, n] over rows from j + proximity on.

    Args:
        half: 0 or 1 for even or odd rows only.

    Returns:
        float64 [n]; NaN for a unit that no such row is left for.
    """
    n = len(pattern)
    rows, columns = np.indices((n, n))
    counted = rows >= columns + proximity
    if half is not None:
        counted &= rows % 2 == half
    # 0 / 0 where no row is left for a unit: NaN is what is wanted.
    with np.errstate(invalid="ignore"):
        return np.where(counted, pattern.astype(np.float64), 0).sum(axis=0) / counted.sum(axis=0)


def kurtosis(scores: Floats) -> float:
    """Fisher's kurtosis of the known scores, m4 / m2^2 - 3 (biased, as published); NaN where they hardly vary."""
    known = scores[np.isfinite(scores)]
    if len(known) < _LEAST:
        return float("nan")
    apart = known - known.mean()
    # Below 1e-20 the scores differ by rounding alone, and the ratio of moments would be noise.
    spread = float((apart**2).mean())
    return float((apart**4).mean() / spread**2 - 3) if spread > 1e-20 else float("nan")


def receivers(peaked: Mapping[Head, float], first_layer: int, top: float) -> list[Head]:
    """The heads of the largest kurtosis from `first_layer` on: `top` of them, or below 1 that share of them.

    Raises:
        InputError: no head is known, or none would be left to compare them with.
    """
    known = [head for head, value in peaked.items() if head[0] >= first_layer and np.isfinite(value)]
    if not known:
        raise InputError(f"No head of layers {first_layer} on has a kurtosis here: give a longer thought.")
    count = int(top) if top >= 1 else max(FEWEST_HEADS, round(top * len(known)))
    if count >= len(known):
        raise InputError(
            f"{count} receiver heads of the {len(known)} that this model has from layer {first_layer} on leave none "
            f"to compare them with: give top={max(1, len(known) // 4)} or fewer."
        )
    return sorted(known, key=lambda head: (-peaked[head], head))[:count]


def mean_of(scores: Mapping[Head, Floats], heads: Sequence[Head]) -> Floats:
    """Mean over heads per unit, NaN without heads."""
    units = len(next(iter(scores.values())))
    return np.mean([scores[head] for head in heads], axis=0) if heads else np.full(units, np.nan)


def agreement(
    patterns: Patterns, proximity: int, first_layer: int, top: float, heads: Sequence[Head] | None
) -> tuple[float, float]:
    """Spearman's rho between two halves of the reading units: of heads by kurtosis, and of units by their score.

    Args:
        heads: receivers that are known already; by default each half picks its own.

    Returns:
        (of heads, of units); NaN where a half is too short.
    """
    sides = [{head: vertical(pattern, proximity, half) for head, pattern in patterns.items()} for half in (0, 1)]
    peaked = [{head: kurtosis(values) for head, values in side.items()} for side in sides]
    late = [head for head in patterns if head[0] >= first_layer]
    of_heads = spearman(*([one[head] for head in late] for one in peaked))
    try:
        chosen = [heads or receivers(one, first_layer, top) for one in peaked]
    except InputError:
        return of_heads, float("nan")
    scores = [mean_of(side, picked) for side, picked in zip(sides, chosen, strict=True)]
    known = np.isfinite(scores[0]) & np.isfinite(scores[1])
    return of_heads, spearman(scores[0][known], scores[1][known])
