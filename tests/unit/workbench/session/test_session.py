"""A session comes back as it was: after a restart, after kill -9, and as a script that gives the same numbers."""

import html
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.workbench.editor.measure_menu import ShadingSettings
from tests import pretrained
from tests.unit.widgets.results import pairs
from tests.unit.workbench.session.damage import changed

pytestmark = pytest.mark.usefixtures("unhurried")
ROOT = Path(__file__).resolve().parents[4]
KILLED = """
import sys, cotlens as cl
model = cl.load("abacus")
trace = cl.Trace.from_text(sys.argv[2], sys.argv[3], "The answer is 17.", model=model)
session = cl.Session(sys.argv[1], model)
editor = session.keep(cl.CoTEditor(model, trace, measure="early-answer", unit="sentence"))
assert editor.wait(600)
at = trace.text.index("44")
about = {"request_id": 1, "document": trace.id}
editor.view._handle_custom_msg({"kind": "edit", "start": at, "end": at + 2, "text": "54", **about}, [])
assert editor.wait(600)
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
    assert editor.wait(600) and not editor.model.asleep, editor.error
    page.act("measure", **{name: request[name] for name in ("document", "measure", "unit")})
    measured = editor.result.columns["estimate"]
    assert np.array_equal(measured, page.editor.result.columns["estimate"], equal_nan=True)
    again.close()
    third = cl.Session.load(path)["editor"]
    assert np.array_equal(third.result.columns["estimate"], measured, equal_nan=True), "it was kept as it was measured"


def test_a_session_that_is_moved_while_it_is_open_is_told_from_one_of_another_kernel(path, tmp_path):
    session = cl.Session(path)
    session.note("it was here")
    (tmp_path / "there").mkdir()
    moved = path.rename(tmp_path / "there" / path.name)
    with pytest.raises(InputError, match="this kernel has open from") as told:
        cl.Session.load(moved)
    assert f"cl.Session.load({str(path)!r}).close()" in str(told.value)
    cl.Session.load(path).close()
    again = cl.Session.load(moved)
    assert again.notes == ["it was here"]
    again.close()


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
    (drawn,) = [node for node in editor.tree.nodes.values() if node.kind == "resample"]
    assert drawn.parent == "b1" and drawn.fan["rows"] is not None, "what rollouts had answered by then"
    assert any(key[0] == given.id for key in editor._measuring.finished())
    session.close()


def test_real_text_is_kept(path):
    model = pretrained.model()
    trace = cl.Trace.from_text("What is 3 + 4?", "I add 3 and 4. “Sieben” 🍐 is 7.", "7", model=model)
    session = cl.Session(path, model)
    editor = session.keep(cl.CoTEditor(model, trace, measure="occlusion-direct", unit="sentence"))
    assert editor.wait(600)
    known = editor.result
    session.close()
    again = cl.Session.load(path, model=model)["editor"]
    assert again.trace.text == trace.text and again.trace.token_ids == trace.token_ids
    assert np.isfinite(known.columns["estimate"]).any() and again.result.data() == known.data()


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
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE about (name TEXT)")
    for damaged in (half, text, other):
        with pytest.raises(InputError, match=r"is not a session|damaged"):
            cl.Session.load(damaged)
    changed(path, "UPDATE about SET value = ? WHERE name = 'format'", '["cotlens-session", 3]')
    with pytest.raises(InputError, match=r"a newer CoTLens \(version 3; this one reads 2\)"):
        cl.Session.load(path)
    changed(path, "UPDATE about SET value = ? WHERE name = 'format'", '["cotlens-session", 2]')
    assert cl.Session.load(path).problems == []


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE items SET value = '{' WHERE kind = 'node' AND id = 'editor/b1'", "couldn't be brought back"),
        ("UPDATE items SET value = replace(value, '44', '45') WHERE id = 'editor/b0'", "changed after it was saved"),
        ("DELETE FROM items WHERE id = 'editor/b0' OR kind = 'trace'", "is missing"),
        ("UPDATE items SET value = replace(value, 'CoTEditor', 'Popen') WHERE kind = 'widget'", "'Popen' is missing"),
    ],
)
def test_what_is_damaged_is_said_and_the_rest_comes_back(saved, given, path, sql, why):
    path.write_bytes(saved)
    changed(path, sql)
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
    with pytest.raises(InputError, match=r"keeps CoTEditor, FeatureTable, .* a int was given"):
        session.keep(3)
    with pytest.raises(InputError, match="editor that isn't kept"):
        session.keep(cl.BranchTree(cl.CoTEditor(None, given)))
    with pytest.raises(InputError, match=r"keeps no 'nothing'; it keeps 'editor'\."):
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


@pytest.mark.parametrize("name", ["a/b", "", " ", "x" * 201, "two\nlines", "half \ud800", "\0"])
def test_a_name_that_cannot_be_one_is_refused(kept, given, name):
    session, _ = kept
    if name:
        with pytest.raises(InputError):
            session.keep(given, name)
        assert session.kept == {}
    session.keep(given, odd := "say \"hi\" 'there' <script> 🍐")
    script = session.script()
    session.close()
    again = cl.Session.load(session.path)
    assert again[odd].id == given.id and again.script() == script
    compile(script, "script", "exec")
    again.close()


def test_a_full_disk_loses_nothing(kept, given):
    """What could not be written is said, goes on being shown, and is written when there is room again."""
    session, page = kept
    connection = session._file._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.warns(UserWarning, match=r"disk is full.*session\.save"):
        page.editor.tree.annotate("b1", "x" * 10_000)
    with pytest.raises(InputError, match="disk is full"):
        session.note("y" * 90_000)
    with pytest.raises(InputError, match="disk is full"):
        session.keep(cl.Trace.from_text("a" * 90_000, "b", "c"), "large")
    assert session.notes == [] and session.kept == {}, "who was told that it failed can do it again"
    connection.execute("PRAGMA max_page_count = 1000000")
    session.save()
    session.note("room again")
    session.close()
    again = cl.Session.load(session.path)
    assert again["editor"].tree.nodes["b1"].note == "x" * 10_000 and again.notes == ["room again"]
    again.close()


def test_a_file_that_is_gone_is_said_and_everything_can_be_kept_anew(kept, tmp_path):
    session, page = kept
    session.path.unlink()
    with pytest.warns(UserWarning, match=r"is gone from .*study\.cotlens"):
        page.editor.tree.annotate("b1", "noted")
    with pytest.warns(UserWarning, match="'editor' couldn't be kept as it is now"):
        session.close()
    other = cl.Session(session.path)
    other.keep(page.editor)
    other.close()
    again = cl.Session.load(session.path)
    assert again["editor"].tree.nodes["b1"].note == "noted"
    again.close()


def test_a_path_where_nothing_can_be_is_said(tmp_path, abacus):
    with pytest.raises(InputError, match="needs a folder that is there"):
        cl.Session(tmp_path / "nowhere" / "study.cotlens", abacus)
    with pytest.raises(InputError, match="something at"):
        cl.Session(tmp_path, abacus)
    with pytest.raises(InputError, match="no session at"):
        cl.Session.load(tmp_path)
    for nothing in ("", "\0", "a\0b"):
        with pytest.raises(InputError, match="a path, which has a character at least"):
            cl.Session(nothing, abacus)


def test_what_is_no_model_is_said_and_no_file_is_made(saved, path):
    for other in (3, "abacus", object()):
        with pytest.raises(InputError, match=r"A session is of a model, as cl\.load\(name\) gives one"):
            cl.Session(path, other)
    assert not path.exists()
    path.write_bytes(saved)
    with pytest.raises(InputError, match="a int was given"):
        cl.Session.load(path, model=3)
    assert cl.Session.load(path).problems == []


def test_its_page_has_all_that_is_kept(kept, given, path):
    session, page = kept
    session.keep(cl.Workbench(session["editor"].model, page.editor)).open("branches")
    session.keep(given, "<b>first")
    session.keep(page.editor.result, "numbers")
    session.note("</pre><script>alert(1)</script>")
    target = session.to_html(path.with_suffix(".html"), "<i>A finding</i>")
    whole = target.read_text("utf-8")
    around = re.sub(r'srcdoc="[^"]*"', "", whole)
    titles = [html.unescape(each) for each in re.findall(r"<h2>(.*?)</h2>", around)]
    assert titles == ["notes", "editor", "branches", "<b>first", "numbers", "script"]
    assert "<script" not in around and "<i>" not in around and whole.count("<iframe") == len(titles)
    with pytest.raises(InputError, match="Nothing can be saved at"):
        session.to_html(path.parent / "nowhere" / "page.html")
    os.mkfifo(pipe := path.with_suffix(".pipe"))
    for target, why in ((pipe, "it is a device, a pipe or a socket"), ("", "which has a character at least")):
        for shown in (session, page.editor, session["workbench"]):
            with pytest.raises(InputError, match=why):
                shown.to_html(target)
    assert pipe.is_fifo(), "what is there stays"


def test_a_session_without_a_model_has_a_script_that_runs(given, path, abacus, monkeypatch):
    """Texts of words need no model; those with a model's tokens have it loaded for these alone."""
    plain = cl.Trace.from_text("q", "12 + 7 = 18. </script> 'x'", "a")
    for trace in (plain, given):
        session = cl.Session(path.with_name(f"{trace.id}.cotlens"))
        editor = session.keep(cl.CoTEditor(None, trace))
        session.keep(trace, "mine")
        session.keep(cl.MonitorPanel(cl.monitors.Rules(equations=True).run([trace])))
        monkeypatch.setattr(cl, "load", lambda name: abacus, raising=False)
        made, own = {}, {}
        exec(session.script(), made)
        assert made["different"] == [] and made["traces"]["editor/b0"].id == made["traces"]["mine"].id == trace.id
        (found,) = made["readings"].values()
        assert [one.label for one in found] == [one.label for one in session["findings"].readings[0]]
        exec(editor.code, own)
        assert own["editor"].trace.id == trace.id
        session.close()


