"""Agreement beyond chance, against independent implementations."""

import krippendorff
import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from cotlens._core.errors import InputError
from cotlens.measure.stats import raters


def table(first, second, k):
    return raters.contingency(first, second, k).sum(axis=0)


@pytest.mark.parametrize("seed", range(4))
def test_kappa_and_alpha_are_those_of_independent_implementations(seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 60)
    second = np.where(rng.random(60) < 0.6, first, rng.integers(0, 4, 60))
    assert raters.kappa(table(first, second, 4)) == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    codes = np.stack([first, second, np.where(rng.random(60) < 0.3, -1, first)])
    mine = raters.alpha(raters.coincidences(codes, 4).sum(axis=0))
    given = np.where(codes < 0, np.nan, codes.astype(float))
    assert mine == pytest.approx(krippendorff.alpha(given, level_of_measurement="nominal"), abs=1e-12)


def test_the_paradox_of_kappa_is_seen_beside_ac1():
    """Two who agree on 97 % of labels that are nearly all alike have a small kappa and a large AC1 (Gwet 2008)."""
    found = [[118, 5], [2, 0]]
    assert raters.observed_agreement(found) == pytest.approx(0.944)
    assert raters.kappa(found) == pytest.approx(-0.0234, abs=5e-5)
    assert raters.ac1(found) == pytest.approx(0.9408, abs=5e-5)


def test_what_can_not_be_said_is_nan():
    assert np.isnan(raters.kappa([[5, 0], [0, 0]])) and np.isnan(raters.kappa(np.zeros((2, 2))))
    assert raters.ac1([[5, 0], [0, 0]]) == 1 and np.isnan(raters.alpha([[5, 0], [0, 0]]))
    assert np.isnan(raters.mcnemar(0, 0).statistic) and raters.mcnemar(0, 0).p == 1
    with pytest.raises(InputError, match="square tables"):
        raters.kappa([[1, 2, 3]])
    with pytest.raises(InputError, match="from 0"):
        raters.mcnemar(-1, 2)


def test_mcnemar_is_exact_below_25_discordant_pairs():
    small, large = raters.mcnemar(3, 12), raters.mcnemar(30, 50)
    assert small.exact and small.p == pytest.approx(binomtest(3, 15).pvalue)
    assert not large.exact and large.statistic == 5 and large.p == pytest.approx(0.02535, abs=1e-5)


def test_drawing_clusters_together_is_drawing_each():
    rng = np.random.default_rng(0)
    things, groups = rng.integers(0, 3, (200, 2)).astype(float), np.repeat(np.arange(50), 4)
    sums = np.array([things[groups == one].sum(axis=0) for one in range(50)])
    plain = sums[rng.integers(0, 50, (4000, 50))].sum(axis=1)
    found = raters.drawn(things, groups, 4000, seed=1)
    assert found.mean(axis=0) == pytest.approx(plain.mean(axis=0), rel=0.01)
    assert found.std(axis=0) == pytest.approx(plain.std(axis=0), rel=0.06)
