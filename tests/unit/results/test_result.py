import dataclasses
import json
import sys

import numpy as np
import pytest

from cotlens._core import registry
from cotlens._core.errors import InputError
from cotlens.results import Cost, Provenance, Result, load_result

NAN = float("nan")


def columns(**changes):
    return {
        "start": [3, 4, 5],
        "end": [4, 5, 6],
        "text": ["a", "<b>bold</b>", "\n"],
        "estimate": [0.5, -1.0, NAN],
        "low": [0.4, NAN, NAN],
        "high": [0.6, NAN, NAN],
        "n": [1, 1, 0],
        "status": ["ok", "exact", "outside the window"],
    } | changes


def result(**changes):
    parts = {
        "kind": "importance",
        "method": "EarlyAnswer",
        "metric": "logit difference",
        "unit": "token",
        "columns": columns(),
        "sign": "positive: the token supports the answer",
        "zero": "the token changes nothing",
        "scale_unit": "nats",
        "provenance": Provenance.record(method="EarlyAnswer", settings={"unit": "token"}, seed=0, trace_id="ab"),
        "extras": {"curve": np.eye(3, dtype=np.float32), "answers": ["7", "8"], "note": {"x": NAN}},
    }
    return Result(**(parts | changes))


def test_columns_are_typed_ordered_and_read_only():
    table = result().columns
    assert list(table) == ["unit", "start", "end", "text", "estimate", "low", "high", "n", "status"]
    assert table["unit"].tolist() == ["token"] * 3
    assert [table[name].dtype for name in ("start", "estimate", "n")] == [np.int64, np.float64, np.int64]
    assert not any(column.flags.writeable for column in table.values())
    assert len(result()) == 3


def test_methods_may_add_columns():
    added = result(columns=columns(position=[0.1, 0.2, 0.3], rival=["x", "y", "z"], kept=np.array([True, False, True])))
    assert list(added.columns)[-3:] == ["position", "rival", "kept"]
    assert added.columns["rival"].tolist() == ["x", "y", "z"]


def test_no_rows_is_a_result_too():
    empty = result(columns={name: [] for name in columns()})
    assert len(empty) == 0
    assert empty
    assert empty.frame().empty
    assert "0 rows" in repr(empty)


def test_frame_keeps_the_words():
    frame = result().frame()
    assert frame["estimate"].isna().tolist() == [False, False, True]
    assert frame["start"].tolist() == [3, 4, 5]
    assert frame.attrs["scale_unit"] == "nats"
    assert frame.attrs["sign"].startswith("positive")
    frame.loc[0, "estimate"] = 9  # a copy, free to be changed


def test_everything_comes_back(tmp_path):
    one = result(columns=columns(rival=["x", "y", "z"], position=np.array([1, 2, 3], np.float32)))
    one.save(tmp_path / "r.json")
    other = load_result(tmp_path / "r.json")
    for name, column in one.columns.items():
        np.testing.assert_array_equal(other.columns[name], column)
        assert other.columns[name].dtype == column.dtype
    assert other.provenance == one.provenance
    assert other.extras["answers"] == ["7", "8"]
    assert other.extras["curve"].dtype == np.float32
    np.testing.assert_array_equal(other.extras["curve"], one.extras["curve"])
    assert np.isnan(other.extras["note"]["x"])
    assert (other.kind, other.metric, other.sign, other.zero) == (one.kind, one.metric, one.sign, one.zero)
    assert load_result(tmp_path / "r.json").frame().equals(other.frame())


def test_provenance_says_how_to_measure_again():
    provenance = result().provenance
    assert provenance.versions["python"].count(".") == 2
    assert "numpy" in provenance.versions
    assert provenance.created.endswith("+00:00")
    assert Provenance("M", cost={"tokens": 5, "forwards": 1, "seconds": 0.5}).cost == Cost(5, 1, 0.5)
    assert Provenance(**provenance.data()) == provenance
    assert Provenance.record(method="M", created="then").created == "then"
    with pytest.raises(dataclasses.FrozenInstanceError):
        provenance.seed = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": ["ok", "exact", "ok"]}, "Row 2 has the status 'ok' but no estimate"),
        ({"n": [1, 2]}, "The column 'n' has the shape"),
        ({"estimate": ["a", "b", "c"]}, "'estimate' can't be read as numbers"),
        ({"start": [None, 1, 2]}, "'start' can't be read as numbers"),
        ({"extra": [[1], [2], [3]]}, "'extra' has the shape"),
        ({"text": 7}, "'text' can't be read as text"),
    ],
)
def test_columns_that_do_not_fit(changes, message):
    with pytest.raises(InputError, match=message):
        result(columns=columns(**changes))


def test_a_missing_column():
    incomplete = columns()
    del incomplete["status"], incomplete["low"]
    with pytest.raises(InputError, match="low, status is missing"):
        result(columns=incomplete)


def test_settings_that_can_not_be_saved(tmp_path):
    with pytest.raises(InputError, match="holds a function"):
        result(provenance=Provenance("M", settings={"fn": lambda: None})).save(tmp_path / "r.json")


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data.pop("columns"),
        lambda data: data["columns"].pop("n"),
        lambda data: data.update(columns=[1]),
        lambda data: data["columns"].update(n={"array": {"dtype": "<f4", "shape": [9], "data": ""}}),
        lambda data: data.update(kind=7),
        lambda data: data["provenance"].update(unknown=1),
        lambda data: data.update(provenance=None),
        lambda data: data.update(extras=3),
    ],
)
def test_damaged_files(tmp_path, harm):
    path = tmp_path / "r.json"
    result().save(path)
    data = json.loads(path.read_text())
    harm(data)
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="damaged"):
        load_result(path)


def test_foreign_files(tmp_path):
    path = tmp_path / "r.json"
    path.write_text('{"format": "cotlens-trace/1"}')
    with pytest.raises(InputError, match="not a result"):
        load_result(path)
    with pytest.raises(InputError, match="No result can be read"):
        load_result(tmp_path / "none.json")


def test_what_is_shown_is_escaped_and_short():
    long = result(columns={name: list(values) * 500 for name, values in columns(text=["<i>" * 90, "b", "c"]).items()})
    shown = long._repr_html_()
    assert "<b>bold</b>" not in result()._repr_html_()
    assert "&lt;b&gt;bold" in result()._repr_html_()
    assert "<i>" not in shown
    assert "1490 more rows" in shown
    assert len(shown) < 5000
    assert repr(result()) == "<Result EarlyAnswer (logit difference) per token: 3 rows, 2 measured>"


def test_a_chart_is_found_by_kind(monkeypatch):
    charts = type(sys)("cotlens_charts_example")
    charts.CHARTS = registry.Registry("chart", {"importance": "cotlens_charts_example:draw"})
    charts.draw = lambda given, **options: (given.kind, options)
    monkeypatch.setitem(sys.modules, charts.__name__, charts)
    monkeypatch.setattr("cotlens.results.result._CHARTS", "cotlens_charts_example:CHARTS")
    assert result().chart(width=300) == ("importance", {"width": 300})
    with pytest.raises(InputError, match=r"There is no chart called 'importanc'. Did you mean 'importance'"):
        result(kind="importanc").chart()
