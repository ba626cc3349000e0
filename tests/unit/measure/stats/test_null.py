import numpy as np
import pytest
from scipy import stats as scipy_stats

from cotlens._core.errors import InputError
from cotlens.measure import stats

NAN = float("nan")


def gap(one, other):
    return abs(np.mean(one) - np.mean(other))


def test_the_floor_by_resplitting_is_the_exact_one():
    one, other = [1] * 30 + [0] * 70, [1] * 50 + [0] * 50
    drawn = stats.null_floor(one, other, gap, seed=0, repeats=1000)
    exact = stats.difference_floor(30, 100, 50, 100)
    assert drawn == pytest.approx(exact, abs=0.01)
    assert drawn == stats.null_floor(one, other, gap, seed=0, repeats=1000)
    assert np.isnan(stats.null_floor([], other, gap)).all()


def test_the_exact_floor():
    mean, p95 = stats.difference_floor(1, 2, 1, 2)  # splits of two ones in four: 0, 1 or 2 of them in the first arm
    assert mean == pytest.approx(1 / 3)
    assert p95 == 1
    many = stats.difference_floor([50, 0, NAN, 0], [100, 100, 10, 0], [50, 0, 1, 1], [100, 50, 10, 5])
    assert many.p95[0] == pytest.approx(0.14, abs=0.01)
    assert many.p95[1] == 0
    assert np.isnan(many.p95[2:]).all()


def test_a_permutation_p_value():
    assert stats.permuted_p([1] * 10, [0] * 10, gap, seed=1, repeats=999) == pytest.approx(0.001)
    assert stats.permuted_p([1, 0] * 5, [1, 0] * 5, gap, repeats=99) == 1
    assert np.isnan(stats.permuted_p([], [1], gap))


def test_benjamini_hochberg_is_that_of_scipy_and_leaves_out_what_is_not_measured():
    p_values = np.random.default_rng(0).uniform(size=50) ** 3
    np.testing.assert_allclose(stats.benjamini_hochberg(p_values), scipy_stats.false_discovery_control(p_values))
    holed = np.insert(p_values, [0, 7, 50], NAN)
    q_values = stats.benjamini_hochberg(holed)
    assert np.isnan(q_values).sum() == 3
    np.testing.assert_allclose(q_values[~np.isnan(holed)], scipy_stats.false_discovery_control(p_values))
    assert stats.benjamini_hochberg([]).shape == (0,)
    with pytest.raises(InputError, match="between 0 and 1"):
        stats.benjamini_hochberg([0.5, 1.2])


@pytest.mark.parametrize("rule", [None, {"half_width": 0.15}])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_hardly_any_unit_is_called_where_none_matters(p, rule):
    """Neighbours share rollouts, so that their tests depend on each other; adaptive sampling stops on widths."""
    rng, traces, boundaries = np.random.default_rng(0), 150, 13
    k, n = np.zeros((2, traces, boundaries))
    if rule is None:
        k, n = rng.binomial(100, p, n.shape), np.full(n.shape, 100)
    while rule is not None and (more := stats.allocate(stats.Counts(k, n), **rule)).any():
        k, n = k + rng.binomial(more, p), n + more
    p_values = stats.proportion_difference(k[:, 1:], n[:, 1:], k[:, :-1], n[:, :-1]).p_value
    called = np.array([stats.benjamini_hochberg(row) <= 0.05 for row in p_values])
    assert called.mean() <= 0.02
    assert called.any(axis=1).mean() <= 0.1  # at most 0.05 of the traces, give or take what 150 tell
