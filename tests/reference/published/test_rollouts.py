"""Rollouts in the published layout: every number agrees with the files, and with what is known of them.

What must hold of any such folder is held to one whose rollouts were drawn here. What is known of the published ones
needs them: one test per problem, skipped where the data aren't there.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

import cotlens as cl
from cotlens.measure import stats
from cotlens.trace import chunk_texts, split
from tests import thought_anchors
from tests.unit.measure.published_rollouts import published


@dataclass(frozen=True)
class Case:
    """A folder, and what is read of it."""

    folder: Path

    @cached_property
    def rollouts(self):
        return cl.read_rollouts(self.folder)

    @cached_property
    def rows(self):
        return json.loads((self.folder / "chunks_labeled.json").read_text(encoding="utf-8"))

    @cached_property
    def base(self):
        return json.loads((self.folder / "base_solution.json").read_text(encoding="utf-8"))

    def column(self, name):
        return np.array([row[name] for row in self.rows])


# ---------------------------------------------------------------- what holds of every folder


def the_trace_and_its_sentences(case):
    rollouts = case.rollouts
    assert rollouts.trace.text == case.base["full_cot"]
    assert len(rollouts) == len(case.rows)
    assert rollouts.trace.read_answer().text == rollouts.answer == case.base["answer"]
    assert list(rollouts.spans) == rollouts.trace.spans("sentence")
    for span, row in zip(rollouts.spans, case.rows, strict=True):
        assert rollouts.trace.text[span.char_start : span.char_end].split() == row["chunk"].split()


def chunks_are_reproduced(case):
    thought = case.base["solution"].split("</think>")[0]
    chunks = [row["chunk"] for row in sorted(case.rows, key=lambda row: row["chunk_idx"])]
    assert chunk_texts(thought) == chunks
    for (start, end), chunk in zip(split(thought, "sentence"), chunks, strict=True):
        assert thought[start:end].split() == chunk.split()


def accuracies_reproduce_the_importance_bit_for_bit(case):
    given = case.column("resampling_importance_accuracy")
    np.testing.assert_array_equal(case.rollouts.frame()["accuracy"].diff().shift(-1)[:-1], given[:-1])
    for convention in ("cotlens", "thought-anchors"):
        result = case.rollouts.importance("resampling_accuracy", convention=convention)
        np.testing.assert_array_equal(result.columns["estimate"][:-1], given[:-1])
        assert np.isnan(result.columns["estimate"][-1])


def the_denominators_are_those_of_a_hundred_rollouts(case):
    rollouts = case.rollouts
    assert rollouts.rollouts == 100
    sizes = rollouts.sizes
    assert (sizes.most <= 100).all()
    assert (sizes.n <= sizes.most).all()
    hits = case.column("accuracy") * rollouts.n
    np.testing.assert_allclose(hits, np.rint(hits), atol=1e-9)


def counterfactuals_are_measured_where_something_dissimilar_was_sampled(case):
    result = case.rollouts.importance("counterfactual_accuracy", convention="thought-anchors").columns
    known = ~np.isnan(result["estimate"])
    np.testing.assert_array_equal(known[:-1], case.column("different_trajectories_fraction")[:-1] > 0)
    np.testing.assert_array_equal(result["estimate"][known], case.column("counterfactual_importance_accuracy")[known])
    n = result["n"][known]
    share = (result["estimate"] + np.append(case.column("accuracy")[1:], np.nan))[known]
    np.testing.assert_allclose(share * n, np.rint(share * n), atol=1e-6)  # acc(dissimilar) is a fraction of n
    assert (result["low"][known] <= result["estimate"][known] + 1e-12).all()
    assert (result["high"][known] >= result["estimate"][known] - 1e-12).all()


def what_is_significant_excludes_zero(case):
    result = case.rollouts.importance("resampling_accuracy").columns
    for row in np.flatnonzero(result["significant"]):
        assert result["low"][row] * result["high"][row] > 0


def smoothing_artefacts_are_marked(case):
    table = case.rollouts.importance("forced_kl").columns
    large = case.column("forced_importance_kl") > 5
    assert [status.startswith("suspect") for status in table["status"]] == large.tolist()


def forced_accuracy_is_known_up_to_a_constant(case):
    table = case.rollouts.importance("forced_accuracy").columns
    known = ~np.isnan(table["estimate"])
    total = np.concatenate(([0], np.cumsum(table["estimate"][known])))
    assert total.max() - total.min() <= 1 + 1e-9
    assert (table["low"][known] <= table["estimate"][known]).all()
    assert (table["high"][known] >= table["estimate"][known]).all()


def the_sentence_to_sentence_file_is_a_pair_matrix(case):
    result, count = case.rollouts.pairs(), len(case.rollouts)
    table = result.columns
    assert len(result) == count * (count - 1) // 2
    matrix = np.zeros((count, count))
    matrix[table["source"], table["target"]] = table["estimate"]
    sums = np.cumsum(matrix, axis=0)
    assert np.abs(sums).max() <= 1 + 1e-9  # partial sums of a column are differences of two rates
    assert (table["low"] <= table["estimate"] + 1e-12).all()
    assert (table["high"] >= table["estimate"] - 1e-12).all()


def position_is_told_beside_the_scores(case):
    scores = case.rollouts.importance("resampling_accuracy")
    assert scores.extras["rho_position_size"] == stats.position_baseline(scores.columns["estimate"]).rho_size


def they_are_compared_without_a_model(case):
    names = ("resampling_accuracy", "counterfactual_accuracy", "forced_accuracy")
    comparison = cl.compare([case.rollouts.importance(each) for each in names])
    assert comparison.extras["spearman"][0, 1] > 0.3  # opposite published signs, one convention here
    assert [each["causal"] for each in comparison.extras["measures"]] == ["yes", "yes", "of the edit"]


RELATIONS = (
    the_trace_and_its_sentences,
    chunks_are_reproduced,
    accuracies_reproduce_the_importance_bit_for_bit,
    the_denominators_are_those_of_a_hundred_rollouts,
    counterfactuals_are_measured_where_something_dissimilar_was_sampled,
    what_is_significant_excludes_zero,
    smoothing_artefacts_are_marked,
    forced_accuracy_is_known_up_to_a_constant,
    the_sentence_to_sentence_file_is_a_pair_matrix,
    position_is_told_beside_the_scores,
    they_are_compared_without_a_model,
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Rollouts that were drawn here."""
    return Case(published.write(tmp_path_factory.mktemp("drawn"), **published.sampled()))


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.__name__)
def test_what_holds_of_every_folder(relation, drawn):
    relation(drawn)


