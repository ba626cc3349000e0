"""Figures: ranking against labels, with intervals from a bootstrap over traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.stats import alike
from tests.truth.settings import BOOTSTRAP

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Figure:
    """A mean over traces with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int

    @property
    def noise(self) -> float:
        """How far the figure may fall without having changed: to the nearer end, at least one in a hundred."""
        return max(0.01, min(self.high - self.value, self.value - self.low))

    def data(self) -> dict[str, float]:
        """As plain data."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def auroc(scores: Floats, labels: Flags) -> float:
    """Probability that an important unit outranks an unimportant one (ties count half); NaN without both."""
    important, others = scores[labels], scores[~labels]
    if not len(important) or not len(others):
        return float("nan")
    wins = (important[:, None] > others[None, :]).mean()
    return float(wins + 0.5 * (important[:, None] == others[None, :]).mean())


def average_precision(scores: Floats, labels: Flags) -> float:
    """Mean precision at the ranks of the important units; tied units count together. NaN without both kinds."""
    if not labels.any() or labels.all():
        return float("nan")
    found = total = 0.0
    precision = 0.0
    for score in np.unique(scores)[::-1]:
        tied = scores == score
        hits = float(labels[tied].sum())
        total += float(tied.sum())
        found += hits
        precision += hits * found / total
    return float(precision / labels.sum())


def mean(values: Sequence[float], seed: int = 0, bounds: tuple[float, float] = (0.0, 1.0)) -> Figure:
    """The mean of one value per trace, NaN ones left out, with a bootstrap interval (percentiles).

    Values that are all alike have what so many leave open of a quantity between `bounds`: 8 AUROCs of 1, [.63, 1].
    """
    kept = np.array([value for value in values if np.isfinite(value)], dtype=np.float64)
    if not len(kept):
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    if np.ptp(kept) == 0:
        return Figure(float(kept[0]), *alike(float(kept[0]), len(kept), bounds), len(kept))
    drawn = np.random.default_rng(seed).integers(len(kept), size=(BOOTSTRAP, len(kept)))
    low, high = np.quantile(kept[drawn].mean(axis=1), [0.025, 0.975])
    return Figure(float(kept.mean()), float(low), float(high), len(kept))
