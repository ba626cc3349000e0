"""The figures of the truth table: rankings by hand, ties, and what was not measured."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.truth.figures import auroc, average_precision, difference, mean


def of(function, scores, labels):
    return function(np.array(scores, dtype=float), np.array(labels, dtype=bool))


def test_a_perfect_ranking():
    assert of(auroc, [3, 1, 2, 0], [1, 0, 1, 0]) == 1.0
    assert of(average_precision, [3, 1, 2, 0], [1, 0, 1, 0]) == 1.0


def test_a_ranking_by_hand():
    scores, labels = [0.9, 0.8, 0.7, 0.6], [0, 1, 0, 1]
    assert of(auroc, scores, labels) == pytest.approx(1 / 4)
    assert of(average_precision, scores, labels) == pytest.approx((1 / 2 + 2 / 4) / 2)


def test_ties_count_half():
    assert of(auroc, [1, 1, 1], [1, 0, 0]) == 0.5
    assert of(average_precision, [1, 1, 1, 1], [1, 0, 0, 0]) == pytest.approx(1 / 4)


def test_one_class_alone_has_no_ranking():
    assert math.isnan(of(auroc, [1, 2], [0, 0]))
    assert math.isnan(of(auroc, [1, 2], [1, 1]))
    assert math.isnan(of(average_precision, [1, 2], [0, 0]))
    assert math.isnan(of(average_precision, [1, 2], [1, 1]))


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40))
def test_auroc_counts_pairs(rows):
    scores, labels = zip(*rows, strict=True)
    pairs = [(a > b) + 0.5 * (a == b) for a, x in rows if x for b, y in rows if not y]
    if pairs:
        assert of(auroc, scores, labels) == pytest.approx(sum(pairs) / len(pairs))
        assert of(auroc, [-s for s in scores], labels) == pytest.approx(1 - sum(pairs) / len(pairs))


@given(st.permutations(range(12)), st.lists(st.booleans(), min_size=12, max_size=12))
def test_average_precision_without_ties(order, labels):
    ranked = sorted(zip(order, labels, strict=True), reverse=True)
    precisions = [sum(x for _, x in ranked[: i + 1]) / (i + 1) for i, (_, x) in enumerate(ranked) if x]
    if 0 < len(precisions) < len(order):
        assert of(average_precision, order, labels) == pytest.approx(np.mean(precisions))


def test_values_that_are_all_alike_do_not_make_an_interval_without_width():
    figure = mean([1.0] * 8)
    assert (figure.value, figure.high, figure.n) == (1, 1, 8)
    assert figure.low == pytest.approx(0.025 ** (1 / 8))
    assert mean([0.0] * 5, bounds=(-1, 1)).low < -0.5
    assert mean([1.0, 1.0]).low == pytest.approx(0.025 ** (1 / 2))


def test_means_leave_out_what_was_not_measured():
    figure = mean([1.0, float("nan"), 0.0, 1.0, 0.0])
    assert figure.value == 0.5
    assert figure.n == 4
    assert figure.low < 0.5 < figure.high
    assert mean([float("nan")]).n == 0
    assert figure == mean([1.0, 0.0, 1.0, 0.0])


@pytest.mark.parametrize("n", [8, 30, 110])
def test_thoughts_that_are_all_alike_do_not_claim_perfection(n):
    """Of n perfect thoughts: the rule of three, at 97.5 % on one side."""
    perfect, never = mean([1.0] * n), mean([0.0] * n)
    assert (perfect.low, perfect.high) == pytest.approx((0.025 ** (1 / n), 1.0))
    assert (never.low, never.high) == pytest.approx((0.0, 1 - 0.025 ** (1 / n)))
    assert difference([0.0] * n).low < 0 < difference([0.0] * n).high


def test_a_rare_failure_is_not_drawn_away():
    """One bad thought in a hundred: drawing thoughts again would end above .96, though 1 in 20 may be bad."""
    assert mean([1.0] * 99 + [0.0]).low < 0.96
    assert difference([0.0] * 98 + [0.5] * 2).low < 0


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_intervals_cover(share):
    drawn = np.random.default_rng(0).random((60, 100)) < share
    found = [mean(row.astype(float)) for row in drawn]
    assert np.mean([one.low <= share <= one.high for one in found]) >= 0.9


def test_noise_is_half_the_interval_and_never_nothing():
    assert mean([0.5] * 40 + [0.501] * 60).noise == 0.01
    assert mean([1.0, 0.0, 1.0, 0.0]).noise == pytest.approx((mean([1, 0, 1, 0]).high - mean([1, 0, 1, 0]).low) / 2)
