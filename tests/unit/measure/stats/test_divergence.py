import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from cotlens._core.errors import InputError
from cotlens.measure import stats

TAIL = np.array([0.95, *[0.05 / 20] * 20])


def test_kl_of_counts():
    p, q = [6, 3, 1], [2, 2, 6]
    expected = scipy_stats.entropy((np.array(p) + 1) / 13, (np.array(q) + 1) / 13)
    assert stats.kl(p, q, alpha=1) == pytest.approx(expected)
    assert stats.kl(p, q) == pytest.approx(scipy_stats.entropy(np.array(p) + 0.5, np.array(q) + 0.5))
    assert stats.kl(p, q, alpha=0) == pytest.approx(scipy_stats.entropy(p, q))
    assert stats.kl(p, p) == 0
    assert stats.kl([5, 0], [0, 5], alpha=0) == math.inf


def test_disjoint_answers_reach_the_ceiling_of_the_published_smoothing():
    assert stats.kl([100, 0], [0, 100], alpha=1e-9) == pytest.approx(math.log(100 / 1e-9), abs=1e-3)


def test_kl_takes_many_pairs_and_keeps_what_is_not_measured():
    many = stats.kl([[5, 5], [0, 0], [1, 9]], [5, 5])
    assert many.shape == (3,)
    assert many[0] == 0
    assert np.isnan(many[1])
    with pytest.raises(InputError, match="one vocabulary"):
        stats.kl([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match="not negative"):
        stats.kl([1, 2], [1, 2], alpha=-1)


def test_answers_are_counted_over_a_declared_vocabulary():
    assert stats.tally(["7", "8", "7", None], ["7", "8", "9"]).tolist() == [2, 1, 0]
    assert stats.tally(["7", "x", "y"], ["7", stats.OTHER]).tolist() == [1, 2]
    with pytest.raises(InputError, match="'x' is not in the vocabulary"):
        stats.tally(["x"], ["7"])
    with pytest.raises(InputError, match="different answers"):
        stats.tally([], ["7", "7"])


@pytest.mark.parametrize(("alpha", "mean", "p95"), [(1, 0.029, 0.050), (0.5, 0.045, 0.075)])
def test_the_floor_of_two_draws_of_one_distribution(alpha, mean, p95):
    """Published figures for two arms of 100 from .95 and a tail of 20 answers."""
    rng = np.random.default_rng(0)
    drawn = stats.kl(rng.multinomial(100, TAIL, 4000), rng.multinomial(100, TAIL, 4000), alpha)
    assert drawn.mean() == pytest.approx(mean, rel=0.12)
    assert np.quantile(drawn, 0.95) == pytest.approx(p95, rel=0.12)


def test_the_floor_of_given_arms_and_its_p_value():
    floor, p_value = stats.kl_floor([50, 50], [52, 48])
    assert floor.mean == pytest.approx(0.004, abs=0.003)  # .009 before 2 * 1/200 are taken off
    assert floor.p95 == pytest.approx(0.028, abs=0.008)
    assert p_value > 0.3
    assert stats.kl_floor([90, 10], [40, 60])[1] < 0.001
    assert np.isnan([*stats.kl_floor([0, 0], [1, 2])[0]]).all()


LAWS = {
    "three": ([0.7, 0.2, 0.1], [0.4, 0.4, 0.2]),
    "three, far": ([0.6, 0.3, 0.1], [0.2, 0.3, 0.5]),
    "the same": ([0.5, 0.5], [0.5, 0.5]),
    "rare in q": ([0.5, 0.5], [0.9, 0.1]),
    "rare in p": ([0.9, 0.1], [0.5, 0.5]),
    "nearly sure": ([0.99, 0.01], [0.9, 0.1]),
    "six": ([0.4, 0.2, 0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1, 0.2, 0.4]),
    "six, near": ([0.3, 0.2, 0.2, 0.1, 0.1, 0.1], [0.2, 0.2, 0.2, 0.2, 0.1, 0.1]),
    "a tail": ([0.7, 0.2, *[0.005] * 20], [0.4, 0.5, *[0.005] * 20]),
    "a tail, the same": (TAIL, TAIL),
}


@pytest.mark.parametrize("sizes", [(20, 20), (100, 100), (10, 60), (60, 10), (2, 60), (5, 5)])
@pytest.mark.parametrize("law", LAWS)
def test_the_interval_covers_the_kl_of_the_laws(law, sizes):
    """Of what the answers are drawn from, over the answers that were seen; plain percentiles covered .26 at 20."""
    p, q = (np.array(each) for each in LAWS[law])
    rng = np.random.default_rng(1)
    truth, covered, repeats = scipy_stats.entropy(p, q), 0, 120
    for seed in range(repeats):
        arms = [rng.choice(len(law), n, p=law).tolist() for law, n in zip((p, q), sizes, strict=True)]
        vocabulary = sorted({*arms[0], *arms[1]})
        low, high = stats.kl_interval(*arms, vocabulary, seed=seed, repeats=200)
        covered += low <= truth + 1e-12 <= high + 1e-12
    assert covered / repeats >= 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / repeats)


@pytest.mark.parametrize("law", [name for name in LAWS if "tail" not in name])
def test_the_estimate_is_freed_of_its_bias(law):
    p, q = LAWS[law]
    rng = np.random.default_rng(2)
    truth = scipy_stats.entropy(p, q)
    arms = rng.multinomial(20, p, 4000), rng.multinomial(20, q, 4000)
    assert stats.unbiased_kl(*arms).mean() == pytest.approx(truth, abs=0.1)
    if truth < 0.06:  # where the bias is most of it
        assert abs(stats.unbiased_kl(*arms).mean() - truth) < abs(stats.kl(*arms).mean() - truth)


def test_few_answers_that_are_all_alike_leave_much_open():
    """Two arms of two "19" each gave 0 [0, 0]."""
    low, high = stats.kl_interval(["19"] * 2, ["19"] * 2, ["19"])
    assert low == 0
    assert high > 1
    assert 0.1 < stats.kl_interval(["19"] * 40, ["19"] * 40, ["19"]).high < 0.3
    assert stats.unbiased_kl([2], [2]) == 0


def test_an_interval_is_the_same_under_a_seed_and_missing_without_samples():
    arms = (["a"] * 30 + ["b"] * 10, ["a"] * 10 + ["b"] * 30)
    first = stats.kl_interval(*arms, ["a", "b"], seed=3)
    assert first == stats.kl_interval(*arms, ["a", "b"], seed=3)
    assert first.low > 0
    assert np.isnan(stats.kl_interval(["a"], ["b", "a"], ["a", "b"])).all()
