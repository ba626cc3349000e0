"""Rollouts without an answer: what they might have changed, what is said of them, and how often a test then errs."""

import dataclasses

import numpy as np
import pytest

import cotlens as cl
from cotlens._core import control
from cotlens._core.control import Control, using
from cotlens.measure import stats
from cotlens.measure.importance.resampling import Resampling
from cotlens.measure.importance.sampled import effects, unread
from cotlens.measure.importance.sampled.arms import Arm
from cotlens.measure.importance.sampled.rollout_pool import DrawnRollout, RolloutPool
from cotlens.measure.stats import Interval
from tests.unit.measure.importance.test_sampled import drawn

PROBABILITY, KL = Resampling(), Resampling(metric="kl")
metrics = pytest.mark.parametrize("method", [PROBABILITY, KL], ids=["probability", "kl"])


def test_the_worst_case_is_the_widest_of_all_that_the_unread_may_have_answered():
    kept, without = drawn(["a"] * 14 + ["b"] * 2) + drawn([None] * 4, cut=True), drawn(["a"] * 3 + ["b"] * 14 + [None])
    found = effects.compare(PROBABILITY, kept, without, "a", 0)
    every = [stats.proportion_difference(14 + i, 20, 3 + j, 18) for i in range(5) for j in range(2)]
    assert found.low_worst == pytest.approx(min(each.interval.low for each in every))
    assert found.high_worst == pytest.approx(max(each.interval.high for each in every))
    assert found.p_value == pytest.approx(max(each.p_value for each in every))
    assert found.low_worst < found.low < found.estimate < found.high < found.high_worst
    assert (found.n_unread, found.n_cut) == (5, 4)


def test_where_some_answers_would_make_both_arms_alike_nothing_is_significant():
    kept, without = drawn(["a"] * 12), drawn(["b"] * 6) + drawn([None] * 6, cut=True)
    plain = effects.compare(PROBABILITY, kept, without[:6], "a", 0)
    assert plain.p_value < 0.001
    found = effects.compare(PROBABILITY, kept, without, "a", 0)
    assert found.p_value == pytest.approx(stats.proportion_difference(12, 12, 6, 12).p_value)
    assert effects.compare(PROBABILITY, kept, drawn(["b", None]), "a", 0).p_value > 0.1
    assert effects.compare(PROBABILITY, drawn(["a", None]), drawn(["b", None]), "a", 0).p_value == 1


def test_the_worst_kl_fills_the_unread_in_as_alike_and_as_different_as_they_can_be():
    kept, without = drawn(["a"] * 18 + ["b"] * 2), drawn(["b"] * 12) + drawn([None] * 8, cut=True)
    found = effects.compare(KL, kept, without, "a", 0)
    words = ["a", "b"]
    alike = stats.kl_floor([8, 12], [18, 2])[1]
    assert found.p_value == pytest.approx(alike, abs=0.01)
    assert found.low_worst < found.low
    assert found.high_worst > found.high
    assert unread.nearer(unread.tallied(without), unread.tallied(kept)) == (
        ["b"] * 12 + ["a"] * 8,
        ["a"] * 18 + ["b"] * 2,
    )
    assert stats.tally(["a"], words).tolist() == [1, 0]


@metrics
def test_the_status_says_how_many_are_unread_and_why(method):
    arms = drawn(["a"] * 9 + ["b"]) + drawn([None] * 2, cut=True) + drawn([None]), drawn(["b"] * 13)
    found = effects.compare(method, *arms, "a", 0)
    assert found.status == (
        "partly read: 3 of 13 rollouts with it gave no answer that could be read "
        "(2 cut off by the token limit, 1 in which none was found); beside it, the worst case"
    )
    few = effects.compare(method, drawn(["a"] * 39 + [None]), drawn(["b"] * 40), "a", 0)
    assert few.status == "ok"
    assert few.p_value < 0.001
    one = effects.compare(method, drawn(["a"]) + drawn([None] * 39, cut=True), drawn(["b"] * 40), "a", 0)
    assert np.isnan([one.estimate, one.low, one.high, one.p_value]).all()
    assert one.status.startswith("not measured: 39 of 40 rollouts with it")
    assert np.isfinite([one.low_worst, one.high_worst]).all()


def test_few_unread_are_told_where_the_conclusion_hangs_on_them():
    arm = unread.ArmAnswers(["a"] * 39, 1, 1), unread.ArmAnswers(["b"] * 40, 0, 0)
    assert unread.status(*arm, Interval(0.1, 0.5), Interval(0.05, 0.6)) == "ok"
    assert unread.status(*arm, Interval(0.1, 0.5), Interval(-0.01, 0.6)).startswith("partly read: 1 of 40")
    assert unread.status(*arm, Interval(0.1, 0.5), Interval(0.05, 0.6), "partly measured: x") == "partly measured: x"


