"""`cl.show` finds the view of a thing, and says so where there is none."""

import json

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.compare import compare
from cotlens.measure.published_rollouts import read_rollouts
from cotlens.results import Provenance, Result
from cotlens.trace import Trace
from cotlens.widgets.importance_map import ImportanceMap
from cotlens.widgets.pair_matrix import PairMatrix
from cotlens.workbench.show import show
from tests.unit.widgets.results import importance, pairs


def test_each_kind_of_result_has_its_view():
    assert isinstance(show(importance([0.1, 0.2])), ImportanceMap)
    assert isinstance(show(pairs({(0, 1): 0.5})), PairMatrix)
    both = show([importance([0.1]), importance([1.0], half=0)])
    assert isinstance(both, ImportanceMap)
    assert len(both.scores) == 2


def test_a_trace_without_a_model_is_its_text():
    trace = Trace.from_text("How many?", "Two and two.", "Four.")
    assert show(trace) is trace
    assert show(importance([0.1], trace_id=trace.id), trace=trace).context["answer"] == trace.answer


def test_what_has_no_view_is_text_with_a_sentence():
    assert repr(show({"a": 1})) == "There is no view of a dict; this is its text:\n{'a': 1}"
    assert repr(show([])).startswith("There is no view of a list")
    unknown = importance([0.1])
    columns = {name: np.array(column) for name, column in unknown.columns.items()}
    words = {name: getattr(unknown, name) for name in ("method", "metric", "unit", "sign", "zero", "scale_unit")}
    other = Result("ranking", columns=columns, provenance=Provenance("x"), **words)
    assert show(other) is other
    assert show(importance([])) is not None


def test_published_rollouts_are_a_map_of_their_accuracies(tmp_path):
    rows = [
        {"chunk": f"Sentence number {i}.", "chunk_idx": i, "accuracy": i / 10, "resampling_importance_accuracy": 0.1}
        for i in range(6)
    ]
    (tmp_path / "chunks_labeled.json").write_text(json.dumps(rows))
    shown = show(read_rollouts(tmp_path))
    assert isinstance(shown, ImportanceMap)
    assert [score["label"] for score in shown.scores] == ["Resampling"]
    assert shown.scores[0]["text"].startswith("Sentence number 0.")


def test_a_comparison_is_its_chart():
    both = compare([importance([0.1, 0.2, 0.4]), importance([1.0, 0.0, 2.0], half=0)], repeats=100)
    assert "Resampling" in json.dumps(show(both).to_dict()["vconcat"])


def test_vectors_and_autoencoders_open_on_a_trace(abacus, given):
    vector = cl.steering.given(np.random.default_rng(3).standard_normal(128), 1, model=abacus, traces=[given])
    sae = cl.features.load_sae("abacus")
    for thing, kind in (
        (vector, cl.SteeringPanel), ([vector, vector.random()], cl.SteeringPanel), (sae, cl.FeatureTable),
    ):  # fmt: skip
        shown = show(thing, abacus, trace=given)
        assert isinstance(shown, kind) and show(shown) is shown
        shown.cancel()
        assert shown.wait(60)
        assert "give the model and the trace" in repr(show(thing))


def test_a_steered_rerun_is_said_in_words(abacus, given):
    vector = cl.steering.given(np.random.default_rng(3).standard_normal(128), 1, model=abacus, traces=[given])
    run = cl.steering.steer(abacus, given, (vector, 0.01, "answer"), temperature=0.0)
    words = repr(show(run))
    assert words.startswith("Steered with +0.01 'given' at layer 1 from token") and "Random vectors" in words


def test_the_latents_of_a_trace_are_a_chart(abacus, given):
    found = cl.features.features(given, abacus, cl.features.load_sae("abacus"), estimate=True, effect_of=[3])
    spec = show(found).to_dict()
    rows = next(iter(spec["datasets"].values()))
    assert 0 < len(rows) <= 20 and "(" not in spec["layer"][0]["encoding"]["y"]["field"]
    sizes = [abs(row["value"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("model", ["abacus", cl.Trace.from_text("q", "t", "a")])
def test_what_is_no_model_is_refused_with_what_to_do(model):
    with pytest.raises(InputError, match=r"the model first; .* was given as the model: .*cl.show\(trace\)"):
        cl.CoTEditor(model, cl.Trace.from_text("q", "t", "a"))


def test_a_view_without_a_model_is_itself():
    view = ImportanceMap(importance([0.1, 0.2]))
    assert show(view) is view
