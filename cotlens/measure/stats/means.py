"""The mean of a few samples, with an interval that holds where they are few, skewed or all alike.

Samples that are all alike say nothing of what else might come: drawing them again gives an interval of no width. What
they leave open is known where the quantity is bounded: n equal samples rule out, at 97.5 %, that more than
1 - 0.025^(1/n) of the mass lies elsewhere, and elsewhere can't be farther than the bound.

Source: Learned-Miller and Thomas 2019 (arXiv 1905.06208) for the interval of a bounded mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import Interval

NAN = float("nan")
_UNIFORMS = 4000  # draws of the order statistics; the ends move by less than 2 % of the interval between seeds


def mean_interval(
    samples: ArrayLike,
    seed: int = 0,
    level: float = 0.95,
    repeats: int = 2000,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """An interval of the mean of `samples`; NaN with fewer than 2.

    With `bounds` it holds for any law between them, a rare large value that was never sampled included, and covers at
    least as often as it says (its test measures that). Without, it is the percentiles of samples drawn again,
    which for few or skewed samples are short, and NaN where all samples are alike.

    Raises:
        InputError: the samples are not one vector, or one lies outside the bounds.
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1:
        raise InputError(f"The interval of a mean needs one vector of samples; the shape {values.shape} was given.")
    if len(values) < 2:
        return Interval(NAN, NAN)
    rng = np.random.default_rng(seed)
    if bounds is not None:
        return _bounded(values, bounds, level, rng)
    if np.ptp(values) == 0:
        return Interval(NAN, NAN)
    drawn = rng.choice(values, (repeats, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def alike(value: float, n: int, bounds: tuple[float, float], level: float = 0.95) -> Interval:
    """What n samples that all have one value leave open of the mean of a quantity between `bounds`; NaN for none."""
    if n < 1:
        return Interval(NAN, NAN)
    elsewhere = 1 - ((1 - level) / 2) ** (1 / n)
    low, high = bounds
    return Interval(value - elsewhere * (value - low), value + elsewhere * (high - value))


def _bounded(
    values: NDArray[np.float64], bounds: tuple[float, float], level: float, rng: np.random.Generator
) -> Interval:
    low, high = bounds
    if values.min() < low or values.max() > high:
        raise InputError(
            f"The samples reach from {values.min():g} to {values.max():g}, outside the bounds {low:g} and {high:g}."
        )
    if np.ptp(values) == 0:
        return alike(float(values[0]), len(values), bounds, level)
    shares = np.sort(rng.random((_UNIFORMS, len(values))), axis=1)
    ordered = np.sort(values)
    return Interval(
        low + _least(np.sort(high - values), high - low, shares, level),
        high - _least(ordered - low, high - low, shares, level),
    )


def _least(rest: NDArray[np.float64], most: float, shares: NDArray[np.float64], level: float) -> float:
    """How far the mean stays from the far bound: `rest` are sorted distances to the near one, `most` between both."""
    steps = np.diff(np.append(rest, most))
    return float(np.quantile(shares @ steps, (1 - level) / 2))
