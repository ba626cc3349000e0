"""`cl.compare`: agreement of measures, where they disagree, and what each is evidence of."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure import stats
from cotlens.measure.evidence import evidence
from cotlens.results import Provenance, Result

NAN = float("nan")
SCORES = [0.9, -0.1, 0.3, 0.05, -0.4, 0.2, 0.0, 0.6]
MORE = [*SCORES, 0.7, -0.3, 0.15]


def result(estimates=SCORES, method="Resampling", edit_type="on-policy", trace="t", unit="sentence", **parts):
    count = len(estimates)
    columns = {
        "start": range(count),
        "end": range(1, count + 1),
        "text": [f"sentence {i}." for i in range(count)],
        "estimate": estimates,
        "low": [NAN] * count,
        "high": [NAN] * count,
        "n": [0 if np.isnan(each) else 100 for each in estimates],
        "status": ["not measured" if np.isnan(each) else "ok" for each in estimates],
    }
    given = {
        "kind": "importance",
        "method": method,
        "metric": "accuracy",
        "unit": unit,
        "columns": columns,
        "sign": "+ = supports",
        "zero": "nothing",
        "scale_unit": "proportion",
        "provenance": Provenance(method, settings=parts.pop("settings", {}), trace_id=trace),
        "extras": {"edit_type": edit_type, **parts.pop("extras", {})},
    }
    return Result(**given | parts)


def test_measures_stand_side_by_side_with_their_ranks():
    other = [*SCORES[:-2], NAN, -0.9]
    comparison = cl.compare([result(), result(other, "Occlusion", "attention-level")])
    frame = comparison.frame()
    assert (comparison.kind, comparison.unit) == ("comparison", "sentence")
    assert frame["score 1"].tolist() == SCORES
    assert frame["rank 1"].tolist()[:2] == [0, pytest.approx(6 / 7)]
    assert frame["rank 2"].tolist()[-1] == 1
    assert np.isnan(frame["estimate"][6])
    assert frame["status"][6].startswith("not compared")
    assert comparison.extras["disagree"][0] == 7
    assert frame["estimate"][7] == pytest.approx(1 - 1 / 7)


def test_correlations_are_of_what_both_measured_and_have_intervals():
    other = [0.5, -0.3, 0.4, NAN, -0.1, 0.1, 0.2, 0.3, 0.6, 0.1, -0.2]
    extras = cl.compare([result(MORE), result(other, "Occlusion")], seed=1).extras
    assert extras["spearman"][0, 1] == extras["spearman"][1, 0] == stats.spearman(MORE, other)
    assert extras["kendall"][0, 1] == pytest.approx(stats.kendall(MORE, other))
    assert extras["correlation_status"] == [["ok", "ok"], ["ok", "ok"]]
    assert extras["spearman"][0, 0] == pytest.approx(1)
    assert extras["spearman_low"][0, 1] < extras["spearman"][0, 1] < extras["spearman_high"][0, 1]
    again = cl.compare([result(MORE), result(other, "Occlusion")], seed=1).extras
    np.testing.assert_array_equal(extras["kendall_low"], again["kendall_low"])


@pytest.mark.parametrize("count", [3, 5, 6, 7])
def test_few_units_are_not_correlated(count):
    """Draws of 5 or 6 units gave intervals without any width."""
    rows = result(SCORES[:count]), result([each / 2 for each in SCORES[:count]], "Occlusion")
    extras = cl.compare(rows).extras
    for kind in ("spearman", "kendall"):
        for end in ("", "_low", "_high"):
            assert np.isnan(extras[f"{kind}{end}"]).all()
    told = f"not compared: both measures have {count} units, and a rank correlation needs 8"
    assert extras["correlation_status"] == [[told] * 2] * 2
    assert np.isnan(extras["measures"][0]["rho_position"])


def test_no_interval_of_a_correlation_is_without_width():
    perfect = cl.compare([result(), result([each / 2 for each in SCORES], "Occlusion")]).extras
    assert perfect["spearman"][0, 1] == 1 == perfect["spearman_high"][0, 1]
    assert perfect["spearman_low"][0, 1] < 0.95
    flat = cl.compare([result(), result([0.5] * 8, "Occlusion")]).extras
    assert np.isnan(flat["spearman"][0, 1])
    assert flat["correlation_status"][0][1] == "not compared: one of the two gives every unit the same score"


def test_measures_without_a_sign_are_compared_by_size():
    sizes = result(np.abs(SCORES).tolist(), "Suppression", "attention-level", extras={"signed": False})
    comparison = cl.compare([result(), sizes])
    assert comparison.extras["spearman"][0, 1] == pytest.approx(1)
    assert comparison.columns["estimate"].max() == 0


def test_it_says_which_are_evidence_of_causation():
    kinds = {
        "on-policy": "yes",
        "resampled": "yes",
        "off-policy": "of the edit",
        "truncated thought, forced answer": "of the edit",
        "teacher-forced": "no",
        "attention-level": "no",
        "attention-level, observed": "no",
        "activation-level": "no",
        "first-order estimate": "no",
        "": "no",
    }
    assert {kind: evidence(kind).causal for kind in kinds} == kinds
    assert evidence("attention-level").why != evidence("attention-level, observed").why
    measures = cl.compare([result(), result(method="Gradient", edit_type="first-order estimate")]).extras["measures"]
    assert [each["causal"] for each in measures] == ["yes", "no"]
    assert all(each["why"] for each in measures)
    assert measures[0]["rho_position"] == stats.position_baseline(SCORES).rho


def test_an_edit_that_is_scored_and_not_written_on_is_no_evidence():
    assert evidence("resampled, then teacher-forced: the rest of the thought held fixed").causal == "no"


def test_measures_of_one_name_are_told_apart():
    direct, total = (
        result(method="Occlusion", settings={"unit": "sentence", "effect": each}) for each in ("direct", "total")
    )
    labels = [each["label"] for each in cl.compare([direct, total, result(), total]).extras["measures"]]
    assert labels[:3] == [
        "Occlusion (accuracy), effect=direct",
        "Occlusion (accuracy), effect=total",
        "Resampling (accuracy)",
    ]
    twice = [each["label"] for each in cl.compare([total, total]).extras["measures"]]
    assert twice == ["Occlusion (accuracy), run 1", "Occlusion (accuracy), run 2"]


def test_only_units_that_all_have_are_compared():
    comparison = cl.compare([result(), result(SCORES[:5], "Occlusion")])
    assert len(comparison) == 5


def test_a_comparison_is_saved_like_any_result(tmp_path):
    comparison = cl.compare([result(), result(SCORES[::-1], "Occlusion")])
    comparison.save(tmp_path / "c.json")
    again = cl.load_result(tmp_path / "c.json")
    assert again.frame().equals(comparison.frame())
    np.testing.assert_array_equal(again.extras["spearman"], comparison.extras["spearman"])


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([result()], "needs two results"),
        (result(), "in one list"),
        ([result(), "x"], "a str was given"),
        ([result(), result(trace="other")], "different traces \\(t, other\\)"),
        ([result(), result(unit="token")], "different units \\(sentence, token\\)"),
        ([result(), result(kind="pairs")], "one is of kind 'pairs'"),
        ([result(), result(SCORES[:2])], "2 sentences in common"),
    ],
)
def test_what_can_not_be_compared(results, message):
    with pytest.raises(InputError, match=message):
        cl.compare(results)


@pytest.mark.parametrize(
    "given",
    [{"seed": -1}, {"seed": 1.0}, {"seed": True}, {"repeats": 0}, {"repeats": 1}, {"repeats": 1.5}, {"repeats": True}],
)
def test_a_bootstrap_that_cannot_be_is_refused(given):
    with pytest.raises(InputError, match=next(iter(given))):
        cl.compare([result(), result()], **given)


@pytest.mark.parametrize("heads", [5, ((1,),), (("a", "b"),), ((1.5, 0),), ((True, 0),), ((1, 1), (1, 1))])
def test_heads_that_are_none_are_refused(heads):
    with pytest.raises(InputError, match="heads"):
        cl.importance.ReceiverHeads(heads=heads)


def test_a_vocabulary_is_of_answers():
    with pytest.raises(InputError, match="vocabulary"):
        cl.importance.Resampling(vocabulary=5)
    assert cl.importance.Resampling(vocabulary=(7, "9")).vocabulary == ("7", "9")
