"""A session comes back as it was: after a restart, after kill -9, and as a script that gives the same numbers."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from tests import pretrained
from tests.unit.widgets.results import pairs

ROOT = Path(__file__).resolve().parents[4]
KILLED = """
import sys, cotlens as cl
model = cl.load("abacus")
trace = cl.Trace.from_text(sys.argv[2], sys.argv[3], "The answer is 17.", model=model)
session = cl.Session(sys.argv[1], model)
editor = session.keep(cl.CoTEditor(model, trace, measure="early-answer", unit="sentence"))
assert editor.wait(120)
at = trace.text.index("44")
about = {"request_id": 1, "document": trace.id}
editor.view._handle_custom_msg({"kind": "edit", "start": at, "end": at + 2, "text": "54", **about}, [])
assert editor.wait(120)
session.note("it still says 17")
about["document"] = editor.trace.id
editor.view._handle_custom_msg({"kind": "resample", "n": 900, **about}, [])
editor.view.observe(lambda _: print(editor.trace.id, flush=True), "resampled")
editor.wait()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.cotlens"


@pytest.fixture
def kept(front, given, abacus, path):
    """A session with an editor in which 44 became 54, its tree, and what is shown of it."""
    page = front(given, measure="early-answer", unit="sentence")
    session = cl.Session(path, abacus)
    session.keep(page.editor)
    page.act("edit", **page.place("44"), text="54")
    yield session, page
    session.close()


@pytest.fixture(scope="module")
def saved(abacus, given, tmp_path_factory):
    """The file of a session with an editor of two branches, a trace and a note; no model was asked for anything."""
    path = tmp_path_factory.mktemp("saved") / "study.cotlens"
    session = cl.Session(path, abacus)
    editor = session.keep(cl.CoTEditor(None, given))
    editor.tree.add(given.replace("= 44", "= 54"), "b0", "44 → 54", "trace = trace.replace('= 44', '= 54')")
    session.keep(given, "first")
    session.note("a note")
    session.close()
    return path.read_bytes()


def test_everything_comes_back_and_no_model_is_loaded(kept, given, path, monkeypatch):
    session, page = kept
    editor, result = page.editor, page.editor.result
    tree = session.keep(cl.BranchTree(editor))
    session.keep(cl.ImportanceMap(result, trace=editor.trace), "the map")
    session.keep(cl.PairMatrix(pairs({(0, 1): 0.5})))
    session.keep(cl.RolloutMap([given, editor.trace]))
    session.keep(cl.Selection(editor, session["the map"]))
    session.keep(given, "first")
    session.keep(result)
    tree.annotate("b1", "the sum carries it")
    tree.tag("b1", "sum")
    editor.selected = {"trace": editor.trace.id, "span": (70, 74), "unit": "sentence"}
    page.act("limits", max_new_tokens=77, temperature=0.5)
    session.note("44 is where it goes wrong")
    before = {
        name: page.view.trait_values()[name] for name in ("document", "branches", "shading", "shading_values", "limits")
    }
    script = session.script()
    session.close()

    monkeypatch.setattr("cotlens.workbench.session.lazy_model.load", lambda *_, **__: pytest.fail("nothing was asked"))
    again = cl.Session.load(path)
    assert again.problems == [] and again.notes == ["44 is where it goes wrong"]
    assert list(again.widgets) == ["editor", "tree", "the map", "matrix", "rollouts", "selection"]
    shown = again["editor"]
    assert shown.wait(5) and shown.model.asleep
    assert {name: shown.view.trait_values()[name] for name in before} == before
    assert shown.trace.id == editor.trace.id and shown.result.data() == result.data()
    assert shown.selected == again["the map"].selected == {
        "trace": editor.trace.id, "span": (70, 74), "unit": "sentence",
    }  # fmt: skip
    assert again["tree"].frame().drop(columns="tags").equals(tree.frame().drop(columns="tags"))
    assert shown.tree.nodes["b1"].tags == ("sum",) and shown.tree.nodes["b1"].comparison is not None
    assert again["first"].id == given.id and again["result"].data() == result.data()
    assert [trace.id for trace in again["rollouts"].traces] == [given.id, editor.trace.id]
    again["the map"].selected = {"span": (60, 64)}
    assert shown.selected == {"span": (60, 64)}, "they are linked again"
    shown.undo()
    shown.selected = {"trace": given.id}
    assert shown.model.asleep and shown.trace.id == given.id, "to look at a branch loads nothing"
    assert again.script() == script
    again.close()


