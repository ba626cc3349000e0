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
    while (more := stats.allocate(stats.Counts(k, n), **rule)).any():
        k, n, looks = k + rng.binomial(more, p), n + more, looks + 1
    return k, n, looks


def walked(more, again, otherwise, end, rng):
    """Counts of rollouts that say each unit again with one probability, or leave for good, and answer by where."""
    k, n = np.zeros(more.shape), np.zeros(more.shape)
    left_k, left_n = np.zeros(again.shape), np.zeros(again.shape)
    for start in range(more.shape[1]):
        here = more[:, start]
        n[:, start] += here
        for unit in range(start, again.shape[1]):
            on = rng.binomial(here, again[:, unit])
            hits = rng.binomial(here - on, otherwise[:, unit])
            left_n[:, unit] += here - on
            left_k[:, unit] += hits
            k[:, start : unit + 1] += hits[:, None]
            n[:, unit + 1] += on
            here = on
        k[:, start:] += rng.binomial(here, end)[:, None]
    return stats.Counts(k, n, left_k, left_n, more)


def walk(again, otherwise, end, seed, **rule):
    """Shared counts when the rule has stopped, and the truth at every boundary."""
    rng = np.random.default_rng(seed)
    p = np.full((len(again), again.shape[1] + 1), end)
    for unit in reversed(range(again.shape[1])):
        p[:, unit] = again[:, unit] * p[:, unit + 1] + (1 - again[:, unit]) * otherwise[:, unit]
    counts = walked(np.zeros(p.shape, dtype=np.int64), again, otherwise, end, rng)
    while (more := stats.allocate(counts, **rule)).any():
        counts = stats.Counts(*(a + b for a, b in zip(counts, walked(more, again, otherwise, end, rng), strict=True)))
    return counts, p


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


def estimated(counts):
    """Estimates and intervals of shared counts."""
    again = counts.trials[:, :-1] - counts.left_trials
    return stats.difference_interval(
        counts.hits[:, 1:], counts.trials[:, 1:], counts.left_hits, counts.left_trials, again=again
    )


def anything(rng):
    """A unit is said again with any probability, and without it anything may be answered."""
    return rng.uniform(0, 1, (TRACES, BOUNDARIES - 1)), rng.uniform(0, 1, (TRACES, BOUNDARIES - 1)), 0.95


def rarely_again(rng):
    """Units are seldom said again, and matter a little."""
    return rng.uniform(0, 0.3, (TRACES, BOUNDARIES - 1)), drifting(rng)[:, 1:], 0.6


def undecided(rng):
    """Nothing matters, and half of the rollouts say each unit again."""
    return np.full((TRACES, BOUNDARIES - 1), 0.5), np.full((TRACES, BOUNDARIES - 1), 0.5), 0.5


@pytest.mark.parametrize("truth", [anything, rarely_again, undecided])
@pytest.mark.parametrize("rule", [{"half_width": 0.12}, {"budget": 300}])
def test_shared_rollouts_keep_the_coverage(truth, rule):
    counts, p = walk(*truth(np.random.default_rng(5)), 6, **rule)
    estimate, (low, high) = estimated(counts)
    assert 0.93 <= ((low <= np.diff(p)) & (np.diff(p) <= high)).mean() <= 0.97
    assert abs((estimate - np.diff(p)).mean()) < 0.005
    if "half_width" in rule:
        assert stats.half_widths(counts).max() <= 0.12


def test_units_that_are_nearly_always_said_again_are_covered_too_often_and_cost_hardly_anything():
    rng = np.random.default_rng(7)
    again, otherwise = rng.uniform(0.9, 1, (TRACES, BOUNDARIES - 1)), rng.uniform(0, 1, (TRACES, BOUNDARIES - 1))
    counts, p = walk(again, otherwise, 0.95, 8, half_width=0.1)
    _, (low, high) = estimated(counts)
    assert ((low <= np.diff(p)) & (np.diff(p) <= high)).mean() >= 0.95
    assert counts.started.sum(axis=1).mean() < 0.15 * 100 * BOUNDARIES


