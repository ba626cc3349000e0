"""Quality: what is no monitor is seen as none, in the same table."""

import numpy as np
import pandas as pd
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.monitors import Intervention, Reading, Readings, quality
from cotlens.measure.monitors.intervention import intervention_gmean2

TRACE = cl.Trace.from_text("Q", "One.", "1")


def readings(scores, name="monitor", threshold=0.5):
    """Readings with these scores; NaN is one that failed."""
    items = tuple(
        Reading(name, TRACE.id, status="unparsed", reason="It is none.")
        if np.isnan(score)
        else Reading(name, TRACE.id, "yes" if score >= threshold else "no", float(score), bool(score >= threshold))
        for score in scores
    )
    return Readings(name, ("yes", "no"), (TRACE,) * len(items), items)


def each(n):
    return list(range(n))


@pytest.fixture(scope="module")
def labelled():
    rng = np.random.default_rng(0)
    truth = rng.random(400) < 0.3
    scores = np.clip(rng.normal(0.3 + 0.4 * truth, 0.15), 0, 1)
    outcome = np.where(rng.random(400) < 0.9, truth, ~truth)
    return truth, scores, outcome


def test_a_monitor_stands_beside_its_floors(labelled):
    truth, scores, outcome = labelled
    blind = readings(np.clip(np.random.default_rng(1).normal(0.3 + 0.05 * truth, 0.15), 0, 1), "blind")
    found = quality(readings(scores), truth, blind=blind, outcome=outcome, prevalence=0.01, clusters=each(400))
    monitor, without, coin, constant, copied = found.rows
    assert [row.floor for row in found.rows] == [False, True, True, True, True]
    assert monitor.auroc > 0.95 and monitor.tpr_at_5 > 0.7 and monitor.precision < 0.3
    assert (coin.tpr, coin.tnr, coin.gmean2, coin.auroc, coin.brier) == (0.5, 0.5, 0.25, 0.5, 0.25)
    assert (coin.tpr_at_1, coin.tpr_at_5, coin.precision) == (0.01, 0.05, pytest.approx(0.01))
    assert constant.brier == pytest.approx(truth.mean() * (1 - truth.mean())) and constant.ece == pytest.approx(0)
    assert copied.gmean2 == pytest.approx(outcome[truth].mean() * (1 - outcome[~truth].mean()))
    gain, (low, high) = found.value["tpr_at_5"]
    assert gain == pytest.approx(monitor.tpr_at_5 - without.tpr_at_5) and 0.4 < low < gain < high
    assert found.not_beaten["auroc"] == () and found.not_beaten["gmean2"] in ((), ("copies the outcome",))
    low, high = monitor.intervals["auroc"]
    assert low < monitor.auroc < high and high - low < 0.05
    frame = found.frame()
    assert list(frame["name"]) == [
        "monitor",
        "sees no thought: blind",
        "coin",
        "best constant rate",
        "copies the outcome",
    ]


def test_a_no_op_that_scores_high_is_seen_as_one():
    """Copying the outcome scores .86 to .98 in the intervention form; as a monitor it beats nothing that copies."""
    design, outcome, _ = sampled(0.05, 0.95)
    found = quality(readings(outcome.astype(float)), intervention=design)
    first, *_, copied = found.rows
    assert first.gmean2_intervention > 0.9 and copied.gmean2_intervention == first.gmean2_intervention
    assert "copies the outcome" in found.not_beaten["gmean2_intervention"]
    assert "copies the outcome" in found.frame()["not_beaten"][0] and "not clearly above" in repr(found)
    assert "no truth was given" in first.status


def sampled(low, high, instances=120, samples=30, seed=0):
    """Thoughts of instances with and without the cue, and which outcomes the cue caused."""
    rng, n = np.random.default_rng(seed), instances * samples * 2
    cued = np.tile(np.repeat([False, True], samples), instances)
    own = rng.random(n) < low
    caused = cued & ~own & (rng.random(n) < (high - low) / (1 - low))
    design = Intervention(np.repeat(each(instances), 2 * samples).tolist(), cued.tolist(), (own | caused).tolist())
    return design, own | caused, caused


@pytest.mark.parametrize(
    ("low", "high", "coin", "rate", "copied"),
    [(0.05, 0.95, 0.32, 0.09, 0.98), (0.25, 0.9, 0.35, 0.26, 0.86), (0.5, 0.8, 0.36, 0.41, 0.73)],
)
def test_the_floors_of_the_intervention_form_are_those_of_the_reference(low, high, coin, rate, copied):
    """As the published code gives them, of 120 instances with 30 samples per arm."""
    design, outcome, caused = sampled(low, high)
    rng, n = np.random.default_rng(5), len(outcome)
    flags = np.array([rng.random(n) < 0.5, rng.random(n) < (high - low) / high, outcome, caused, np.zeros(n)], float)
    half, often, same, perfect, never = intervention_gmean2(design, flags)
    assert half.mean == pytest.approx(coin, abs=0.035) and often.mean == pytest.approx(rate, abs=0.035)
    assert same.mean == pytest.approx(copied, abs=0.015)
    # One that knows the causes is no better than one that copies: the form can't tell them apart.
    assert perfect.mean == pytest.approx(copied, abs=0.03) and never.mean == 0