def test_the_model_is_loaded_when_something_is_asked(kept, given, path):
    session, page = kept
    session.close()
    again = cl.Session.load(path)
    editor = again["editor"]
    request = {"kind": "measure", "document": editor.trace.id, "measure": "occlusion-direct", "unit": "sentence"}
    editor.view._handle_custom_msg({"request_id": 1, "confirmed": True, **request}, [])
    assert editor.wait(120) and not editor.model.asleep, editor.error
    page.act("measure", **{name: request[name] for name in ("document", "measure", "unit")})
    measured = editor.result.columns["estimate"]
    assert np.array_equal(measured, page.editor.result.columns["estimate"], equal_nan=True)
    again.close()
    third = cl.Session.load(path)["editor"]
    assert np.array_equal(third.result.columns["estimate"], measured, equal_nan=True), "it was kept as it was measured"


def test_kill_9_loses_at_most_what_goes_on(given, path):
    asked = [sys.executable, "-c", KILLED, str(path), given.prompt, given.thought]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COTLENS_STORE": "off"}
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        shown = process.stdout.readline().strip()
        with pytest.raises(InputError, match="open in another kernel"):
            cl.Session.load(path)
        process.send_signal(signal.SIGKILL)
    session = cl.Session.load(path)
    editor = session["editor"]
    assert session.problems == [] and session.notes == ["it still says 17"]
    assert editor.trace.id == shown and editor.branches[0].id == given.id and len(editor.branches) == 2
    assert editor.tree.nodes["b0"].label == "original" and editor.tree.nodes["b1"].label == "44 → 54"
    assert session["editor"].tree.nodes["b1"].fan["rows"] is not None, "what rollouts had answered by then"
    assert any(key[0] == given.id for key in editor._measuring.finished())
    session.close()


