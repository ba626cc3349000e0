"""The difference of two proportions of the same items, and that its interval covers."""

import math

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure.stats import modified_wilson
from cotlens.measure.stats.paired import above, paired_difference, score_interval


def test_one_published_and_two_worked_out_by_hand():
    # Bentur et al. 2009, by Fagerland, Lydersen and Laake 2014: both 1, first alone 1, second alone 7, neither 12.
    a, b = [True] * 2 + [False] * 19, [True] + [False] + [True] * 7 + [False] * 12
    estimate, (low, high) = paired_difference(a, b)
    assert estimate == pytest.approx(-6 / 21) and (low, high) == pytest.approx((-0.517, -0.026), abs=5e-4)
    # Without any pair that differs, n d = z^2 (1 - d) at the ends; where all do, the low end is Wilson's of one share.
    square = 1.959964**2
    assert score_interval(0, 0, 40) == pytest.approx((-square / (40 + square), square / (40 + square)))
    assert score_interval(40, 0, 40) == pytest.approx((1 - 2 * square / (40 + square), 1.0))
    assert score_interval(3, 9, 40) == pytest.approx([-end for end in score_interval(9, 3, 40)[::-1]])


def test_ends_near_one_are_those_of_a_share():
    assert score_interval(38, 0, 40).high == modified_wilson(38, 40).high > above(38, 0, 40, 1.96)
    # Two pairs that have the second alone take off twice what two take off that are alike.
    assert score_interval(38, 2, 40).high == pytest.approx(1 - 2 * (1 - modified_wilson(38, 40).high))
    assert score_interval(36, 0, 40).high == pytest.approx(above(36, 0, 40, 1.959964))


def test_it_covers():
    rng, covered = np.random.default_rng(0), []
    for p, q, together in ((0.9, 0.2, 0.5), (0.5, 0.4, 0.8), (0.6, 0.6, 0.0)):
        for _ in range(700):
            shared, u, v = rng.random((3, 40))
            u, v = (np.where(rng.random(40) < together, shared, each) for each in (u, v))
            low, high = paired_difference(u < p, v < q)[1]
            covered.append(low <= p - q <= high)
    assert 0.93 <= np.mean(covered) <= 0.99


def test_no_pairs_have_no_difference():
    assert math.isnan(paired_difference([], [])[0])
    with pytest.raises(InputError, match="two flags per item"):
        paired_difference([True], [])
