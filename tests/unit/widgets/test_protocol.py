"""Python and TypeScript have one declaration of what crosses: the files are up to date, and a change is found."""

import ast
import re
import shutil
from pathlib import Path
from typing import NotRequired, get_origin

import pytest

from cotlens._core.errors import InputError
from cotlens.widgets.importance_map import ImportanceMap
from cotlens.widgets.pair_matrix import PairMatrix
from cotlens.widgets.protocol import editor, feature_table, patch_grid, rollout_map, shared, steering_panel
from cotlens.workbench.shared.messages import fields_of
from tests.unit.widgets.results import importance, pairs
from tests.unit.widgets.shapes import check_view, wrong
from tools import write_protocol

TABLES = {
    "editor": editor.REQUESTS,
    "table": feature_table.REQUESTS,
    "panel": steering_panel.REQUESTS,
    "map": rollout_map.REQUESTS,
    "patch grid": patch_grid.REQUESTS,
}
FITTING = {int: 3, float: 0.5, str: "x", bool: True, list: []}


def test_the_files_are_as_python_declares():
    assert write_protocol.stale() == []
    assert len(write_protocol.written()) == 12


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The sources in a folder of their own, to be changed."""
    root = Path(write_protocol.ROOT)
    for part in ("cotlens/widgets", "widgets"):
        leave = shutil.ignore_patterns("node_modules", "static", "__pycache__")
        shutil.copytree(root / part, tmp_path / part, ignore=leave)
    monkeypatch.setattr(write_protocol, "ROOT", tmp_path)
    monkeypatch.setattr(write_protocol, "VIEWS", tmp_path / "cotlens" / "widgets")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "old", "new", "stale"),
    [
        ("cotlens/widgets/protocol/editor.py", "    metric_words: str\n", "", "widgets/editor/protocol.ts"),
        ("cotlens/widgets/protocol/editor.py", '"token_id": int', '"token_id": str', "widgets/editor/protocol.ts"),
        ("cotlens/widgets/protocol/shared.py", "eta: float | None", "eta: float", "widgets/kit/protocol.ts"),
        ("cotlens/widgets/feature_table.py", "origins = t", "origin = t", "widgets/feature_table/protocol.ts"),
        ("cotlens/widgets/steering_panel.py", "shape=Sweep", "shape=Current", "widgets/steering_panel/protocol.ts"),
        ("widgets/pair_matrix/protocol.ts", "texts: string[]", "texts: number[]", "widgets/pair_matrix/protocol.ts"),
    ],
)  # fmt: skip
def test_a_change_on_either_side_is_found(copied, path, old, new, stale):
    text = (copied / path).read_text("utf-8")
    assert old in text
    (copied / path).write_text(text.replace(old, new), "utf-8")
    assert write_protocol.stale() == [stale]
    write_protocol.main()
    assert write_protocol.stale() == []


@pytest.mark.parametrize(
    ("python", "typescript"),
    [
        ("str", "string"), ("float | None", "number | null"), ("list[int]", "number[]"), ("bytes", "DataView"),
        ("list[int | None]", "(number | null)[]"), ("dict[str, list[Sentence]]", "Record<string, Sentence[]>"),
        ("tuple[str, float]", "[string, number]"), ("list[tuple[int, int]] | None", "[number, number][] | null"),
        ('Literal["a", "b"]', '"a" | "b"'), ("dict[str, Never]", "Record<string, never>"),
    ],
)  # fmt: skip
def test_a_type_has_one_form_in_typescript(python, typescript):
    assert write_protocol._type(ast.parse(python, mode="eval").body) == typescript


def test_what_has_no_form_is_refused():
    with pytest.raises(ValueError, match=r"a\.b has no form"):
        write_protocol._type(ast.parse("a.b", mode="eval").body)


def test_no_other_file_of_the_front_end_declares_what_crosses():
    names = {"State", "Job", "Comparison", "BranchInfo", "Shading", "Score", "Matrix", "Findings", "Piece"}
    for path in write_protocol.ROOT.glob("widgets/*/*.ts"):
        declared = re.findall(r"^export (?:interface|type) (\w+)", path.read_text("utf-8"), re.MULTILINE)
        assert path.name == "protocol.ts" or not names & set(declared), path


@pytest.mark.parametrize(("who", "kind"), [(who, kind) for who, table in TABLES.items() for kind in table])
def test_a_request_needs_every_field_that_it_declares(who, kind):
    declared = TABLES[who][kind]
    given = {name: FITTING[get_origin(wanted) or wanted] if wanted in FITTING or get_origin(wanted) is list else "x"
             for name, wanted in declared.items() if get_origin(wanted) is not NotRequired}  # fmt: skip
    fields = fields_of({"kind": kind, "request_id": 7, **given}, TABLES[who], who)
    assert fields == {"id": 7, "kind": kind, **given}
    for name in given:
        left = {each: value for each, value in given.items() if each != name}
        with pytest.raises(InputError, match=f"needs {name} as"):
            fields_of({"kind": kind, **left}, TABLES[who], who)


def test_what_may_be_left_out_is_taken_where_it_fits():
    measure = {"kind": "measure", "document": "d", "measure": "m", "unit": "token"}
    whole = {**measure, "n": 20, "metric": None, "spans": [[0, 3]], "target": "7", "confirmed": True}
    assert fields_of(whole, editor.REQUESTS, "editor") == {"id": 0, **whole}
    strange = {**measure, "n": True, "metric": 4, "spans": "all", "target": None, "confirmed": 1}
    assert fields_of(strange, editor.REQUESTS, "editor") == {"id": 0, **measure}
    assert fields_of({"kind": "cancel", "job": "j1"}, editor.REQUESTS, "editor") == {"id": 0, "kind": "cancel"}
    assert fields_of({"kind": "cancel", "job": 4}, editor.REQUESTS, "editor")["job"] == 4


def test_views_of_results_send_what_is_declared():
    check_view(ImportanceMap(importance([0.1, 0.2], q_value=[0.1, 0.2])))
    check_view(PairMatrix(pairs({(0, 1): 0.5, (1, 2): -0.25})))


def test_a_shape_is_told_from_another():
    piece = {"id": 1, "source": "d", "from": 0, "at": 0, "text": "", "tokens": 1, "limit": 9}
    assert wrong(piece, shared.Piece) == []
    assert wrong({**piece, "at": None}, shared.Piece) and wrong({**piece, "more": 1}, shared.Piece)
    assert wrong({key: value for key, value in piece.items() if key != "limit"}, shared.Piece)