def test_sharing_reaches_the_widest_interval_of_a_fixed_number_with_less_than_half():
    """Where units come again in a fifth of the rollouts, and one of the first decides."""
    again, otherwise = np.full((200, 9), 0.2), np.full((200, 9), 0.995)
    again[:, 3], otherwise[:, :3], otherwise[:, 3] = 0.5, 0.5, 0.05
    rng = np.random.default_rng(9)
    _, p = walk(again, otherwise, 0.995, 0, budget=20)
    fixed = stats.half_widths(stats.Counts(rng.binomial(100, p), np.full(p.shape, 100))).max(axis=1)
    goal = float(np.median(fixed))
    counts, p = walk(again, otherwise, 0.995, 10, half_width=goal)
    assert stats.half_widths(counts).max() <= goal
    assert counts.started.sum(axis=1).mean() < 0.42 * 1000
    _, n, _ = sample(p, 11, half_width=goal)
    assert counts.started.sum() < 0.8 * n.sum()  # beside the same rule without sharing


def test_shared_rollouts_begin_where_they_reach_others():
    empty = np.zeros(7)
    first = stats.allocate(stats.Counts(empty, empty, empty[1:], empty[1:], empty), half_width=0.1)
    np.testing.assert_array_equal(first, [20, 0, 0, 0, 20, 0, 0])
    n = np.full(7, 40.0)
    certain = stats.Counts(n / 2, n, np.zeros(6), np.zeros(6), [40, 0, 0, 0, 0, 0, 0])
    assert stats.half_widths(certain).max() < 0.05  # nothing was left, so hardly anything can hang on it
    some = stats.Counts(n / 2, n, np.full(6, 1.0), np.full(6, 2.0), [40, 0, 0, 0, 0, 0, 0])
    more = stats.allocate(some, half_width=0.03)
    assert more[:3].sum() == more.sum() > 2 * more[1:].sum() > 0


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
    assert stats.half_widths(stats.Counts(k, n)).max() <= 0.135
    assert looks < 10
    assert n[:2].min() > 2 * n[4:].max()  # rollouts go where the answer is open
    assert n.sum() <= 0.5 * 100 * len(p)  # 100 at every boundary reach the same widest interval
    fixed = np.full(len(p), 100)
    assert stats.half_widths(stats.Counts(p * fixed, fixed)).max() > 0.13


def test_it_spends_its_budget_and_no_more():
    p = np.array([0.5, 0.5, 1.0, 1.0, 1.0, 1.0])
    _, n, _ = sample(p, 0, budget=400)
    assert 390 <= n.sum() <= 400
    assert n[:2].min() > 3 * n[3:].max()
    _, few, _ = sample(p, 0, budget=31)
    assert few.tolist() == [5] * 6
    _, n, _ = sample(p, 0, budget=100_000, half_width=0.2)
    assert n.sum() < 1000
    assert sample(p, 0, half_width=0.01, most=50)[1].max() == 50


def test_what_was_sampled_before_counts():
    k, n = np.array([30, 30, 60]), np.array([60, 60, 60])
    more = stats.allocate(stats.Counts(k, n), half_width=0.15)
    assert more.dtype == np.int64
    assert more[:2].min() > 0
    assert more[2] == 0
    assert not stats.allocate(stats.Counts(k, n), half_width=0.5).any()
    assert not stats.allocate(stats.Counts(k, n), budget=180).any()
    few = stats.Counts([0, 5, 0], [0, 5, 30])
    np.testing.assert_array_equal(stats.allocate(few, half_width=0.3), [20, 15, 0])
    np.testing.assert_array_equal(stats.allocate(few._replace(started=[0, 5, 60]), budget=70), [0, 0, 0])


def test_unsampled_units_are_as_wide_as_can_be():
    assert stats.half_widths(stats.Counts([0, 5, 5], [0, 10, 10])).tolist()[0] == 1


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
        stats.allocate(stats.Counts([0, 0, 0], [0, 0, 0]), **rule)


def test_counts_that_do_not_fit():
    with pytest.raises(InputError, match="2 or more boundaries"):
        stats.allocate(stats.Counts([1], [2]), half_width=0.1)
    with pytest.raises(InputError, match="known"):
        stats.allocate(stats.Counts([1, float("nan")], [2, 2]), half_width=0.1)
    with pytest.raises(InputError, match="left in each of 1 units"):
        stats.allocate(stats.Counts([1, 1], [2, 2], [1, 1], [2, 2]), half_width=0.1)
