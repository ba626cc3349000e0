"""The bootstrap interval of a mean: its coverage on a law that is not normal."""

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure.stats import mean_interval


def test_it_covers_the_mean_nearly_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(300):
        low, high = mean_interval(rng.geometric(0.5, 60) - 1, seed, repeats=400)
        covered += low <= 1.0 <= high
    assert 0.89 <= covered / 300 <= 0.97  # percentiles of a skewed law are a little short


def test_the_same_again_and_nothing_from_nothing():
    assert mean_interval([1, 2, 5], seed=3) == mean_interval([1, 2, 5], seed=3)
    assert mean_interval([2, 2, 2]) == (2, 2)
    assert np.isnan(mean_interval([4])).all()
    with pytest.raises(InputError, match=r"shape \(2, 2\)"):
        mean_interval([[1, 2], [3, 4]])
