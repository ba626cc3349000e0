"""Intervals of a mean: their coverage on laws that are not normal, and what samples that are all alike leave open."""

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure.stats import alike, mean_interval

MOST = 20


def test_it_covers_the_mean_nearly_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(300):
        low, high = mean_interval(rng.geometric(0.5, 60) - 1, seed, repeats=400)
        covered += low <= 1.0 <= high
    assert 0.89 <= covered / 300 <= 0.97  # percentiles of a skewed law are a little short


def rounds(again):
    """How often something comes back that does so each time with probability `again`, at most MOST times."""
    return lambda rng, size: np.minimum(rng.geometric(1 - again, size) - 1, MOST)


LAWS = {
    "hardly ever": rounds(0.01),
    "seldom": rounds(0.1),
    "half of the time": rounds(0.5),
    "nearly always": rounds(0.9),
    "all or nothing, 2 %": lambda rng, size: MOST * (rng.random(size) < 0.02),
    "all or nothing, 10 %": lambda rng, size: MOST * (rng.random(size) < 0.1),
    "all or nothing, 50 %": lambda rng, size: MOST * (rng.random(size) < 0.5),
    "two kinds": lambda rng, size: np.where(rng.random(size) < 0.2, MOST, rounds(0.3)(rng, size)),
}


@pytest.mark.parametrize("n", [5, 30])
@pytest.mark.parametrize("law", LAWS)
def test_of_a_bounded_quantity_it_covers_whatever_the_law(law, n):
    """Drawn again, these cover .05 to .91."""
    rng = np.random.default_rng(3)
    truth = LAWS[law](rng, 400_000).mean()
    repeats = 250
    ends = np.array([mean_interval(LAWS[law](rng, n), seed, bounds=(0, MOST)) for seed in range(repeats)])
    covered = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    assert covered.mean() >= 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / repeats)
    assert (ends[:, 0] < ends[:, 1]).all()
    assert ends.min() >= 0
    assert ends.max() <= MOST


def test_samples_that_are_all_alike():
    assert np.isnan(mean_interval([2, 2, 2])).all()  # without bounds anything may come
    assert mean_interval([0] * 30, bounds=(0, 20)) == pytest.approx((0, 20 * (1 - 0.025 ** (1 / 30))))
    assert mean_interval([1.0] * 8, bounds=(0, 1)) == pytest.approx((0.025 ** (1 / 8), 1))  # an AUROC of 8 thoughts
    assert alike(0.3, 4, (0, 1)) == mean_interval([0.3] * 4, bounds=(0, 1))
    assert np.isnan(alike(0.3, 0, (0, 1))).all()


def test_the_ends_are_mirrored():
    values = np.array([0.0, 3, 20, 20, 5])
    low, high = mean_interval(values, bounds=(0, 20))
    assert mean_interval(20 - values, bounds=(0, 20)) == pytest.approx((20 - high, 20 - low))
    assert low <= values.mean() <= high


def test_the_same_again_and_nothing_from_nothing():
    assert mean_interval([1, 2, 5], seed=3) == mean_interval([1, 2, 5], seed=3)
    assert np.isnan(mean_interval([4])).all()
    with pytest.raises(InputError, match=r"shape \(2, 2\)"):
        mean_interval([[1, 2], [3, 4]])
    with pytest.raises(InputError, match="reach from 0 to 3, outside the bounds 0 and 1"):
        mean_interval([0, 3], bounds=(0, 1))
