"""Rank correlations, and what the position of a unit alone would explain.

Importances fall off along a thought (|change in accuracy| and index: Spearman -.48 on the published rollouts), so a
score is read beside its correlation with position, and ranks with position taken out.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import Interval, normal_quantile

Floats = NDArray[np.float64]
NAN = float("nan")
FEWEST = 3
"""Pairs below which there is no rank correlation."""
FEWEST_PAIRS = 8
"""Pairs below which a rank correlation has no interval: draws of 5 or 6 pairs are often all alike."""
MOST_DRAWN = 1000
"""Pairs up to which intervals are drawn; the work grows with their square."""


class Position(NamedTuple):
    """What position explains of one score per unit.

    Args:
        rho: Spearman of the score with the index.
        rho_size: Spearman of its size |score| with the index.
        ranks: float64 [n], ranks of |score| with position taken out (1 = least), NaN where unmeasured.
    """

    rho: float
    rho_size: float
    ranks: Floats


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rho over the pairs that are both measured; NaN with fewer than 3 or where one never varies.

    Raises:
        InputError: x and y are not two vectors of one length.
    """
    return _rho(*_pairs(x, y))


def kendall(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's tau-b over the pairs that are both measured; NaN with fewer than 3 or where one never varies.

    Raises:
        InputError: x and y are not two vectors of one length.
    """
    return _tau(*_pairs(x, y))


def correlation_interval(
    x: ArrayLike,
    y: ArrayLike,
    kind: Literal["spearman", "kendall"] = "spearman",
    seed: int = 0,
    level: float = 0.95,
    repeats: int = 1000,
) -> Interval:
    """An interval of `spearman` or `kendall`: the wider on either side of percentiles over pairs drawn again and of
    Fieller's; beyond 1,000 pairs Fieller's alone.

    Fieller's is taken around a correlation that is at most that of two neighbours exchanged, so that pairs in perfect
    order have an interval too. Pairs are taken as independent; neighbouring units of one trace are not quite, so the
    interval is on the short side. NaN where the correlation is, or with fewer than 8 pairs.

    Source: Fieller, Hartley and Pearson 1957 (the standard error of the z-transformed correlation).
    """
    first, second = _pairs(x, y)
    estimate = (_rho if kind == "spearman" else _tau)(first, second)
    if len(first) < FEWEST_PAIRS or np.isnan(estimate):
        return Interval(NAN, NAN)
    wide = _fieller(estimate, len(first), kind, level)
    if len(first) > MOST_DRAWN:
        return wide
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(first), np.full(len(first), 1 / len(first)), size=repeats).astype(np.float64)
    drawn = (_drawn_rho if kind == "spearman" else _drawn_tau)(first, second, weights)
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(min(float(low), wide.low), max(float(high), wide.high))


def _fieller(estimate: float, n: int, kind: str, level: float) -> Interval:
    """Fieller's interval, around at most the correlation of a perfect order with two neighbours exchanged."""
    error, most = (
        (np.sqrt(1.06 / (n - 3)), 1 - 12 / (n * (n * n - 1)))
        if kind == "spearman"
        else (np.sqrt(0.437 / (n - 4)), 1 - 4 / (n * (n - 1)))
    )
    centre, reach = np.arctanh(np.clip(estimate, -most, most)), normal_quantile(level) * error
    low, high = float(np.tanh(centre - reach)), float(np.tanh(centre + reach))
    return Interval(min(low, estimate), max(high, estimate))


def position_baseline(estimates: ArrayLike) -> Position:
    """How much of a score, one per unit in order, its position explains; see `Position`.

    Position is taken out on ranks: rank(|score|) less its least-squares line on the index, ranked again.

    Raises:
        InputError: the estimates are not one vector.
    """
    scores = np.asarray(estimates, dtype=np.float64)
    if scores.ndim != 1:
        raise InputError(f"A position baseline needs one score per unit; the shape {scores.shape} was given.")
    index = np.arange(len(scores), dtype=np.float64)
    known = ~np.isnan(scores)
    ranks = np.full(len(scores), np.nan)
    ranks[known] = _without(_ranked(np.abs(scores[known])), index[known])
    return Position(spearman(scores, index), spearman(np.abs(scores), index), ranks)


def _without(ranks: Floats, index: Floats) -> Floats:
    """Ranks of what is left of `ranks` after a line in the index."""
    if len(ranks) < FEWEST:
        return np.full(len(ranks), np.nan)
    centred = index - index.mean()
    slope = (centred @ ranks) / (centred @ centred)
    return _ranked(np.round(ranks - slope * centred, 9))  # equal scores stay tied through rounding


def _rho(first: Floats, second: Floats) -> float:
    if len(first) < FEWEST:
        return NAN
    a, b = _ranked(first), _ranked(second)
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / spread) if spread > 0 else NAN


def _tau(first: Floats, second: Floats) -> float:
    from scipy.stats import kendalltau

    return float(kendalltau(first, second).statistic) if len(first) >= FEWEST else NAN


def _drawn_rho(x: Floats, y: Floats, weights: Floats) -> Floats:
    """rho of every draw, in which pair i stands weights[draw, i] times."""
    a, b = (weights @ ((each < each[:, None]) + 0.5 * (each == each[:, None])).T for each in (x, y))  # ranks, shared
    total = weights.sum(axis=1, keepdims=True)
    a, b = (each - (weights * each).sum(axis=1, keepdims=True) / total for each in (a, b))
    spread = np.sqrt((weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 1e-9, (weights * a * b).sum(axis=1) / spread, np.nan)


def _drawn_tau(x: Floats, y: Floats, weights: Floats) -> Floats:
    """tau-b of every draw, in which pair i stands weights[draw, i] times."""
    a, b = (np.sign(each[:, None] - each) for each in (x, y))
    agree, one, other = (((weights @ signs) * weights).sum(axis=1) for signs in (a * b, np.abs(a), np.abs(b)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(one * other > 0, agree / np.sqrt(one * other), np.nan)


def _ranked(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64)


def _pairs(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise InputError(f"A correlation needs two vectors of one length; {first.shape} and {second.shape} were given.")
    both = ~(np.isnan(first) | np.isnan(second))
    return first[both], second[both]
