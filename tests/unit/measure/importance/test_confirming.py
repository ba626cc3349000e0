"""Units drawn again: which, and that their second estimate is not inflated."""

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure import stats
from cotlens.measure.importance.resampling import Resampling
from cotlens.measure.importance.resilience import Resilience
from cotlens.measure.importance.sampled.confirming import Confirmation
from cotlens.measure.importance.sampled.effects import Effect

N, JUMP = 30, 0.25


def effect(rng, jump):
    hits = rng.binomial(N, 0.4 + jump), rng.binomial(N, 0.4)
    found = stats.proportion_difference(hits[0], N, hits[1], N)
    return Effect(found.estimate, *found.interval, p_value=found.p_value, n=N, status="ok")


def test_what_was_chosen_by_its_size_is_too_large_and_its_second_estimate_is_not():
    """True jumps of .25, alone among twenty units: of those called significant the first estimates average .4."""
    rng = np.random.default_rng(0)
    first, second = [], []
    for _ in range(400):
        jumps = [JUMP, *[0.0] * 19]
        effects = [effect(rng, jump) for jump in jumps]
        confirmation = Confirmation(Resampling(n=N, confirm=True), 20)
        confirmation.run(effects, lambda rows, jumps=jumps: [effect(rng, jumps[row]) for row in rows])
        columns = confirmation.columns()
        if np.isfinite(columns["confirmed"][0]):
            first.append(effects[0].estimate)
            second.append((columns["confirmed"][0], columns["confirmed_low"][0], columns["confirmed_high"][0]))
    assert len(first) > 30
    assert np.mean(first) > JUMP + 0.12
    again, low, high = np.array(second).T
    assert np.mean(again) == pytest.approx(JUMP, abs=2.5 * np.sqrt(0.47 / N / len(first)))
    assert ((low <= JUMP) & (high >= JUMP)).mean() > 0.85


def test_a_number_takes_the_largest_and_true_the_significant():
    effects = [Effect(each, p_value=p) for each, p in ((0.1, 0.5), (-0.6, 0.001), (0.3, 0.2), (float("nan"), np.nan))]
    assert Confirmation(Resampling(confirm=2), 4).chosen(effects) == [1, 2]
    assert Confirmation(Resampling(confirm=9), 4).chosen(effects) == [0, 1, 2]
    assert Confirmation(Resampling(confirm=True), 4).chosen(effects) == [1]
    assert Confirmation(Resampling(), 4).columns() == {}


def test_units_that_were_not_drawn_again_have_no_second_estimate():
    confirmation = Confirmation(Resampling(confirm=1), 2)
    confirmation.run(
        [Effect(0.1, p_value=1), Effect(0.5, p_value=0)], lambda rows: [Effect(0.2, 0.1, 0.3, n=30, status="ok")]
    )
    columns = confirmation.columns()
    assert np.isnan(columns["confirmed"][0])
    assert columns["confirmed"][1] == 0.2
    assert columns["confirmed_n"].tolist() == [0, 30]
    assert columns["confirmed_status"] == ["not drawn again", "ok"]


def test_its_rollouts_are_counted_in_the_cost_and_asked_about():
    assert Resampling(n=20, confirm=True).confirming(5, 4) == 100
    assert Resampling(n=20, confirm=1).confirming(5, 4) == 40
    assert Resampling(n=20, confirm=3).confirming(5, 4) == 100
    assert Resilience(n=20, confirm=2).confirming(22 * 4, 4) == 2 * 22 * 20
    assert Resampling(budget=400, confirm=True).with_fixed_n(5).n == 80
    assert Resampling(n=20).confirming(5, 4) == 0
    with pytest.raises(InputError, match="no test for rounds"):
        Resilience(confirm=True)
    Resilience(confirm=True, metric="probability")
