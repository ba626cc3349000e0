"""The difference of two proportions of the same items, and that its interval covers."""

import math

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure.stats.paired import paired_difference


def test_one_case_worked_out_by_hand():
    # 20 pairs: both 10, first only 6, second only 1, neither 3; Wilson limits .5840-.9193 and .3421-.7418,
    # phi = (10*3 - 6*1 - 20/2) / sqrt(16*4*11*9) = 14 / 79.60
    a, b = [True] * 16 + [False] * 4, [True] * 10 + [False] * 6 + [True] + [False] * 3
    estimate, (low, high) = paired_difference(a, b)
    phi, p, q = 14 / math.sqrt(16 * 4 * 11 * 9), 0.8, 0.55
    below = math.sqrt((p - 0.58398) ** 2 - 2 * phi * (p - 0.58398) * (0.74180 - q) + (0.74180 - q) ** 2)
    above = math.sqrt((0.91933 - p) ** 2 - 2 * phi * (0.91933 - p) * (q - 0.34208) + (q - 0.34208) ** 2)
    assert estimate == pytest.approx(0.25)
    assert (low, high) == pytest.approx((0.25 - below, 0.25 + above), abs=1e-3)


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
