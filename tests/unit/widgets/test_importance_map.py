"""The Python half of the importance map: its payload says what the result says, and needs nothing but the result."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.trace import Trace
from cotlens.widgets import WidgetsNotBuilt
from cotlens.widgets.importance_map import ImportanceMap, payload
from cotlens.widgets.shared import bundles
from tests.unit.widgets.results import importance, pairs

ROOT = Path(__file__).resolve().parents[3]


def numbers(score, name, kind="<f4"):
    return np.frombuffer(score[name], kind)


def test_every_number_arrives():
    result = importance([0.3, np.nan, -0.2], q_value=[0.01, np.nan, 0.2])
    (score,) = payload(result)
    for name in ("estimate", "low", "high"):
        np.testing.assert_allclose(numbers(score, name), result.columns[name], rtol=1e-6)
    assert numbers(score, "n", "<u4").tolist() == [100, 0, 100]
    assert score["status"] == {"1": "not measured: the answer was never read"}
    edges = numbers(score, "edges", "<u4")
    assert [score["text"][a:b] for a, b in pairwise(edges)] == list(result.columns["text"])
    assert numbers(score, "blocks", "<u4").tolist() == [0, 1, 2]
    assert score["kind"] == "sampled"
    assert score["reach"] == pytest.approx(0.4)


def test_positions_count_as_browsers_count():
    (score,) = payload(importance([0.1, 0.2], texts=["a 😀 b.", " And"]))
    assert numbers(score, "edges", "<u4").tolist() == [0, 7, 11]


def test_tokens_stand_in_blocks_of_sentences():
    texts = ["One", " and", " two", " make", " three", ".", " Then", " it", " all", " ends", " here", "."]
    result = importance(np.arange(12.0), half=0, units="token", texts=texts, start=np.arange(12), end=np.arange(12) + 1)
    (score,) = payload(result)
    assert numbers(score, "blocks", "<u4").tolist() == [0, 6]


def test_a_gap_between_tokens_begins_a_block():
    at = np.array([0, 1, 2, 9, 10])
    result = importance(
        np.arange(5.0), half=0, units="token", texts=["one", " two", " three", " ten", " more"], start=at, end=at + 1
    )
    assert numbers(payload(result)[0], "blocks", "<u4").tolist() == [0, 3]


def test_mixed_units_are_shown_apart():
    result = importance([1.0, 0.5, 0.4], half=0, units=["sentence", "token", "token"])
    scores = payload(result)
    assert [score["unit"] for score in scores] == ["sentence", "token"]
    assert [len(score["certainty"]) for score in scores] == [1, 2]


def test_the_map_needs_no_trace_and_takes_its_question_from_one():
    trace = Trace.from_text("How many?", "Two and two.", "Four.")
    assert ImportanceMap(importance([0.1])).context == {}
    shown = ImportanceMap(importance([0.1], trace_id=trace.id), trace=trace)
    assert (shown.context["prompt"], shown.context["answer"]) == (trace.prompt, trace.answer)
    with pytest.raises(InputError, match="measured on the trace 'another', not on"):
        ImportanceMap(importance([0.1], trace_id="another"), trace=trace)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((), "was given no result"),
        ((importance([]),), "has no rows"),
        ((pairs({(0, 1): 1.0}),), "it was given a result of kind 'pairs'"),
        (("result",), "it was given a str"),
    ],
)
def test_what_cannot_be_shown_is_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        ImportanceMap(*given)


def test_hosts_without_widgets_get_words():
    view = ImportanceMap(importance([0.1, 0.2]), importance([1.0], half=0))
    drawn = view._repr_mimebundle_()
    data = drawn[0] if isinstance(drawn, tuple) else drawn
    assert repr(view) == "<CoTLens importance map: Resampling per sentence, 2 rows; Resampling per sentence, 1 rows>"
    assert data["text/plain"].count("**Resampling** per sentence") == 2


def test_the_whole_state_can_be_saved_with_a_notebook():
    from ipywidgets.widgets.widget import _remove_buffers

    state, _, buffers = _remove_buffers(ImportanceMap(importance([0.3, np.nan])).get_state(["scores", "context"]))
    assert "NaN" not in json.dumps(state)
    assert len(buffers) >= 9


def test_an_installation_without_bundles_says_how_to_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(bundles, "STATIC", tmp_path)
    with pytest.raises(WidgetsNotBuilt, match=r"importance_map\.js and importance_map\.css missing"):
        ImportanceMap(importance([0.1]))
