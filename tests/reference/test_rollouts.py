"""Published Thought Anchors rollouts: every number agrees with the files, and with what is known of them."""

import json

import numpy as np
import pytest

import cotlens as cl
from cotlens.measure import stats
from tests.unit.trace.bytecodec import rollout_folder

PROBLEMS = {
    "correct_base_solution/problem_2238": (60, "120", "120", {23}),
    "correct_base_solution/problem_330": (139, "88572", "88572", set()),
    "incorrect_base_solution/problem_2189": (60, "588", "420", {32, 36, 44, 45, 46}),
}
DISSIMILAR = {"2238": 50, "330": 111, "2189": 42}
MEANS = {"2238": 0.002553, "330": 0.001996, "2189": 0.002278}

FOLDER = rollout_folder()
pytestmark = pytest.mark.skipif(FOLDER is None, reason="the published rollouts are not beside the repository")


@pytest.fixture(scope="module", params=PROBLEMS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def rollouts(name):
    return cl.read_rollouts(FOLDER / name)


@pytest.fixture(scope="module")
def rows(name):
    return json.loads((FOLDER / name / "chunks_labeled.json").read_text(encoding="utf-8"))


def number(name):
    return name.rsplit("_", 1)[1]


def published(rows, column):
    return np.array([row[column] for row in rows])


def test_the_trace_and_its_sentences(name, rollouts, rows):
    count, target, answer, _ = PROBLEMS[name]
    base = json.loads((FOLDER / name / "base_solution.json").read_text(encoding="utf-8"))
    assert rollouts.trace.text == base["full_cot"]
    assert len(rollouts) == count
    assert (rollouts.target, rollouts.answer, rollouts.trace.read_answer().text) == (target, answer, answer)
    assert list(rollouts.spans) == rollouts.trace.spans("sentence")
    for span, row in zip(rollouts.spans, rows, strict=True):
        assert rollouts.trace.text[span.char_start : span.char_end].split() == row["chunk"].split()


def test_accuracies_reproduce_the_published_importance_bit_for_bit(rollouts, rows):
    given = published(rows, "resampling_importance_accuracy")
    np.testing.assert_array_equal(rollouts.frame()["accuracy"].diff().shift(-1)[:-1], given[:-1])
    for convention in ("cotlens", "thought-anchors"):
        result = rollouts.importance("resampling_accuracy", convention=convention)
        np.testing.assert_array_equal(result.columns["estimate"][:-1], given[:-1])
        assert np.isnan(result.columns["estimate"][-1])


def test_the_denominators_are_those_of_a_hundred_rollouts(rollouts, rows):
    assert rollouts.rollouts == 100
    sizes = rollouts.sizes
    assert ((sizes.most >= 94) & (sizes.most <= 100)).all()
    assert (sizes.n <= sizes.most).all()
    assert sizes.known.mean() > 0.6
    hits = published(rows, "accuracy") * rollouts.n
    np.testing.assert_allclose(hits, np.rint(hits), atol=1e-9)


def test_counterfactuals_are_measured_where_something_dissimilar_was_sampled(name, rollouts, rows):
    result = rollouts.importance("counterfactual_accuracy", convention="thought-anchors").columns
    known = ~np.isnan(result["estimate"])
    assert known.sum() == DISSIMILAR[number(name)]
    np.testing.assert_array_equal(
        result["estimate"][known], published(rows, "counterfactual_importance_accuracy")[known]
    )
    n = result["n"][known]
    share = (result["estimate"] + np.append(published(rows, "accuracy")[1:], np.nan))[known]
    np.testing.assert_allclose(share * n, np.rint(share * n), atol=1e-6)  # acc(dissimilar) is a fraction of n
    assert (result["low"][known] <= result["estimate"][known] + 1e-12).all()
    assert (result["high"][known] >= result["estimate"][known] - 1e-12).all()


def test_the_known_anchors_and_nothing_else_are_significant(name, rollouts):
    result = rollouts.importance("resampling_accuracy").columns
    expected = PROBLEMS[name][3]
    assert set(np.flatnonzero(result["significant"]).tolist()) == expected
    assert all(result["low"][row] * result["high"][row] > 0 for row in expected)


def test_z_scores_beyond_1_96_are_as_many_as_counted(name, rollouts):
    z = {"2238": 4, "330": 3, "2189": 8}[number(name)]
    p_values = rollouts.importance("resampling_accuracy").columns["p_value"]
    assert (p_values[:-1] <= 0.05).sum() == pytest.approx(z, abs=1)


def test_smoothing_artefacts_are_marked(name, rollouts, rows):
    table = rollouts.importance("forced_kl").columns
    large = published(rows, "forced_importance_kl") > 5
    assert [status.startswith("suspect") for status in table["status"]] == large.tolist()
    if number(name) == "2189":
        assert large.sum() == 20


def test_forced_accuracy_is_known_up_to_a_constant(rollouts):
    table = rollouts.importance("forced_accuracy").columns
    known = ~np.isnan(table["estimate"])
    total = np.concatenate(([0], np.cumsum(table["estimate"][known])))
    assert total.max() - total.min() <= 1 + 1e-9
    assert (table["low"][known] <= table["estimate"][known]).all()
    assert (table["high"][known] >= table["estimate"][known]).all()


def test_the_sentence_to_sentence_file_is_a_pair_matrix(name, rollouts):
    result = rollouts.pairs()
    table, count = result.columns, len(rollouts)
    assert len(result) == count * (count - 1) // 2
    assert table["estimate"].sum() / count**2 == pytest.approx(MEANS[number(name)], abs=1e-6)
    matrix = np.zeros((count, count))
    matrix[table["source"], table["target"]] = table["estimate"]
    sums = np.cumsum(matrix, axis=0)
    assert np.abs(sums).max() <= 1 + 1e-9  # partial sums of a column are differences of two rates
    near = table["target"] - table["source"] == 1
    assert 0.07 <= table["estimate"][near].mean() <= 0.11
    assert (table["low"] <= table["estimate"] + 1e-12).all()
    assert (table["high"] >= table["estimate"] - 1e-12).all()


def test_position_is_a_confound_of_these_scores(rollouts):
    scores = rollouts.importance("resampling_accuracy")
    rho = scores.extras["rho_position_size"]
    assert rho == stats.position_baseline(scores.columns["estimate"]).rho_size
    assert -1 <= rho < 0.2


def test_they_are_compared_without_a_model(rollouts):
    ours = [rollouts.importance(each) for each in ("resampling_accuracy", "counterfactual_accuracy", "forced_accuracy")]
    comparison = cl.compare(ours)
    assert comparison.extras["spearman"][0, 1] > 0.3  # opposite published signs, one convention here
    assert [each["causal"] for each in comparison.extras["measures"]] == ["yes", "yes", "of the edit"]
