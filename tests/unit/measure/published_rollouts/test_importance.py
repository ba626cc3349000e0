"""Published importances as results: signs, intervals, and what is not measured."""

import math

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure import stats
from tests.unit.measure.published_rollouts import published

NAN = float("nan")


@pytest.fixture
def rollouts(tmp_path):
    return cl.read_rollouts(published.write(tmp_path))


def test_resampling_is_the_difference_of_neighbouring_accuracies(rollouts):
    result = rollouts.importance("resampling_accuracy")
    table = result.columns
    np.testing.assert_array_equal(table["estimate"][:3], np.diff(published.ACCURACY))
    assert math.isnan(table["estimate"][3])
    assert table["status"].tolist()[:3] == ["ok"] * 3
    assert "no next sentence" in table["status"][3]
    expected = stats.proportion_difference([60, 95, 100], 100, [50, 60, 95], 100).interval
    np.testing.assert_allclose([table["low"][:3], table["high"][:3]], expected)
    assert table["n"].tolist() == [100, 100, 100, 0]
    assert table["significant"].tolist() == [False, True, True, False]
    np.testing.assert_array_equal(
        table["null_floor"][:3], stats.difference_floor([60, 95, 100], 100, [50, 60, 95], 100).p95
    )
    assert result.sign == "+ = the sentence raises p(correct answer '14')"
    assert (result.kind, result.unit, result.extras["edit_type"]) == ("importance", "sentence", "on-policy")
    assert result.provenance.trace_id == rollouts.trace.id


def test_counterfactual_has_two_signs_and_counts_its_dissimilar_rollouts(rollouts):
    ours, theirs = (
        rollouts.importance("counterfactual_accuracy", convention=each) for each in ("cotlens", "thought-anchors")
    )
    assert theirs.columns["estimate"].tolist()[::2] == [-0.2, -0.5]
    assert ours.columns["estimate"].tolist()[::2] == [0.2, 0.5]
    np.testing.assert_allclose(ours.columns["low"], -theirs.columns["high"])
    assert "raises" in ours.sign
    assert "lowers" in theirs.sign
    assert theirs.columns["n"].tolist() == [50, 0, 20, 0]
    # 0.6 - 0.2 of the 50 dissimilar were right, 60 of 100 with the sentence
    low, high = stats.proportion_difference(20, 50, 60, 100).interval
    assert (theirs.columns["low"][0], theirs.columns["high"][0]) == pytest.approx((low, high))
    assert "no dissimilar" in ours.columns["status"][1]


def test_other_columns_keep_their_sign(rollouts):
    for method in ("resampling_accuracy", "resampling_kl", "forced_accuracy", "counterfactual_kl"):
        both = [rollouts.importance(method, convention=each) for each in ("cotlens", "thought-anchors")]
        np.testing.assert_array_equal(both[0].columns["estimate"], both[1].columns["estimate"])


def test_kl_has_no_interval_and_large_ones_are_doubted(rollouts):
    result = rollouts.importance("resampling_kl")
    assert result.columns["estimate"].tolist()[:3] == [0.1, 7.5, 0.3]
    assert np.isnan(result.columns["low"]).all()
    assert [status.split(":")[0] for status in result.columns["status"]] == ["ok", "suspect", "ok", "not measured"]
    assert result.provenance.settings["alpha"] == 1e-9
    assert result.extras["signed"] is False


def test_forced_accuracy_gets_the_widest_interval_that_its_level_allows(rollouts):
    table = rollouts.importance("forced_accuracy").columns
    assert table["estimate"].tolist()[:3] == [0.0, 0.9, 0.1]
    # 0, 0.9, 0.1 sum to 1, so the level is known: 0, 0, 0.9, 1
    expected = stats.proportion_difference([0, 90, 100], 100, [0, 0, 90], 100).interval
    np.testing.assert_allclose([table["low"][:3], table["high"][:3]], expected)


def test_methods_have_their_published_names_too(rollouts):
    short = rollouts.importance("resampling").columns["estimate"]
    long = rollouts.importance("resampling_importance_accuracy").columns["estimate"]
    np.testing.assert_array_equal(short, long)
    with pytest.raises(InputError, match="Did you mean 'resampling_accuracy'"):
        rollouts.importance("resampling_acuracy")
    with pytest.raises(InputError, match="There is no convention 'ours'"):
        rollouts.importance("resampling", convention="ours")


