import numpy as np
import pytest
from scipy import stats as scipy_stats

from cotlens._core.errors import InputError
from cotlens.measure import stats

NAN = float("nan")


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (1, 1), (50, 100), (997, 1000)])
def test_wilson_is_that_of_scipy(k, n):
    theirs = scipy_stats.binomtest(k, n).proportion_ci(method="wilson")
    assert stats.wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert stats.wilson(k, n, level=0.9)[0] >= stats.wilson(k, n)[0]


@pytest.mark.parametrize(
    ("counts", "published"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe_gives_the_published_examples(counts, published):
    """Newcombe 1998, Table II, method 10."""
    assert stats.newcombe(*counts) == pytest.approx(published, abs=6e-5)


def test_intervals_take_arrays_and_keep_what_is_not_measured():
    low, high = stats.wilson([0, 10, NAN, 0], [10, 10, 10, 0])
    assert low[0] == 0
    assert high[1] == 1
    assert np.isnan([*low[2:], *high[2:]]).all()
    both = stats.newcombe([[1, 2], [3, NAN]], 10, 5, [10, 20])
    assert both.low.shape == (2, 2)
    assert np.isnan(both.low).tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize(("k", "n"), [(11, 10), (-1, 10), (0, -1)])
def test_counts_that_can_not_be(k, n):
    with pytest.raises(InputError, match="0 <= successes <= samples"):
        stats.wilson(k, n)
    with pytest.raises(InputError, match="level"):
        stats.wilson(1, 2, level=95)


def test_a_difference_has_its_estimate_interval_and_test():
    estimate, interval, p_value = stats.proportion_difference(56, 70, 48, 80)
    assert estimate == pytest.approx(0.2)
    assert interval == stats.newcombe(56, 70, 48, 80)
    chi2 = scipy_stats.chi2_contingency([[56, 14], [48, 32]], correction=False)
    assert p_value == pytest.approx(scipy_stats.chi2.sf(chi2.statistic * 149 / 150, 1))
    few = stats.proportion_difference(1, 1, 2, 100)
    assert few.p_value == pytest.approx(scipy_stats.fisher_exact([[1, 0], [2, 98]]).pvalue)
    nothing = stats.proportion_difference([0, 10, 0, NAN], [10, 10, 0, 10], [0, 10, 1, 2], 10)
    assert nothing.p_value[:2].tolist() == [1, 1]
    assert np.isnan(nothing.p_value[2:]).all()
    assert np.isnan(nothing.estimate[2:]).all()


@pytest.mark.parametrize(("p1", "p2"), [(0.5, 0.5), (0.5, 0.7), (0.9, 0.8), (0.5, 0.98)])
def test_newcombe_covers_and_its_test_holds_its_level(p1, p2):
    rng = np.random.default_rng(0)
    k1, k2 = rng.binomial(100, p1, 4000), rng.binomial(100, p2, 4000)
    _, (low, high), p_value = stats.proportion_difference(k1, 100, k2, 100)
    assert 0.93 <= ((low <= p1 - p2) & (p1 - p2 <= high)).mean() <= 0.97
    if p1 == p2:
        assert (p_value <= 0.05).mean() <= 0.06


@pytest.mark.parametrize(
    ("d", "p", "plain", "corrected"),
    [(0.1, 0.5, 392, 979), (0.05, 0.5, 1570, 3918), (0.2, 0.5, 98, 245), (0.3, 0.5, 44, 109), (0.1, 0.9, 141, 353)],
)
def test_n_for_a_difference(d, p, plain, corrected):
    assert stats.n_for_difference(d, p) == plain
    assert stats.n_for_difference(d, p, comparisons=148) == corrected
    assert stats.n_for_difference(0.1, 0.5, power=0.5) == 192


def test_n_for_a_half_width_is_the_smallest():
    n = stats.n_for_half_width(0.1)
    half = [np.subtract(*stats.wilson(0.5 * each, each)[::-1]) / 2 for each in (n - 1, n)]
    assert half[0] > 0.1 >= half[1]
    assert stats.n_for_half_width(0.1, p=0) < n < stats.n_for_half_width(0.05)
    with pytest.raises(InputError, match="half-width"):
        stats.n_for_half_width(0.6)
    with pytest.raises(InputError, match="d=0"):
        stats.n_for_difference(0, 0.5)
