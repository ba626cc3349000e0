import numpy as np
import pytest
from scipy import stats as scipy_stats

from cotlens._core.errors import InputError
from cotlens.measure import stats

NAN = float("nan")


def tied(seed, n=40):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(1)
    return x, (x + rng.normal(size=n)).round(1)


def test_correlations_are_those_of_scipy_over_what_is_measured():
    x, y = tied(0)
    x[3], y[7] = NAN, NAN
    both = ~np.isnan(x + y)
    assert stats.spearman(x, y) == pytest.approx(scipy_stats.spearmanr(x[both], y[both]).statistic)
    assert stats.kendall(x, y) == pytest.approx(scipy_stats.kendalltau(x[both], y[both]).statistic)


def test_what_can_not_be_correlated():
    for correlation in (stats.spearman, stats.kendall):
        assert np.isnan(correlation([1, 2], [1, 2]))
        assert np.isnan(correlation([1, 1, 1], [1, 2, 3]))
        with pytest.raises(InputError, match="one length"):
            correlation([1, 2, 3], [1, 2])
    assert np.isnan(stats.correlation_interval(range(7), range(7))).all()


@pytest.mark.parametrize("kind", ["spearman", "kendall"])
@pytest.mark.parametrize("n", [8, 12, 20])
def test_few_pairs_have_an_interval_of_some_width_that_covers(kind, n):
    """Draws of pairs in perfect order are all alike, and gave [1, 1]."""
    low, high = stats.correlation_interval(range(n), range(n), kind)
    assert low < 1
    assert high == 1
    rng = np.random.default_rng(4)
    for rho in (0.0, 0.8, 0.95):
        angle = np.arcsin(rho / 2) * 6 / np.pi if kind == "spearman" else np.arcsin(rho) * 2 / np.pi
        covered = 0
        for seed in range(120):
            x, y = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=n).T
            low, high = stats.correlation_interval(x, y, kind, seed, repeats=200)
            covered += low <= angle <= high
            assert high - low > 0.01
        assert covered / 120 >= 0.9


@pytest.mark.parametrize("kind", ["spearman", "kendall"])
def test_the_interval_is_a_bootstrap_and_covers(kind):
    correlation = stats.spearman if kind == "spearman" else stats.kendall
    theirs = scipy_stats.bootstrap(
        tied(1), correlation, paired=True, vectorized=False, method="percentile", n_resamples=400, random_state=0
    ).confidence_interval
    assert stats.correlation_interval(*tied(1), kind) == pytest.approx((theirs.low, theirs.high), abs=0.05)
    rng = np.random.default_rng(2)
    truth = 6 / np.pi * np.arcsin(0.25) if kind == "spearman" else 2 / np.pi * np.arcsin(0.5)
    covered = 0
    for seed in range(100):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=40).T
        low, high = stats.correlation_interval(x, y, kind, seed, repeats=200)
        covered += low <= truth <= high
    assert 0.88 <= covered / 100 <= 0.99


@pytest.mark.parametrize("kind", ["spearman", "kendall"])
def test_many_pairs_get_the_interval_in_closed_form(kind):
    x, y = tied(3, 1001)
    drawn = stats.correlation_interval(x[:1000], y[:1000], kind)
    assert stats.correlation_interval(x, y, kind) == pytest.approx(drawn, abs=0.02)


def test_what_position_explains():
    falling = stats.position_baseline([5, -4, 3, -2, 1])
    assert falling.rho_size == pytest.approx(-1)
    assert falling.rho == pytest.approx(scipy_stats.spearmanr([5, -4, 3, -2, 1], range(5)).statistic)
    assert falling.ranks.tolist() == [3] * 5  # nothing is left once position is taken out
    scores = np.array([9, 8, 7, 6, 30, 4, 3, NAN, 1])
    taken_out = stats.position_baseline(scores).ranks
    assert np.nanargmax(taken_out) == 4
    assert np.isnan(taken_out).tolist() == np.isnan(scores).tolist()
    assert np.isnan(stats.position_baseline([1, NAN]).ranks).all()
    with pytest.raises(InputError, match="one score per unit"):
        stats.position_baseline([[1, 2]])
