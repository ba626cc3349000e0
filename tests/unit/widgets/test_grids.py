"""Results by layer and place as grids: every cell at its place, what says nothing is told from zero, texts aligned."""

from dataclasses import replace

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.results import Provenance, Result
from cotlens.widgets.grids.folding import aligned
from cotlens.widgets.grids.payload import payload
from cotlens.widgets.grids.runs import ABSENT, BELOW, MEASURED, MISSING, WITHOUT
from cotlens.widgets.patch_grid import PatchGridView
from tests.unit.widgets.results import importance
from tests.unit.widgets.shapes import check_view

TEXT = ["It", " is", " 3", " +", " 4.", " So", " it", " is", " nearly", " 7."]


def result(values, texts=None, *, kind="lens", method="AnswerLens", unit="sentence", trace="t0", wide=1, **columns):
    """A result of `values` [layers, places], its layers from 0."""
    values = np.asarray(values, float)
    layers, places = values.shape
    starts = np.tile(10 + np.arange(places) * wide, layers)
    table = {
        "start": starts,
        "end": starts + wide,
        "text": (texts or [f"Sentence {i}." for i in range(places)]) * layers,
        "estimate": values.ravel(),
        "low": values.ravel(),
        "high": values.ravel(),
        "n": np.isfinite(values.ravel()).astype(int),
        "status": ["exact" if np.isfinite(value) else "not aligned: 2 tokens and 3" for value in values.ravel()],
        "layer": np.repeat(np.arange(layers), places),
        "floor": np.full(values.size, 0.5),
        **{name: np.asarray(column).ravel() for name, column in columns.items()},
    }
    metric = "log-probability of the next token" if method == "LogitLens" else "log p('7') - log p('8')"
    words = {"sign": "+ = supports the answer '7'", "zero": "neither is likelier", "scale_unit": "nats"}
    made = Provenance(method, model="abacus", backend="local", trace_id=trace)
    return Result(kind, method, metric, unit, table, **words, provenance=made, extras={"answer": "7", "layers": layers})


def cells(grid, level=0, panel=0, of="estimate"):
    told = grid["levels"][level]["panels"][panel]
    kind = {"estimate": "<f4", "code": "u1", "reason": "u1", "leading": "<u4"}[of]
    return np.frombuffer(told[of], kind).reshape(len(grid["rows"]), -1)


def test_the_last_layer_comes_first_and_what_lies_below_the_floor_is_told_from_what_is_missing():
    grid = payload([result([[0.1, 2.0, -3.0], [1.0, np.nan, 4.0]], wide=5)])
    assert grid["rows"] == ["1", "0"] and grid["row_words"] == [
        "after layer 1, the last: the model itself",
        "the embedding",
    ]
    np.testing.assert_array_equal(cells(grid), np.float32([[1, np.nan, 4], [0.1, 2, -3]]))
    assert cells(grid, of="code").tolist() == [[MEASURED, MISSING, MEASURED], [BELOW, MEASURED, BELOW]]
    assert grid["reasons"][cells(grid, of="reason")[0, 1]] == "not aligned: 2 tokens and 3"
    assert (grid["cone"], grid["signed"], len(grid["levels"])) == ("reads", True, 1)


def test_tokens_are_put_together_to_sentences_and_open_again():
    values = np.tile(np.arange(10.0) - 20, (2, 1))
    leading = np.array([[f"w{layer}{at}" for at in range(10)] for layer in range(2)])
    grid = payload([result(values, TEXT, method="LogitLens", unit="token", leading=leading, floor=np.full(20, -30.0))])
    sentences, tokens = grid["levels"]
    assert sentences["panels"][0]["texts"] == ["It is 3 + 4.", " So it is nearly 7."]
    assert np.frombuffer(tokens["parents"], "<u4").tolist() == [0] * 5 + [1] * 5
    np.testing.assert_allclose(cells(grid)[0], [-18, -13])  # the mean over five tokens each
    assert np.frombuffer(sentences["panels"][0]["last"], "<u4").tolist() == [15, 20]
    assert [grid["words"][at] for at in cells(grid, 1, of="leading")[0, :2]] == ["w10", "w11"]
    assert (grid["signed"], grid["scale"], grid["folded"]) == (False, 0.0, "the mean over its tokens")


def test_sentences_and_tokens_that_were_measured_apart_are_two_levels():
    fine = result(np.zeros((2, 10)), TEXT, unit="token")
    grid = payload([fine, result(np.ones((2, 2)), ["It is 3 + 4.", "So it is nearly 7."], wide=5)])
    assert [level["unit"] for level in grid["levels"]] == ["sentence", "token"] and grid["folded"] == ""
    assert np.frombuffer(grid["levels"][1]["parents"], "<u4").tolist() == [0] * 5 + [1] * 5


