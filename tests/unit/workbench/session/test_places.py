"""Where a session's file is: folders that are changed, files that go away, paths that can't be, bytes that turned."""

import os
import resource
from contextlib import contextmanager

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from tests.unit.workbench.session.damage import changed

SURE = "save\\(path\\) still writes everything to another file"


@pytest.fixture
def begun(given, tmp_path):
    """A session with a tree and a note."""
    session = cl.Session(tmp_path / "study.cotlens")
    tree = session.keep(cl.BranchTree(given), "tree")
    session.note("first")
    yield session, tree
    session.close()


def test_another_folder_changes_nothing(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = cl.Session("study.cotlens")
    tree = session.keep(cl.BranchTree(given), "tree")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    tree.annotate("b0", "from below")
    session.note("from below, too")
    session.save()
    session.close()
    assert not list((tmp_path / "below").iterdir()), "nothing is written there"
    again = cl.Session.load("../study.cotlens")
    assert again.notes == ["from below, too"] and again["tree"].tree.nodes["b0"].note == "from below"
    assert again is cl.Session.load(tmp_path / "study.cotlens")
    again.close()


def test_what_is_not_kept_is_said_and_goes_to_another_file(begun, given, tmp_path):
    session, tree = begun
    session.path.rename(tmp_path / "moved.cotlens")
    with pytest.warns(UserWarning, match="is gone from"):
        tree.annotate("b0", "worked on")
    with pytest.raises(InputError, match=r"is gone from .*session\.save\(path\)"):
        session.note("refused")
    with pytest.raises(InputError, match="is gone from"):
        session.save()
    with pytest.raises(InputError, match="something at"):
        session.save(tmp_path / "moved.cotlens")
    session.save(tmp_path / "elsewhere.cotlens")
    session.note("second")
    tree.tag("b0", "there")
    session.close()
    again = cl.Session.load(tmp_path / "elsewhere.cotlens")
    node = again["tree"].tree.nodes["b0"]
    assert again.notes == ["first", "second"] and (node.note, node.tags) == ("worked on", ("there",))
    again.close()


def test_a_disk_without_room_leaves_no_half_file_and_the_session_where_it_was(begun, tmp_path):
    session, tree = begun
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    tree.annotate("b0", "x" * 9000)
    with writable_up_to(24_600):
        with pytest.raises(InputError, match=r"written \(its disk fails, or allows no larger file\); nothing is lost"):
            session.save(tmp_path / "other.cotlens")
        with pytest.raises(InputError, match=r"File too large; make room there"):
            cl.Traces([tree.tree.nodes["b0"].trace] * 400).to_jsonl(tmp_path / "many.jsonl")
    with writable_up_to(100), pytest.raises(InputError, match=r"There can be no session at .* allows no larger file"):
        cl.Session(tmp_path / "new.cotlens")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == hard
    assert [each.name for each in tmp_path.iterdir() if "study" not in each.name] == []
    session.note("still here")
    assert session.path.name == "study.cotlens"


@contextmanager
def writable_up_to(size):
    """No file may grow beyond a number of bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_another_file_in_its_place_is_not_written_to(begun, tmp_path):
    session, _ = begun
    session.path.rename(tmp_path / "moved.cotlens")
    session.path.mkdir()
    with pytest.raises(InputError, match=r"gone from .*study\.cotlens, where something else is now"):
        session.note("refused")


def test_a_process_that_was_forked_says_so_and_can_keep_what_it_has_elsewhere(begun, tmp_path):
    session, _ = begun
    child = os.fork()
    if not child:
        code = 1
        try:
            with pytest.raises(InputError, match=r"this one was forked from that: session\.save"):
                session.note("in the child")
            session.save(tmp_path / "child.cotlens")
            session.note("in the child")
            session.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    session.note("in the parent")
    session.close()
    assert cl.Session.load(session.path).notes == ["first", "in the parent"]
    assert cl.Session.load(tmp_path / "child.cotlens").notes == ["first", "in the child"]


def test_closing_says_what_it_could_not_keep_and_saving_elsewhere_still_has_it(begun, tmp_path):
    session, tree = begun
    session.path.unlink()
    session.close()  # there is nothing that the file had not
    session.save(tmp_path / "again.cotlens")
    (tmp_path / "again.cotlens").unlink()
    with pytest.warns(UserWarning, match="is gone from"):
        tree.annotate("b0", "worked on")
    with pytest.warns(UserWarning, match=rf"'tree' couldn't be kept .* closed: session\.{SURE}"):
        session.close()
    session.save(tmp_path / "third.cotlens")
    session.close()
    again = cl.Session.load(tmp_path / "third.cotlens")
    assert again.notes == ["first"] and again["tree"].tree.nodes["b0"].note == "worked on"
    again.close()


def test_what_could_not_be_brought_back_goes_along(begun, given, tmp_path):
    session, _ = begun
    session.keep(given, "mine")
    session.close()
    changed(session.path, "UPDATE items SET value = replace(value, '44', '45') WHERE id = 'mine'")
    again = cl.Session.load(session.path)
    (problem,) = again.problems
    again.save(tmp_path / "copy.cotlens")
    again.close()
    copy = cl.Session.load(tmp_path / "copy.cotlens")
    assert copy.problems == [problem] and "tree" in copy.widgets
    copy.close()


@pytest.mark.parametrize("name", ["é" * 200 + ".cotlens", "x" * 5000, "file/study.cotlens"])
def test_a_path_that_the_system_refuses_is_said(name, tmp_path):
    (tmp_path / "file").write_text("no folder", "utf-8")
    for act in (cl.Session, cl.Session.load):
        with pytest.raises(InputError, match=r"the system refuses this one|no session at|needs a folder"):
            act(tmp_path / name)


@pytest.mark.parametrize(
    "value", ['"a text"', "[1]", "{", "3", "null", '{"kind": ["CoTEditor"]}', '{"kind": "BranchTree"}']
)
def test_no_interpreters_words_are_said_of_damage(begun, value):
    session, _ = begun
    session.close()
    changed(session.path, "UPDATE items SET value = ? WHERE id = 'tree'", value)
    again = cl.Session.load(session.path)
    (problem,) = again.problems
    assert "the file is damaged there" in problem or "is missing" in problem, problem
    assert again.notes == ["first"]
    again.close()


@pytest.mark.parametrize("value", ['"a text"', "[1]", "{", "3", "{}", '{"name": 3}'])
def test_a_damaged_word_of_the_model_is_said(given, abacus, tmp_path, value):
    session = cl.Session(tmp_path / "study.cotlens", abacus)
    session.note("first")
    session.close()
    changed(session.path, "UPDATE about SET value = ? WHERE name = 'model'", value)
    again = cl.Session.load(session.path)
    assert again.notes == ["first"] and "what the file says of its model is damaged" in again.problems[0].lower()
    again.close()
    assert cl.Session.load(session.path, model=abacus).notes == ["first"]