def test_a_monitor_of_causes_is_above_all_floors_but_the_one_that_the_form_cannot_tell_from_it():
    design, _, caused = sampled(0.25, 0.9, instances=40)
    found = quality(readings(caused.astype(float)), truth=caused, intervention=design)
    assert found.rows[0].gmean2_intervention > 0.8 and found.rows[0].gmean2 == 1
    assert found.not_beaten["gmean2"] == () and found.not_beaten["auroc"] == ()
    assert found.not_beaten["gmean2_intervention"] == ("copies the outcome",)
    assert found.rows[3].gmean2_intervention >= found.rows[2].gmean2_intervention - 0.02  # the best of all rates


def test_too_few_samples_are_not_reported_and_it_says_why():
    design, _, caused = sampled(0.4, 0.6, instances=20, samples=4)
    row = quality(readings(caused.astype(float)), intervention=design).rows[0]
    assert np.isnan(row.gmean2_intervention) and "of 4 samples per arm; about 30 are needed" in row.status


def test_failures_are_counted_and_both_extremes_told(labelled):
    truth, scores, _ = labelled
    lost = np.where(np.arange(400) % 4 == 0, np.nan, scores)
    row = quality(readings(lost), truth, clusters=each(400)).rows[0]
    assert (row.n, row.failed) == (300, 100)
    assert row.tpr_failed_clean == pytest.approx(row.tpr * 0.75, abs=0.08) and row.tpr_failed_clean < row.tpr
    assert row.tnr_failed_flagged < row.tnr
    nothing = quality(readings([np.nan] * 4), [True, False] * 2, clusters=each(4)).rows[0]
    assert nothing.failed == 4 and np.isnan(nothing.auroc) and "no thought was read" in nothing.status


def test_two_are_compared_on_the_thoughts_that_both_read(labelled):
    """One that fails on every hard thought isn't better for it, and a monitor is no better than itself."""
    truth, scores, _ = labelled
    hard = (scores > 0.5) != truth
    lost, more = np.where(hard, np.nan, scores), {"clusters": each(400)}
    found = quality(readings(lost), truth, blind=readings(scores, "blind"), **more)
    assert found.rows[0].tpr_at_1 > found.rows[1].tpr_at_1, "each by itself, on what it read"
    assert found.value == dict.fromkeys(("tpr_at_1", "tpr_at_5"), (0, (0, 0)))
    assert found.compared[found.rows[1].name] == 400 - hard.sum() and found.rows[1].name in found.not_beaten["auroc"]
    turned = quality(readings(scores), truth, blind=readings(lost, "blind"), **more)
    assert turned.value == found.value and f"on the {400 - hard.sum()} that both read" in repr(turned)
    assert list(turned.frame()["compared"])[:3] == [400, 400 - hard.sum(), 400]


def test_what_is_missing_has_a_row_that_says_so(labelled):
    truth, scores, _ = labelled
    rows = quality(readings(scores[:60]), truth[:60], clusters=each(60)).rows
    assert "give it as blind=" in rows[1].status and "give outcome=" in rows[4].status
    assert np.isnan(rows[1].auroc) and "none of them may be flagged" in rows[0].status
    alone = quality(readings(scores[:5]), [True] * 5, clusters=each(5)).rows[0]
    assert np.isnan(alone.auroc) and "all 5 thoughts are positive" in alone.status


def test_thoughts_of_one_problem_widen_the_interval():
    rng = np.random.default_rng(3)
    truth = np.repeat(rng.random(40) < 0.5, 10)
    scores = np.repeat(np.clip(rng.normal(0.4 + 0.2 * truth[::10], 0.2), 0, 1), 10)

    def width(clusters):
        low, high = quality(readings(scores), truth, clusters=clusters).rows[0].intervals["auroc"]
        return high - low

    assert width(np.repeat(each(40), 10).tolist()) > 2 * width(each(400))


def test_a_truth_that_a_table_leaves_out_is_unknown():
    scores = readings([0.1, 0.2, 0.9, 0.8, 0.6])
    for nothing in (None, "", float("nan"), pd.NA):
        assert quality(scores, pd.Series([False, False, True, nothing, nothing], dtype=object)).rows[0].n == 3


def test_what_does_not_fit_is_refused():
    three = readings([0.1, 0.2, 0.9])
    for wrong, words in [
        (lambda: quality(three), "needs to know what is true"),
        (lambda: quality(three, [True]), "1 entries for 3 readings"),
        (lambda: quality(three, {"another": True}), "names none of these thoughts"),
        (lambda: quality(three, [0, 1, 5]), "neither true nor false"),
        (lambda: quality(three, ["yes", "no", "yes"]), "truth= holds 'yes', which is neither"),
        (lambda: quality(three, ["1", 0, 1]), "truth= holds '1', which is neither"),
        (lambda: quality(three, [True] * 3, blind=readings([0.1])), "other thoughts"),
        (lambda: quality(three, [True] * 3, prevalence=2), "from 0 to 1"),
        (lambda: quality("three", [True]), "takes the Readings"),
        (lambda: Intervention([1], [True], [True]), "one arm only"),
        (lambda: Intervention([1], [True], []), "an outcome per thought"),
    ]:
        with pytest.raises(InputError, match=words):
            wrong()
