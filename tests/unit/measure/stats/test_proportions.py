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


def test_the_modified_interval_covers_near_the_ends_and_is_wilsons_elsewhere():
    k = np.arange(41)
    low, high = stats.modified_wilson(k, 40)
    plain = stats.wilson(k, 40)
    np.testing.assert_array_equal(low[4:], plain.low[4:])
    np.testing.assert_array_equal(high[:37], plain.high[:37])
    np.testing.assert_allclose(high, 1 - low[::-1])
    # Half of the 5 % quantiles of chi-squared with 2, 4 and 6 degrees of freedom: .0513, .3554 and .8177
    np.testing.assert_allclose(low[1:4] * 40, [0.0513, 0.3554, 0.8177], atol=1e-4)
    for share in np.arange(1, 80) / 80:
        chance = scipy_stats.binom.pmf(k, 40, share)
        held = [chance[(ends[0] <= share) & (share <= ends[1])].sum() for ends in ((low, high), plain)]
        assert held[0] >= 0.925, share  # Wilson's own dips to .928 at a fifth
        assert held[0] >= held[1]
    assert np.isnan(stats.modified_wilson(0, 0)[0])


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
    (low1, high1), (low2, high2) = stats.jeffreys(56, 70), stats.jeffreys(48, 80)
    assert interval.low == pytest.approx(0.2 - np.hypot(0.8 - low1, high2 - 0.6))
    assert interval.high == pytest.approx(0.2 + np.hypot(high1 - 0.8, 0.6 - low2))
    chi2 = scipy_stats.chi2_contingency([[56, 14], [48, 32]], correction=False)
    assert p_value == pytest.approx(scipy_stats.chi2.sf(chi2.statistic * 149 / 150, 1))
    few = stats.proportion_difference(1, 1, 2, 100)
    assert few.p_value == pytest.approx(scipy_stats.fisher_exact([[1, 0], [2, 98]]).pvalue)
    nothing = stats.proportion_difference([0, 10, 0, NAN], [10, 10, 0, 10], [0, 10, 1, 2], 10)
    assert nothing.p_value[:2].tolist() == [1, 1]
    assert np.isnan(nothing.p_value[2:]).all()
    assert np.isnan(nothing.estimate[2:]).all()


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (1, 1), (997, 1000)])
def test_jeffreys_is_a_quantile_of_its_beta(k, n):
    low, high = scipy_stats.beta(k + 0.5, n - k + 0.5).ppf([0.025, 0.975])
    assert stats.jeffreys(k, n) == pytest.approx((low if k else 0, high if k < n else 1))
    assert np.isnan(stats.jeffreys([NAN, 0], [10, 0]).low).all()
    with pytest.raises(InputError, match="0 <= successes <= samples"):
        stats.jeffreys(n + 1, n)
    with pytest.raises(InputError, match="level"):
        stats.jeffreys(1, 2, level=95)


def covered(p1, p2, n1=100, n2=100):
    """The exact probability that the interval of a difference holds p1 - p2, for vectors of both."""
    low, high = stats.proportion_difference(np.arange(n1 + 1)[:, None], n1, np.arange(n2 + 1), n2).interval
    return np.array(
        [
            scipy_stats.binom.pmf(np.arange(n1 + 1), n1, a)
            @ ((low <= a - b + 1e-12) & (a - b - 1e-12 <= high))
            @ scipy_stats.binom.pmf(np.arange(n2 + 1), n2, b)
            for a, b in zip(p1, p2, strict=True)
        ]
    )


def test_the_interval_of_a_difference_covers():
    """Exactly, over all counts: anywhere, where nothing differs, and near 0 or 1, where Newcombe's covers too much."""
    p1, p2 = np.random.default_rng(0).uniform(size=(2, 60))
    for one, other in ((p1, p2), (p1, p1), (1 - p1 / 10, 1 - p2 / 10), (p1, np.ones(60))):
        chances = covered(one, other)
        assert 0.94 <= chances.mean() <= 0.96
        assert chances.min() > 0.91
    low, high = stats.proportion_difference(100, 100, 100, 100).interval
    assert high - low < 0.7 * np.subtract(*stats.newcombe(100, 100, 100, 100)[::-1])
    assert covered([1.0], [1.0]) == pytest.approx(1)  # nothing is left that could be missed


@pytest.mark.parametrize("p", [0.5, 0.9])
def test_the_test_of_a_difference_holds_its_level(p):
    k1, k2 = np.random.default_rng(0).binomial(100, p, (2, 4000))
    assert (stats.proportion_difference(k1, 100, k2, 100).p_value <= 0.05).mean() <= 0.06


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


def test_a_mixture_differs_by_the_share_that_is_none_of_the_first():
    found = stats.proportion_difference(45, 50, 3, 10, again=30)
    assert found.estimate == pytest.approx(10 / 40 * (45 / 50 - 3 / 10))
    plain = stats.proportion_difference(45, 50, 3, 10)
    share, gap = 10 / 40, 45 / 50 - 3 / 10  # as the variance of a product, from how far each factor may lie off
    fewer, more = share - stats.jeffreys(10, 40).low, stats.jeffreys(10, 40).high - share
    below, above = plain.estimate - plain.interval.low, plain.interval.high - plain.estimate
    assert found.estimate - found.interval.low == pytest.approx(np.hypot(np.hypot(share, more) * below, gap * fewer))
    assert found.interval.high - found.estimate == pytest.approx(np.hypot(np.hypot(share, more) * above, gap * more))
    assert found.interval.high - found.interval.low < plain.interval.high - plain.interval.low
    assert found.p_value == plain.p_value  # the two differ where the mixture does
    assert stats.proportion_difference(45, 50, 3, 10, again=0) == plain
    assert stats.difference_interval(45, 50, 3, 10, again=30) == (found.estimate, found.interval)


def test_what_was_always_said_again_has_no_effect_within_what_the_share_leaves_open():
    found = stats.proportion_difference(90, 100, 0, 0, again=100)
    assert (found.estimate, found.p_value) == (0, 1)
    most = stats.jeffreys(0, 100).high  # of the share that says something else, of which nothing is known
    low, high = stats.jeffreys(90, 100)
    assert found.interval.low == pytest.approx(-most * np.hypot(1 - 0.9, 0.9 - low))
    assert found.interval.high == pytest.approx(most * np.hypot(0.9, high - 0.9))
    mixed = stats.proportion_difference([90, 90], 100, [0, 5], [0, 10], again=[100, 0])
    plain = stats.proportion_difference(90, 100, 5, 10)
    assert [mixed.estimate[1], mixed.interval.low[1], mixed.interval.high[1]] == pytest.approx(
        [plain.estimate, *plain.interval]
    )
    assert np.isnan(stats.proportion_difference(90, 100, 0, 0).estimate)