def test_a_map_comes_back_as_it_was_while_another_measure_was_only_begun(kept):
    session, page = kept
    bench = session.keep(cl.Workbench(page.editor.model, page.editor))
    shown = bench.open("importance")
    page.act("goto", branch="b0")
    assert shown.trace.id == page.editor.trace.id
    page.editor._chosen = ShadingSettings("resampling", "sentence")
    session.save()
    session.close()
    again = cl.Session.load(session.path)
    back = again["workbench"]
    assert again.problems == [] and "importance" in back.panels and back.children[0].notice == ""
    assert back["importance"].results[0].data() == shown.results[0].data() and again["editor"].result is None
    assert back["importance"].trace.id == shown.trace.id and back.editor.model.asleep
    again.close()
    bench.close()


def test_a_model_comes_back_with_what_it_was_loaded_with(path):
    """Its format and its reader decide its texts and answers, and no fingerprint of the weights says them."""
    marks = ("<reasoning>", "</reasoning>")
    model = cl.load("abacus", format=marks, dtype="float64", reader=cl.answers.Choice(), store=False)
    session = cl.Session(path, model)
    session.keep(cl.CoTEditor(model, model.compose("3 + 4?", "It is 7.", "7")))
    session.close()
    again = cl.Session.load(path)
    assert "cl.load('abacus', format=('<reasoning>', '</reasoning>'), dtype='float64')" in again.script()
    found = again.widgets["editor"].model.awake()
    assert (found.format.family.open, found.format.family.close) == marks
    assert found.dtype == "float64" and found.reader == model.reader
    again.close()
