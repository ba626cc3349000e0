"""Adaptive sampling: it spends where intervals are wide, stops when told, and its intervals keep their coverage."""

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure import stats

TRACES, BOUNDARIES = 2000, 6


def sample(p, seed, **rule):
    """Counts at every boundary when the rule has stopped, and how often it looked."""
    rng = np.random.default_rng(seed)
    k, n, looks = np.zeros(p.shape), np.zeros(p.shape), 0
    while (more := stats.allocate(k, n, **rule)).any():
        k, n, looks = k + rng.binomial(more, p), n + more, looks + 1
    return k, n, looks


def covered(p, k, n):
    """Whether each unit's interval holds the truth."""
    low, high = stats.proportion_difference(k[:, 1:], n[:, 1:], k[:, :-1], n[:, :-1]).interval
    return (low <= np.diff(p)) & (np.diff(p) <= high)


def flat(rng):
    """Nothing matters: one proportion all along."""
    return np.repeat(rng.uniform(0.1, 0.9, (TRACES, 1)), BOUNDARIES, axis=1)


def drifting(rng):
    """Every unit matters a little."""
    return 1 / (1 + np.exp(-np.cumsum(rng.normal(0, 0.6, (TRACES, BOUNDARIES)), axis=1)))


def settling(rng):
    """Open at first, then all but settled: 0.9 to 1."""
    at = rng.integers(1, BOUNDARIES, (TRACES, 1))
    before, after = rng.uniform(0.3, 0.7, (TRACES, 1)), 1 - rng.uniform(0, 0.1, (TRACES, BOUNDARIES))
    return np.where(np.arange(BOUNDARIES) < at, before, after)


@pytest.mark.parametrize("truth", [flat, drifting, settling])
@pytest.mark.parametrize("rule", [{"half_width": 0.15}, {"budget": 300}])
def test_intervals_keep_their_coverage(truth, rule):
    p = truth(np.random.default_rng(1))
    k, n, _ = sample(p, 2, **rule)
    assert 0.93 <= covered(p, k, n).mean() <= 0.97


def test_the_deciding_unit_of_a_fork_is_covered_and_hardly_biased():
    rng = np.random.default_rng(3)
    before, at = rng.uniform(0.3, 0.7, (TRACES, 1)), rng.integers(1, BOUNDARIES, (TRACES, 1))
    p = np.where(np.arange(BOUNDARIES) < at, before, 1 - rng.uniform(0, 0.1, (TRACES, 1)))
    k, n, _ = sample(p, 4, half_width=0.15)
    deciding = np.diff(p) > 0.1
    effect = np.diff(p)[deciding]
    assert 0.93 <= covered(p, k, n)[deciding].mean() <= 0.97
    assert np.abs((np.diff(k / n)[deciding] - effect).mean()) < 0.01


def test_it_stops_when_every_unit_is_narrow_enough():
    p = np.array([0.5, 0.5, 0.95, 0.99, 0.99, 1.0, 1.0, 1.0, 1.0, 1.0])
    k, n, looks = sample(p, 0, half_width=0.135)
    assert stats.half_widths(k, n).max() <= 0.135
    assert looks < 10
    assert n[:2].min() > 2 * n[4:].max()  # rollouts go where the answer is open
    assert n.sum() <= 0.5 * 100 * len(p)  # 100 at every boundary reach the same widest interval
    fixed = np.full(len(p), 100)
    assert stats.half_widths(p * fixed, fixed).max() > 0.13


def test_it_spends_its_budget_and_no_more():
    p = np.array([0.5, 0.5, 1.0, 1.0, 1.0, 1.0])
    _, n, _ = sample(p, 0, budget=400)
    assert 390 <= n.sum() <= 400
    assert n[:2].min() > 3 * n[3:].max()
    _, few, _ = sample(p, 0, budget=31)
    assert few.sum() == 31
    assert few.max() - few.min() <= 1
    _, n, _ = sample(p, 0, budget=100_000, half_width=0.2)
    assert n.sum() < 1000
    assert sample(p, 0, half_width=0.01, most=50)[1].max() == 50


def test_what_was_sampled_before_counts():
    k, n = np.array([30, 30, 60]), np.array([60, 60, 60])
    more = stats.allocate(k, n, half_width=0.15)
    assert more.dtype == np.int64
    assert more[:2].min() > 0
    assert more[2] == 0
    assert not stats.allocate(k, n, half_width=0.5).any()
    assert not stats.allocate(k, n, budget=180).any()
    np.testing.assert_array_equal(stats.allocate([0, 5, 0], [0, 5, 30], half_width=0.3), [20, 15, 0])


def test_unsampled_units_are_as_wide_as_can_be():
    assert stats.half_widths([0, 5, 5], [0, 10, 10]).tolist()[0] == 1


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "needs half_width="),
        ({"half_width": 2}, "between 0 and 1"),
        ({"budget": 3}, "can't give 3 boundaries 2 each"),
        ({"half_width": 0.1, "batch": 0}, "batches of at least 1"),
    ],
)
def test_rules_that_can_not_be(rule, message):
    with pytest.raises(InputError, match=message):
        stats.allocate([0, 0, 0], [0, 0, 0], **rule)


def test_counts_that_do_not_fit():
    with pytest.raises(InputError, match="2 or more boundaries"):
        stats.allocate([1], [2], half_width=0.1)
    with pytest.raises(InputError, match="known"):
        stats.allocate([1, float("nan")], [2, 2], half_width=0.1)