def test_the_planted_anchors_and_nothing_else_are_significant(drawn):
    result = drawn.rollouts.importance("resampling_accuracy").columns
    assert set(np.flatnonzero(result["significant"]).tolist()) == set(published.ANCHORS)
    assert np.sign(result["estimate"][list(published.ANCHORS)]).tolist() == [1, -1, 1]


# ---------------------------------------------------------------- what is known of the published ones


@dataclass(frozen=True)
class Known:
    """Facts about a published problem, counted by hand from its files.

    Args:
        beyond: z-scores of neighbouring accuracies beyond 1.96.
        mean: of the matrix of sentences, zeros counted.
    """

    sentences: int
    target: str
    answer: str
    anchors: set[int]
    dissimilar: int
    beyond: int
    mean: float


PROBLEMS = {
    "correct_base_solution/problem_2238": Known(60, "120", "120", {23}, 50, 4, 0.002553),
    "correct_base_solution/problem_330": Known(139, "88572", "88572", set(), 111, 3, 0.001996),
    "incorrect_base_solution/problem_2189": Known(60, "588", "420", {32, 36, 44, 45, 46}, 42, 8, 0.002278),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_published_problem(name):
    case, known = Case(thought_anchors.problem(name)), PROBLEMS[name]
    for relation in RELATIONS:
        relation(case)
    rollouts = case.rollouts
    assert (len(rollouts), rollouts.target, rollouts.answer) == (known.sentences, known.target, known.answer)
    assert (rollouts.sizes.most >= 94).all()
    counterfactual = rollouts.importance("counterfactual_accuracy", convention="thought-anchors").columns["estimate"]
    assert np.isfinite(counterfactual).sum() == known.dissimilar
    scores = rollouts.importance("resampling_accuracy")
    assert set(np.flatnonzero(scores.columns["significant"]).tolist()) == known.anchors
    assert (scores.columns["p_value"][:-1] <= 0.05).sum() == pytest.approx(known.beyond, abs=1)
    assert -1 <= scores.extras["rho_position_size"] < 0.2  # position is a confound of these scores
    if name.endswith("2189"):
        assert (case.column("forced_importance_kl") > 5).sum() == 20
    table = rollouts.pairs().columns
    assert table["estimate"].sum() / known.sentences**2 == pytest.approx(known.mean, abs=1e-6)
    near = table["target"] - table["source"] == 1
    assert 0.07 <= table["estimate"][near].mean() <= 0.11
