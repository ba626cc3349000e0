"""Bits that turn in the file of a session: what is damaged is left out by name, and everything else opens."""

import random
import sqlite3
from contextlib import closing

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from tests.unit.widgets.results import pairs
from tests.unit.workbench.session.damage import changed, flipped, older


@pytest.fixture(scope="module")
def whole(given, tmp_path_factory):
    """The bytes of a session with an editor of three branches, texts, numbers and notes, and what it holds."""
    path = tmp_path_factory.mktemp("whole") / "study.cotlens"
    second = given.replace("= 44", "= 54")
    third = second.replace("= 54", "= 64")
    with closing(cl.Session(path)) as session:
        editor = session.keep(cl.CoTEditor(None, given))
        editor.tree.add(second, "b0", "44 → 54", "trace = trace.replace('= 44', '= 54')")
        editor.tree.add(third, "b1", "54 → 64", "trace = trace.replace('= 54', '= 64')")
        for number in range(3):
            session.keep(pairs({(0, 1): number / 7}), f"numbers {number}")
            session.note(f"note {number}")
        session.keep(given, "mine")
    return path.read_bytes(), third


@pytest.fixture
def path(whole, tmp_path):
    path = tmp_path / "study.cotlens"
    path.write_bytes(whole[0])
    return path


def test_a_number_that_turned_is_left_out_by_name_and_everything_else_opens(path):
    flipped(path, "kept", "numbers 1")
    with closing(cl.Session.load(path)) as session:
        assert session.problems == [
            "In the file, 'numbers 1' is damaged, so it was left out; it is kept there as it is."
        ]
        assert list(session.kept) == ["numbers 0", "numbers 2", "mine"] and list(session.widgets) == ["editor"]
        session.keep(pairs({(0, 1): 0.9}), "numbers 1")
        session.save(path.with_name("copy.cotlens"))
    for each in (path, path.with_name("copy.cotlens")):
        with closing(cl.Session.load(each)) as again:
            assert len(again.problems) == 1 and "numbers 1" in again.kept, (
                "what is damaged is set aside, and still named"
            )


def test_a_branch_that_is_damaged_takes_no_other_with_it(path, whole, abacus, monkeypatch):
    flipped(path, "node", "editor/b1")
    with closing(cl.Session.load(path)) as session:
        tree = session["editor"].tree
        assert [each for each in session.problems if "the branch b1 of 'editor' is damaged" in each], session.problems
        assert [each for each in session.problems if "b2 of 'editor' stands by itself" in each]
        assert list(tree.nodes) == ["b0", "b2"] and session["editor"].trace.id == whole[1].id
        monkeypatch.setattr(cl, "load", lambda name: abacus, raising=False)
        made = {}
        exec(session.script(), made)
        assert made["different"] == [] and made["traces"]["editor/b2"].id == whole[1].id
        tree.add(whole[1].replace("= 64", "= 74"), "b2", "64 → 74", "trace = trace.replace('= 64', '= 74')")
        assert list(tree.nodes)[-1] == "b3", "no branch gets the name of another"
    with closing(cl.Session.load(path)) as again:
        assert list(again["editor"].tree.nodes) == ["b0", "b2", "b3"]
        assert len(again.problems) == 1, "b2 was written as it is now"


def test_no_note_is_written_over_another(path):
    flipped(path, "note", "2", bit=1)
    with closing(cl.Session.load(path)) as session:
        assert session.notes == ["note 0", "note 2"] and "the note '2'" in session.problems[0]
        session.note("new")
    with closing(cl.Session.load(path)) as again:
        assert again.notes == ["note 0", "note 2", "new"]


def test_a_file_without_checksums_opens_and_gets_them_when_it_is_written(path):
    older(path)
    before = path.read_bytes()
    cl.Session.load(path).close()
    assert path.read_bytes() == before, "to look at it changes nothing"
    with closing(cl.Session.load(path)) as session:
        assert session.problems == [] and len(session.notes) == 3
        session.note("new")
    flipped(path, "kept", "numbers 0")
    with closing(cl.Session.load(path)) as again:
        assert again.notes[-1] == "new" and "'numbers 0' is damaged" in again.problems[0]


def test_what_the_file_says_of_itself_may_turn(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE about SET value = replace(value, '2', '6')")
    with closing(cl.Session.load(path)) as session:
        assert len(session.notes) == 3
    changed(path, "UPDATE about SET value = replace(value, '2', '6')")
    with pytest.raises(InputError, match="a newer CoTLens"):
        cl.Session.load(path)


def _opened(path):
    try:
        return cl.Session.load(path)
    except InputError as error:
        if "damaged" in str(error) or "is not a session" in str(error):
            return None
        raise


def test_wherever_a_bit_turns_nothing_is_told_that_was_not_written(path, whole):
    """Each is refused in a sentence, or opens with what was written and names what it left out."""
    drawn = random.Random(0)
    known = {f"numbers {number}": pairs({(0, 1): number / 7}).data()["columns"] for number in range(3)}
    opened = 0
    for _ in range(40):
        body = bytearray(whole[0])
        body[drawn.randrange(len(body))] ^= 1 << drawn.randrange(8)
        path.write_bytes(body)
        session = _opened(path)
        if session is None:
            continue
        with closing(session):
            opened += 1
            told = " ".join(session.problems)
            for name, columns in known.items():
                assert name in told if name not in session.kept else session.kept[name].data()["columns"] == columns
            assert all(note in session.notes or "note" in told for note in ("note 0", "note 1", "note 2"))
    assert opened > 30