def test_a_trace_with_another_answer_says_so(tmp_path):
    base = published.files()["base_solution"] | {"answer": "12", "is_correct": False}
    result = cl.read_rollouts(published.write(tmp_path, base_solution=base)).importance("resampling")
    assert result.sign == "+ = the sentence raises p(correct answer '14'); this trace answers '12'"


def test_columns_and_numbers_that_are_missing(tmp_path):
    table = published.rows(accuracy=[0.5, None, NAN, 1.0], resampling_importance_kl=[0.1, "x", None, 0.0])
    for row in table:
        del row["forced_importance_accuracy"], row["different_trajectories_fraction"]
    rollouts = cl.read_rollouts(published.write(tmp_path, chunks_labeled=table))
    resampling = rollouts.importance("resampling").columns
    assert np.isnan(resampling["estimate"]).all()
    assert [status.split(": ")[1] for status in resampling["status"]] == ["empty in the file"] * 3 + [
        "there is no next sentence"
    ]
    assert rollouts.importance("resampling_kl").columns["status"].tolist()[1] == "not measured: empty in the file"
    assert "is not known" in rollouts.importance("counterfactual_kl").columns["status"][1]
    with pytest.raises(InputError, match="has no column 'forced_importance_accuracy'"):
        rollouts.importance("forced_accuracy")
    assert rollouts.frame()["forced_importance_accuracy"].isna().all()


def test_without_accuracies_the_published_differences_have_no_interval(tmp_path):
    table = published.rows()
    for row in table:
        del row["accuracy"]
    result = cl.read_rollouts(published.write(tmp_path, chunks_labeled=table)).importance("resampling")
    np.testing.assert_array_equal(result.columns["estimate"][:3], np.diff(published.ACCURACY))
    assert np.isnan(result.columns["low"]).all()


def test_results_stand_alone(rollouts, tmp_path):
    for result in (rollouts.importance("counterfactual_accuracy"), rollouts.pairs()):
        result.save(tmp_path / "r.json")
        again = cl.load_result(tmp_path / "r.json")
        assert again.frame().equals(result.frame())
        assert repr(again.extras) == repr(result.extras)


def test_pairs_are_a_row_per_later_sentence(rollouts):
    result = rollouts.pairs()
    table = result.columns
    assert (result.kind, len(result)) == ("pairs", 6)
    assert list(zip(table["source"].tolist(), table["target"].tolist(), strict=True))[:4] == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 2),
    ]
    assert table["estimate"].tolist() == [0.5, -0.1, 0.0, 0.2, 0.1, -0.05]
    assert table["target_text"].tolist()[0] == published.CHUNKS[1]
    assert (table["low"] <= table["estimate"]).all() and (table["estimate"] <= table["high"]).all()
    assert table["low"][0] > 0  # 0.5 of 100 can't be noise at any level
    assert table["low"][1] < 0 < table["high"][1]


def test_matrices_by_order_of_other_problems_and_none(tmp_path):
    table = published.rows(chunk_idx=[0, 1, 5, 6])
    assert len(cl.read_rollouts(published.write(tmp_path / "a", chunks_labeled=table)).pairs()) == 6
    strange = published.pairs()
    strange[1]["source_chunk_text"] = "Another sentence."
    with pytest.raises(InputError, match="not of one problem"):
        cl.read_rollouts(published.write(tmp_path / "b", step_importance=strange)).pairs()
    with pytest.raises(InputError, match=r"has no step_importance\.json"):
        cl.read_rollouts(published.write(tmp_path / "c", step_importance=None)).pairs()
    with pytest.raises(InputError, match="not a sentence-to-sentence file"):
        cl.read_rollouts(published.write(tmp_path / "d", step_importance=[{"source": 1}])).pairs()
    with pytest.raises(InputError, match="no published matrix called 'attention'"):
        cl.read_rollouts(tmp_path / "a").pairs("attention")


def test_cells_that_are_missing_are_not_zero(tmp_path):
    holed = published.pairs()
    del holed[0]["target_impacts"][1]
    holed[1]["target_impacts"][0]["importance_score"] = None
    table = cl.read_rollouts(published.write(tmp_path, step_importance=holed)).pairs().columns
    assert np.isnan(table["estimate"]).tolist() == [False, True, False, True, False, False]
    assert table["n"].tolist() == [100, 0, 100, 0, 100, 100]
    assert "not measured" in table["status"][1]
