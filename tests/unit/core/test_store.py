"""The sample store by itself: what is kept, where it lies, and that several processes may use it."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.models.contract.interventions import AddVector, BlockAttention
from cotlens.models.generation import sample_store
from cotlens.models.generation.sample_store import Store

MODEL = ("abacus", "weights:1", "float32")
SETTINGS = {"temperature": 1.0, "top_p": 1.0, "max_new_tokens": 9, "stop_ids": [2]}


def asked(ids=(1, 2), model=MODEL, settings=SETTINGS, interventions=(), seed=0):
    return sample_store.question(ids, model, settings, interventions, seed)


@pytest.fixture
def kept(tmp_path):
    return Store(tmp_path / "deep" / "rollouts.sqlite")


def test_what_was_kept_is_found(kept):
    kept.keep([(asked(), 0, [5, 6], "stop"), (asked(), 3, [70000], "length"), (asked(seed=1), 0, [9], "stop")])
    assert kept.find(asked(), range(10)) == {0: ([5, 6], "stop"), 3: ([70000], "length")}
    assert kept.find(asked(), [3, 4]) == {3: ([70000], "length")}
    assert kept.find(asked(ids=(1, 3)), range(10)) == {}
    assert len(kept) == 3


def test_it_is_there_after_closing_and_for_others(kept):
    kept.keep([(asked(), 0, [5], "stop")])
    assert Store(kept.path).find(asked(), [0]) == {0: ([5], "stop")}
    kept.close()
    assert kept.find(asked(), [0]) == {0: ([5], "stop")}


def test_the_first_answer_stays(kept):
    kept.keep([(asked(), 0, [5], "stop")])
    kept.keep([(asked(), 0, [6], "stop")])
    assert kept.find(asked(), [0]) == {0: ([5], "stop")}


def test_everything_that_decides_the_text_is_part_of_the_question():
    add = AddVector(1, np.ones(4, np.float32))
    others = [
        asked(ids=(1, 2, 3)),
        asked(ids=(2, 1)),
        asked(model=("abacus", "weights:2", "float32")),
        asked(model=("abacus", "weights:1", "bfloat16")),
        *(asked(settings={**SETTINGS, name: value}) for name, value in
          {"temperature": 0.5, "top_p": 0.9, "max_new_tokens": 10, "stop_ids": [3]}.items()),
        asked(seed=1),
        asked(interventions=[add]),
        asked(interventions=[AddVector(1, np.full(4, 2, np.float32))]),
        asked(interventions=[AddVector(1, np.ones(4, np.float32), coefficient=2.0)]),
        asked(interventions=[AddVector(2, np.ones(4, np.float32))]),
        asked(interventions=[add, add]),
        asked(interventions=[BlockAttention(None, (3,))]),
        asked(interventions=[BlockAttention(None, range(3, 9))]),
    ]  # fmt: skip
    assert len({asked(), *others}) == len(others) + 1
    assert asked(interventions=[add]) == asked(interventions=[AddVector(1, np.ones(4, np.float32))])


def test_where_it_lies(monkeypatch, tmp_path):
    monkeypatch.delenv(sample_store.VARIABLE)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sample_store.default_path() == tmp_path / "cotlens" / "rollouts.sqlite"
    monkeypatch.setenv(sample_store.VARIABLE, str(tmp_path / "mine.sqlite"))
    assert sample_store.open_store(None).path == tmp_path / "mine.sqlite"
    assert sample_store.open_store(tmp_path / "other.sqlite").path == tmp_path / "other.sqlite"
    monkeypatch.setenv(sample_store.VARIABLE, "off")
    assert sample_store.open_store(None) is None
    assert sample_store.open_store(True) is None
    assert sample_store.open_store(tmp_path / "other.sqlite") is not None
    monkeypatch.delenv(sample_store.VARIABLE)
    assert sample_store.open_store(False) is None
    assert sample_store.open_store("off") is None


def test_nothing_is_made_before_it_is_used(tmp_path):
    Store(tmp_path / "deep" / "rollouts.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_store_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be looked at as one" * 20)
    with pytest.raises(InputError, match=r"notes\.txt can't be used.*COTLENS_STORE=off"):
        Store(path).find(asked(), [0])
    assert path.read_text().startswith("not a database")


def test_what_is_damaged_is_taken_out_and_asked_for_anew(kept):
    kept.keep([(asked(), 0, [5, 6], "stop"), (asked(), 1, [7], "stop")])
    kept.keep_replies([(b"q", 0, "seven", "stop")])
    kept.keep_cell(b"cell", '{"estimate": 0.25}')
    kept.close()
    with closing(sqlite3.connect(kept.path)) as connection, connection:
        connection.execute("UPDATE rollouts SET tokens = x'0500000007000000' WHERE number = 0")
        connection.execute("UPDATE cells SET result = replace(result, '2', '3')")
    with pytest.warns(UserWarning, match=r"1 of the rollouts that the sample store .* were damaged"):
        assert kept.find(asked(), range(2)) == {1: ([7], "stop")}
    with pytest.warns(UserWarning, match="1 of the cells"):
        assert kept.find_cell(b"cell") is None
    assert kept.find_replies(b"q", [0]) == {0: ("seven", "stop")}
    kept.keep([(asked(), 0, [5, 6], "stop")])
    assert kept.keep_cell(b"cell", "{}") and kept.find_cell(b"cell") == "{}"
    assert kept.find(asked(), [0]) == {0: ([5, 6], "stop")} and len(kept) == 2


def test_what_an_older_version_kept_is_found(kept):
    kept.find(asked(), [0])
    with closing(sqlite3.connect(kept.path)) as connection, connection:
        connection.execute("INSERT INTO rollouts VALUES (?, 0, x'05000000', 'stop')", (asked(),))
    kept.keep([(asked(), 0, [9], "stop")])
    assert kept.find(asked(), [0]) == {0: ([5], "stop")}


def test_what_can_not_be_written_waits_in_memory(kept):
    kept.keep([(asked(), 0, [5], "stop")])
    kept._opened[1].execute("PRAGMA max_page_count = 1")  # a disk without room
    with pytest.warns(UserWarning, match=r"its disk is full.*stays in memory"):
        kept.keep([(asked(), number, list(range(9000)), "stop") for number in range(1, 4)])
    assert not kept.keep_cell(b"cell", "{}" * 9000) and kept.find_cell(b"cell") == "{}" * 9000
    assert kept.find(asked(), range(9))[3] == (list(range(9000)), "stop")
    kept._opened[1].execute("PRAGMA max_page_count = 1000000")
    kept.keep([(asked(seed=1), 0, [6], "stop")])
    other = Store(kept.path)
    assert other.find(asked(), range(9)).keys() == {0, 1, 2, 3} and other.find_cell(b"cell") == "{}" * 9000


def test_many_processes_write_at_once(kept):
    """Each writes a hundred rollouts one by one; nobody is refused and nothing is lost."""
    code = """
import sys
from cotlens.models.generation.sample_store import Store
kept, who = Store(sys.argv[1]), int(sys.argv[2])
for number in range(100):
    kept.keep([(bytes([who]), number, [who, number], "stop"), (b"shared", number, [7], "stop")])
"""
    root = Path(sample_store.__file__).parents[3]
    running = [subprocess.Popen([sys.executable, "-c", code, str(kept.path), str(who)], cwd=root) for who in range(3)]
    assert [process.wait(600) for process in running] == [0, 0, 0]
    for who in range(3):
        assert kept.find(bytes([who]), range(100)) == {n: ([who, n], "stop") for n in range(100)}
    assert len(kept) == 400
    with sqlite3.connect(kept.path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
