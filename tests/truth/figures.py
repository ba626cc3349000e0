"""Figures: ranking against labels, and means over thoughts with intervals that hold where all thoughts are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.stats import mean_interval
from tests.truth.settings import BOOTSTRAP, RARE

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NAN = float("nan")


@dataclass(frozen=True)
class Figure:
    """A mean over n thoughts with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int

    @property
    def noise(self) -> float:
        """How far the figure may fall without having changed: half the interval, at least one in a hundred."""
        return max(0.01, (self.high - self.low) / 2)


NOTHING = Figure(NAN, NAN, NAN, 0)


def auroc(scores: Floats, labels: Flags) -> float:
    """Probability that an important unit outranks an unimportant one (ties count half); NaN without both."""
    important, others = scores[labels], scores[~labels]
    if not len(important) or not len(others):
        return NAN
    wins = (important[:, None] > others[None, :]).mean()
    return float(wins + 0.5 * (important[:, None] == others[None, :]).mean())


def average_precision(scores: Floats, labels: Flags) -> float:
    """Mean precision at the ranks of the important units; tied units count together. NaN without both kinds."""
    if not labels.any() or labels.all():
        return NAN
    found = total = precision = 0.0
    for score in np.unique(scores)[::-1]:
        tied = scores == score
        hits = float(labels[tied].sum())
        total += float(tied.sum())
        found += hits
        precision += hits * found / total
    return float(precision / labels.sum())


def mean(values: Sequence[float] | Floats, bounds: tuple[float, float] = (0.0, 1.0)) -> Figure:
    """The mean of one value per thought, NaN ones left out, with the interval of a bootstrap over thoughts.

    Where fewer than `RARE` thoughts differ from the commonest value, drawing thoughts again says nothing of how rare
    the others are: there the interval is the one that holds for any law within `bounds`. Of n thoughts that are all at
    1 it begins at .025^(1/n), the rule of three.
    """
    kept = np.asarray([value for value in values if np.isfinite(value)], dtype=np.float64)
    if not len(kept):
        return NOTHING
    rare = len(kept) - np.unique(kept, return_counts=True)[1].max() < RARE
    low, high = mean_interval(kept, repeats=BOOTSTRAP, bounds=bounds if rare else None)
    return Figure(float(kept.mean()), float(low), float(high), len(kept))


def difference(values: Sequence[float] | Floats) -> Figure:
    """The mean of paired differences of values within 0..1."""
    return mean(values, (-1.0, 1.0))


def plain(figure: Figure) -> dict[str, float | None] | None:
    """A figure as plain data, None where nothing was measured."""
    if not figure.n:
        return None
    return {name: round(one, 4) if np.isfinite(one) else None for name, one in asdict(figure).items()}