def test_of_two_traces_the_same_sentences_stand_below_each_other_with_their_difference():
    one = result([[1.0, 2.0, 9.0]], ["A.", "Old.", "Z."])
    other = result([[4.0, 5.0, 6.0, 7.0]], ["A.", "New.", "More.", "Z."], trace="t1")
    grid = payload([one, other])
    first, second, apart = grid["levels"][0]["panels"]
    assert [first["texts"], second["texts"]] == [["A.", "Old.", "", "Z."], ["A.", "New.", "More.", "Z."]]
    assert (first["trace"], second["trace"], apart["difference"]) == ("t0", "t1", True)
    np.testing.assert_array_equal(cells(grid, panel=2)[0], np.float32([3, 3, np.nan, -2]))
    assert cells(grid, of="code")[0].tolist() == [MEASURED, MEASURED, ABSENT, MEASURED]
    assert grid["reasons"][cells(grid, panel=2, of="reason")[0, 2]] == "only one of the two texts has it"
    assert aligned("abx", "ab") == [(0, 0), (1, 1), (2, -1)]


def test_heads_of_a_layer_are_rows_as_layers_are():
    heads = result(
        [[1.0, 0], [0.2, 1]], kind="patch", method="PatchGrid", head=[[0, 0], [1, 1]], layer=[[2, 2], [2, 2]]
    )
    grid = payload([heads])
    assert [grid["row"], grid["rows"]] == ["head", ["1", "0"]]
    assert grid["row_words"] == ["head 1 of layer 2", "head 0 of layer 2"]
    np.testing.assert_array_equal(cells(grid), np.float32([[0.2, 1], [1, 0]]))
    assert payload([result([[1.0]])])["row"] == "layer" and isinstance(cl.show(heads), PatchGridView)


def test_two_lenses_on_different_answers_say_which_is_whose():
    one, other = result([[1.0, 2.0]]), result([[3.0, 5.0]], trace="t1")
    other = replace(
        other, metric="log p('9') - log p('8')", sign="+ = supports the answer '9'", extras={"answer": "9", "layers": 1}
    )
    grid = payload([one, other])
    assert [panel["name"] for panel in grid["levels"][0]["panels"]] == ["answer 7", "answer 9", "answer 9 − answer 7"]
    assert grid["metric"] == "log p('7') - log p('8'); below: log p('9') - log p('8')"
    assert grid["sign"] == "+ = supports the answer '7'; below: + = supports the answer '9'"


def test_of_a_patch_what_stands_before_the_first_difference_has_no_influence():
    values = np.tile([[0, 0, 1.0, 0], [0, 0, 0, 1.0]], (1, 2))  # sufficiency, then necessity
    direction = [["sufficiency"] * 4 + ["necessity"] * 4] * 2
    grid = payload([result(values, kind="patch", method="PatchGrid", direction=direction, difference=values,
                           floor=np.full(16, 1e-6), start=[[10, 11, 12, 13] * 2] * 2, end=[[11, 12, 13, 14] * 2] * 2,
                           text=[[f"s{i}" for i in range(4)] * 2] * 2)])  # fmt: skip
    names = [panel["name"].split(",")[0] for panel in grid["levels"][0]["panels"]]
    assert names == ["base", "source", "necessity − sufficiency"] and grid["cone"] == "reaches"
    assert cells(grid, of="code").tolist() == [[WITHOUT, WITHOUT, BELOW, MEASURED], [WITHOUT, WITHOUT, MEASURED, BELOW]]


def test_views_hold_what_is_declared_and_say_it_in_words(tmp_path):
    view = cl.LensGrid(result([[1.0, 2.0], [3.0, 4.0]]))
    check_view(view)
    assert repr(view) == "<CoTLens lens grid: Answer lens, 2 layers x 2 sentences; answer 7>"
    assert "Sentence 1." in view.summary() and len(view.summary()) <= 2000
    assert "Lens grid: answer lens" in view.to_html(tmp_path / "grid.html").read_text("utf-8")
    read = cl.PatchGrid(result([[1.0, 2.0]], kind="patch", method="PatchGrid"))
    assert isinstance(read, PatchGridView) and read.why.startswith("No model was given")
    check_view(read)
    assert isinstance(cl.show([view.results[0]]), cl.LensGrid)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: cl.LensGrid(), "was given no result"),
        (lambda: cl.LensGrid(importance([0.1])), "a result of kind 'importance'"),
        (lambda: cl.LensGrid("grid"), "it was given a str"),
        (lambda: cl.LensGrid(result(np.zeros((0, 0)))), "has no rows"),
        (lambda: cl.LensGrid(result([[1.0]]), result([[1.0]], method="LogitLens", trace="t1")), "different things"),
        (lambda: cl.LensGrid(*(result([[1.0]], trace=f"t{i}") for i in range(3))), "3 were given"),
        (lambda: cl.LensGrid(result([[1.0]]), result([[1.0]])), "one result of each text for each unit"),
        (lambda: cl.LensGrid(result([[1.0, 2.0], [3.0, 4.0]], layer=[0, 0, 0, 1])), "not the same places"),
        (lambda: cl.PatchGrid(), "needs a result of cl.patching"),
    ],
)
def test_what_is_no_grid_is_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()
