import math
from dataclasses import replace

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import Target
from cotlens.measure.steering import Sweep, Vector
from cotlens.measure.steering.cells import SweepCell, SweepQuestion, _changed, damaged, summary, worst
from cotlens.trace import Trace

VECTOR = Vector("v", 0, np.ones(4), 1.0)


def cell(name, clusters):
    made = SweepCell()
    for values in clusters:
        made.add({name: values})
    return made


def test_a_share_without_variation_keeps_wilsons_interval():
    mean, interval = summary(cell("changed", [[0.0] * 20]), "changed", 0)
    assert mean == 0 and interval.low == 0
    assert interval.high == pytest.approx(0.1611, abs=1e-3)


def test_values_that_are_all_alike_leave_open_what_so_many_leave():
    """Drawn again they are the same, and gave an interval of no width."""
    mean, interval = summary(cell("probability", [[1.0] * 8]), "probability", 0)
    assert (mean, interval.high) == (1, 1)
    assert interval.low == pytest.approx(0.025 ** (1 / 8))
    mean, interval = summary(cell("perplexity", [[math.log(2)] * 8]), "perplexity", 0)
    assert mean == pytest.approx(2)
    assert np.isnan(interval).all()


def test_the_worst_case_of_rollouts_that_were_cut_off_is_either_way():
    lacking = cell("changed", [[1.0] * 6 + [math.nan] * 2])
    low, high = worst(lacking, "changed", 0)
    assert low == pytest.approx(summary(cell("changed", [[1.0] * 6 + [0.0] * 2]), "changed", 0)[1].low)
    assert high == summary(cell("changed", [[1.0] * 8]), "changed", 0)[1].high
    assert low < summary(lacking, "changed", 0)[1].low


def test_an_answer_that_was_cut_off_is_not_a_changed_one():
    read = {"reader": cl.answers.Number()}
    trace = replace(cl.Trace.from_text("q", "a b", "The answer is 12."), **read)
    question = SweepQuestion(trace, 0, range(1), Target("12", "12"))
    silent = replace(cl.Trace.from_text("q", "a b"), **read)
    assert _changed(question, trace) == 0
    assert _changed(question, silent) == 1
    assert math.isnan(_changed(question, replace(silent, meta={"finish": "length"})))


def test_a_rollout_is_read_against_the_unsteered_one_with_the_same_random_numbers():
    """By the rule of the verdict: twice as perplexing, or no end where that one has one."""
    own, found = SweepCell(), SweepCell()
    own.add({"changed": [0.0] * 4, "perplexity": [0.1, 0.1, 1.0, 0.1], "finished": [1.0, 1.0, 1.0, 0.0]})
    found.add({"changed": [0.0] * 2, "perplexity": [0.75, 0.85], "finished": [1.0, 1.0]})
    found.add({"changed": [0.0] * 2, "perplexity": [1.1, 0.1], "finished": [0.0, 0.0]})
    assert damaged(found, own).tolist() == [False, True, True, False]
    assert not damaged(own, own).any() and damaged(SweepCell(), own).size == 0


def test_traces_that_differ_widen_the_interval():
    together = summary(cell("metric", [[0.0, 1.0] * 20]), "metric", 0)[1]
    apart = summary(cell("metric", [[0.0] * 20, [1.0] * 20]), "metric", 0)[1]
    assert apart.high - apart.low > 1.5 * (together.high - together.low)


def test_the_interval_covers_the_mean_of_what_was_drawn():
    rng, hits = np.random.default_rng(0), 0
    for i in range(100):
        clusters = [(rng.normal() + rng.normal(size=6)).tolist() for _ in range(20)]
        interval = summary(cell("metric", clusters), "metric", i)[1]
        hits += interval.low <= 0 <= interval.high
    assert hits >= 85


def test_perplexity_is_averaged_as_logarithms():
    mean, interval = summary(cell("perplexity", [[math.log(2), math.log(8)]]), "perplexity", 0)
    assert mean == pytest.approx(4) and interval.low == pytest.approx(2) and interval.high == pytest.approx(8)


def test_nothing_measured_is_nan():
    for clusters in ([], [[math.nan, math.nan]]):
        mean, interval = summary(cell("metric", clusters), "metric", 0)
        assert math.isnan(mean) and math.isnan(interval.low)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"coefficients": ()}, "at least one"),
        ({"coefficients": (math.nan,)}, "finite"),
        ({"seeds": 0}, "at least 1"),
        ({"metric": "chanced"}, "'changed'"),
    ],
)
def test_settings_that_can_not_be_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        Sweep(vector=VECTOR, **settings)


def test_every_cell_has_a_price():
    trace = Trace.from_text("q", "one two three", "four")
    one = Sweep(vector=VECTOR, coefficients=(1.0,), controls=0).cost(trace)
    more = Sweep(vector=VECTOR, coefficients=(1.0, 2.0)).cost([trace, trace])
    assert more.tokens == 5 * one.tokens  # 5 cells instead of 2, two traces


def test_the_controls_rollouts_are_shared_out_over_directions():
    trace = Trace.from_text("q", "one two three", "four")
    from cotlens.measure.steering.cells import SweepQuestion

    asked = SweepQuestion(trace, 1, range(6), None)
    sweep = Sweep(vector=VECTOR, seeds=6, controls=4)
    clusters = sweep._clusters([asked], VECTOR, "random", 0)
    assert [one.indices for one, _ in clusters] == [range(1), range(1, 3), range(3, 4), range(4, 6)]
    assert len({vector.name for _, vector in clusters}) == 4
    clusters = sweep._clusters([asked] * 8, VECTOR, "random", 0)
    assert all(one.indices == range(6) for one, _ in clusters)
    assert len({vector.name for _, vector in clusters}) == 4