@metrics
def test_no_effect_is_called_one_however_the_unread_are_chosen(method):
    """Both arms give the answer as often. In one, wrong answers take longer and are cut off: read alone, .5 is .7."""
    rng = np.random.default_rng(0)
    naive = honest = covered = 0
    repeats = 400 if method is PROBABILITY else 60
    for _ in range(repeats):
        right = rng.random((2, 40)) < 0.5
        lost = (rng.random(40) < 0.55) & ~right[0]
        kept = [None if gone else "ab"[not hit] for hit, gone in zip(right[0], lost, strict=True)]
        arms = drawn(kept, cut=True), drawn(["ab"[not hit] for hit in right[1]])
        found = effects.compare(method, *arms, "a", 0)
        honest += found.p_value <= 0.05
        covered += found.low_worst <= 0 <= found.high_worst
        naive += effects.compare(method, drawn([one for one in kept if one]), arms[1], "a", 0).p_value <= 0.05
    assert naive / repeats > 0.2
    assert honest / repeats <= 0.05
    assert covered / repeats >= 0.95


@metrics
def test_where_nothing_was_read_there_is_no_worst_case_of_answers(method):
    found = effects.compare(method, drawn([None] * 3), drawn([None] * 3), "a", 0)
    assert np.isnan(found.estimate) and found.status.startswith("not measured: 3 of 3")
    assert method.metric == "kl" or found.high_worst == pytest.approx(1)
    declared = Resampling(metric="kl", vocabulary=("a", "b"))
    assert np.isnan(effects.compare(declared, drawn([None] * 3), drawn([None] * 3), "a", 0).high_worst)


@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_shared_rollouts_keep_their_coverage_where_some_are_cut_off(effect):
    """A share says the unit again and counts in both arms; of the others, the wrong answers are cut off more often."""
    rng = np.random.default_rng(1)
    naive = called = covered = 0
    repeats, again_share, p_kept = 300, 0.4, 0.8
    truth = (1 - again_share) * effect
    for _ in range(repeats):
        again = rng.random(40) < again_share
        right = np.where(again, rng.random(40) < p_kept, rng.random(40) < p_kept - effect)
        lost = (rng.random(40) < 0.5) & ~right
        came = [None if gone else "ab"[not hit] for hit, gone in zip(right, lost, strict=True)]
        own = drawn(["ab"[not hit] for hit in rng.random(30) < p_kept])
        repeated = drawn([answer for answer, same in zip(came, again, strict=True) if same], cut=True)
        left = drawn([answer for answer, same in zip(came, again, strict=True) if not same], cut=True)
        found = effects.compare(PROBABILITY, own + repeated, left, "a", 0, again=repeated)
        covered += found.low_worst <= truth <= found.high_worst
        called += found.p_value <= 0.05
        naive += found.low <= truth <= found.high
    assert covered / repeats >= 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / repeats)
    assert called / repeats <= (0.05 if effect == 0 else 1)
    assert naive <= covered


def test_a_test_waits_for_rollouts_that_have_not_come():
    found = effects.compare(PROBABILITY, drawn(["a"] * 20), drawn(["b"] * 20), "a", 0, status="partly measured: half")
    assert found.estimate == 1
    assert np.isnan(found.p_value)


class Limited:
    """A model whose rollouts are cut off in their thought, but for those with an even number from token 2 on."""

    reader = cl.answers.Number()

    def rollouts(self, starts, *, on_rollout, **settings):
        whole = cl.Trace.from_text("q", "a b", "The answer is 12.")
        cut = dataclasses.replace(cl.Trace.from_text("q", "a b"), meta={"finish": "length"})
        for place, start in enumerate(starts):
            for index in start.indices:
                one = whole if start.at >= 2 and index % 2 == 0 else cut
                on_rollout(place, dataclasses.replace(one, meta={**one.meta, "sample": index, "stored": False}))
                self.told.append(None)
                control.current().report(len(self.told), 40, "rollouts")

    def __init__(self):
        self.told = []


def test_whoever_waits_hears_how_many_answers_were_read_and_what_to_do_about_it():
    trace = cl.Trace.from_text("q", "a b c", "12")
    heard = []
    samples = RolloutPool(Resampling(max_new_tokens=45), trace, Limited(), 0)
    with using(Control(lambda done, total, label: heard.append(label))):
        samples.draw({Arm(trace, 2): 8})
        assert heard[-1] == "rollouts, 4 of 8 answers read"
        assert samples.notes() == []
        samples.draw({Arm(trace, 1): 12})
    advice = "0 of 12 answers could be read from token 1; 12 were cut off at 45 tokens: give a larger max_new_tokens="
    assert samples.notes() == [advice]
    assert heard[-1] == f"rollouts, 4 of 20 answers read; {advice}"
    assert [one.cut for one in samples.of_arm(Arm(trace, 2))] == [False, True] * 4


def test_where_the_rollouts_end_but_cannot_be_read_another_reader_is_advised():
    silent = [DrawnRollout(None, None, 0)] * 12
    assert unread.without_answers(silent)
    assert not unread.without_answers(silent[:11])
    told = unread.advice(silent, 7, 3, 256, "boxed")
    assert told.startswith(
        "0 of 12 answers could be read from token 7 and 2 other places; the reader 'boxed' finds nothing"
    )