def test_the_script_does_it_again_with_the_same_numbers(kept, path, tmp_path):
    session, page = kept
    page.act("truncate", token=page.editor.trace.spans("sentence")[2].start)
    session.keep(
        cl.importance.EarlyAnswer(unit="sentence").run(page.editor.branches[1], session["editor"].model), "mine"
    )
    told = """
import json
print(json.dumps([different, {name: trace.id for name, trace in traces.items()},
                  {name: result.columns["estimate"].tolist() for name, result in results.items()}]))
"""
    (tmp_path / "again.py").write_text(session.script() + told, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COTLENS_STORE": "off"}
    asked = [sys.executable, str(tmp_path / "again.py")]
    ran = subprocess.run(asked, capture_output=True, text=True, env=env, check=False)
    assert ran.returncode == 0, ran.stderr
    different, traces, results = json.loads(ran.stdout.splitlines()[-1])
    assert different == []
    assert traces == {f"editor/{node.id}": node.trace.id for node in page.editor.tree.nodes.values()}
    measured = {
        key[0]: result for key, result in page.editor._measuring.finished().items() if key[2].unit == "sentence"
    }
    for name, trace_id in traces.items():
        if trace_id in measured:
            found = results[f"{name}/early-answer per sentence"]
            assert found == pytest.approx(measured[trace_id].columns["estimate"].tolist(), abs=1e-5, nan_ok=True)
    assert results["mine"] == pytest.approx(session["mine"].columns["estimate"].tolist(), abs=1e-5, nan_ok=True)
    assert len(results) >= 3


def test_real_text_is_kept(path):
    hf, tokenizer = pretrained.pair()
    model = cl.load((hf, tokenizer))
    trace = cl.Trace.from_text("What is 3 + 4?", "I add 3 and 4. “Sieben” 🍐 is 7.", "7", model=model)
    session = cl.Session(path, model)
    editor = session.keep(cl.CoTEditor(model, trace, measure="early-answer", unit="sentence"))
    assert editor.wait(120)
    known = editor.result
    session.close()
    again = cl.Session.load(path, model=model)["editor"]
    assert again.trace.text == trace.text and again.trace.token_ids == trace.token_ids
    assert (again.result is None) == (known is None) and (known is None or again.result.data() == known.data())


def _changed(path, sql, *values):
    with sqlite3.connect(path) as connection:
        connection.execute(sql, values)
    connection.close()


def test_a_session_that_cannot_be_opened_says_why_and_stays_as_it_is(saved, path, tmp_path):
    path.write_bytes(whole := saved)
    with pytest.raises(InputError, match=r"something at .* already: open a session with cl\.Session\.load"):
        cl.Session(path)
    with pytest.raises(InputError, match=r"There is no session at .*: begin one"):
        cl.Session.load(tmp_path / "none.cotlens")
    with pytest.raises(InputError, match=r"made with 'abacus' \(local\), and 'abacus-hint' was given"):
        cl.Session.load(path, model=cl.load("abacus-hint"))
    half, text, other = tmp_path / "half", tmp_path / "text", tmp_path / "other"
    half.write_bytes(whole[: len(whole) // 2])
    text.write_text("no session", "utf-8")
    _changed(other, "CREATE TABLE about (name TEXT)")
    for damaged in (half, text, other):
        with pytest.raises(InputError, match=r"is not a session|damaged"):
            cl.Session.load(damaged)
    _changed(path, "UPDATE about SET value = ? WHERE name = 'format'", '["cotlens-session", 2]')
    with pytest.raises(InputError, match=r"a newer CoTLens \(version 2; this one reads 1\)"):
        cl.Session.load(path)
    _changed(path, "UPDATE about SET value = ? WHERE name = 'format'", '["cotlens-session", 1]')
    assert cl.Session.load(path).problems == []


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE items SET value = '{' WHERE kind = 'node' AND id = 'editor/b1'", "couldn't be brought back"),
        ("UPDATE items SET value = replace(value, '44', '45') WHERE id = 'editor/b0'", "changed after it was saved"),
        ("DELETE FROM items WHERE id = 'editor/b0'", "the branch b0 that b1 was made from is missing"),
        ("DELETE FROM items WHERE kind = 'trace'", "is missing"),
        ("UPDATE items SET value = replace(value, 'CoTEditor', 'Popen') WHERE kind = 'widget'", "'Popen' is missing"),
    ],
)
def test_what_is_damaged_is_said_and_the_rest_comes_back(saved, given, path, sql, why):
    path.write_bytes(saved)
    _changed(path, sql)
    again = cl.Session.load(path)
    (problem,) = again.problems
    assert why in problem and "in the file as it was" in problem
    assert again["first"].id == given.id and again.notes == ["a note"]
    with pytest.raises(InputError, match="'editor' is taken"):
        again.keep(cl.BranchTree(given), "editor")
    again.keep(cl.BranchTree(given), "tree")
    again.close()
    assert "tree" in cl.Session.load(path).widgets


def test_one_session_is_one_in_a_kernel(kept, given, abacus, path):
    session, page = kept
    assert cl.Session.load(path) is session and cl.Session.load(path, model=abacus) is session
    assert session.keep(page.editor) is page.editor and list(session.widgets) == ["editor"]
    with pytest.raises(InputError, match=r"keeps CoTEditor, BranchTree, .* a int was given"):
        session.keep(3)
    with pytest.raises(InputError, match="editor that isn't kept"):
        session.keep(cl.BranchTree(cl.CoTEditor(None, given)))
    with pytest.raises(InputError, match="keeps no 'nothing'; it keeps 'editor'"):
        session["nothing"]
    session.close()
    with pytest.raises(InputError, match="was closed: open it again"):
        session.note("too late")
    page.act("edit", **page.place("54"), text="64")  # the editor goes on


def test_a_file_that_cannot_be_written_stops_no_work(kept):
    session, page = kept
    session._file.close()
    with pytest.warns(UserWarning, match=r"study\.cotlens"):
        page.act("edit", **page.place("54"), text="64")
    assert len(page.editor.branches) == 3
