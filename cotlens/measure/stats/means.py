"""The mean of a few samples of any law, with its interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import Interval

NAN = float("nan")


def mean_interval(samples: ArrayLike, seed: int = 0, level: float = 0.95, repeats: int = 2000) -> Interval:
    """A bootstrap interval of the mean of `samples`, percentiles over samples drawn again; NaN with fewer than 2.

    Raises:
        InputError: the samples are not one vector.
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1:
        raise InputError(f"The interval of a mean needs one vector of samples; the shape {values.shape} was given.")
    if len(values) < 2:
        return Interval(NAN, NAN)
    drawn = np.random.default_rng(seed).choice(values, (repeats, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
