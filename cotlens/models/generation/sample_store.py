"""The sample store: rollouts on disk, so that a repeated question costs nothing and a killed kernel loses nothing.

Beside them lie the results of surveys, cell by cell, under what decides them.

One SQLite file in WAL mode, which several processes may use at once. A rollout is found by what decides its text: the
tokens before it, all bytes of the model's weights and what is done with them (see `models.identity`), the type they are
computed in, the sampling settings, interventions, seed and index. No name counts: neither that of a model nor a commit.
Only tokens are kept (of a chat endpoint, which shows none, the text of its replies), and everything else (roles,
answers) is read off them anew. Device, number of threads and the company a rollout is written in are left out: they
change its numbers in the last digits, not what it is a sample of.

The file lies in the user's cache folder. The environment variable COTLENS_STORE names another one, or turns the store
off (COTLENS_STORE=off); `cl.load(name, store=...)` does the same for one model.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cotlens._core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cotlens.models.contract.interventions import Intervention

VARIABLE = "COTLENS_STORE"
OFF = "off"
VERSION = 2  # of how rollouts are sampled: raise it when the same question gives another text
_WAIT_S = 30.0  # for another process that is writing
_TABLE = """CREATE TABLE IF NOT EXISTS rollouts (
    question BLOB NOT NULL, number INTEGER NOT NULL, tokens BLOB NOT NULL, finish TEXT NOT NULL,
    PRIMARY KEY (question, number)) WITHOUT ROWID"""
_REPLIES = """CREATE TABLE IF NOT EXISTS replies (
    question BLOB NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL,
    PRIMARY KEY (question, number)) WITHOUT ROWID"""
_CELLS = """CREATE TABLE IF NOT EXISTS cells (
    question BLOB PRIMARY KEY NOT NULL, result TEXT NOT NULL) WITHOUT ROWID"""

Written = tuple[list[int], str]
"""The tokens of a rollout and how it ended ("stop" or "length")."""


def default_path() -> Path | None:
    """Where the store lies: $COTLENS_STORE, else a file in the user's cache folder; None where it is turned off."""
    given = os.environ.get(VARIABLE, "")
    if given:
        return None if given.lower() == OFF else Path(given).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        cache = home / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return cache / "cotlens" / "rollouts.sqlite"


def open_store(given: str | os.PathLike[str] | bool | None) -> Store | None:
    """The store that an option names: a path, None or True for the default one, False or "off" for none."""
    if given is False or given == OFF:
        return None
    path = default_path() if given is None or given is True else Path(given).expanduser()
    return None if path is None else Store(path)


def question(
    ids: Sequence[int], model: Sequence[str], settings: dict[str, Any], interventions: Sequence[Intervention], seed: int
) -> bytes:
    """What identifies the rollouts after `ids`, 32 bytes.

    Args:
        model: what it is known by: its `state`, and the type it computes in.
        settings: of sampling, and where text ends; as JSON holds them.
    """
    digest = hashlib.sha256(f"{VERSION}\n{json.dumps([list(model), settings, seed], sort_keys=True)}\n".encode())
    digest.update(np.asarray(ids, "<i4").tobytes())
    digest.update("".join(item.fingerprint for item in interventions).encode())
    return digest.digest()


class Store:
    """Rollouts on disk; opened when first used, safe to use from any thread and any number of processes.

    Args:
        path: of the file; folders are made as needed.

    Raises:
        InputError: on first use, if the file can't be opened or isn't a store.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._opened: tuple[int, sqlite3.Connection] | None = None

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def find(self, asked: bytes, numbers: Iterable[int]) -> dict[int, Written]:
        """The rollouts of a question that are there, by number."""
        wanted = set(numbers)
        with self._connection() as connection:
            rows = connection.execute("SELECT number, tokens, finish FROM rollouts WHERE question = ?", (asked,))
            return {
                number: (np.frombuffer(tokens, "<i4").tolist(), finish)
                for number, tokens, finish in rows
                if number in wanted
            }

    def keep(self, rollouts: Iterable[tuple[bytes, int, Sequence[int], str]]) -> None:
        """Write rollouts (question, number, tokens, finish) in one go; those that are there already stay."""
        rows = [(asked, n, np.asarray(ids, "<i4").tobytes(), finish) for asked, n, ids, finish in rollouts]
        with self._connection() as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO rollouts VALUES (?, ?, ?, ?)", rows)

    def find_replies(self, asked: bytes, numbers: Iterable[int]) -> dict[int, tuple[str, str]]:
        """The replies to messages that are there, by number: text and how it ended."""
        wanted = set(numbers)
        with self._connection() as connection:
            rows = connection.execute("SELECT number, text, finish FROM replies WHERE question = ?", (asked,))
            return {number: (text, finish) for number, text, finish in rows if number in wanted}

    def keep_replies(self, replies: Iterable[tuple[bytes, int, str, str]]) -> None:
        """Write replies (question, number, text, finish) in one go; those that are there already stay."""
        with self._connection() as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)", list(replies))

    def find_cell(self, asked: bytes) -> str | None:
        """The result of a survey's cell as JSON, None where it isn't there."""
        with self._connection() as connection:
            row = connection.execute("SELECT result FROM cells WHERE question = ?", (asked,)).fetchone()
            return None if row is None else str(row[0])

    def keep_cell(self, asked: bytes, result: str) -> None:
        """Write the result of a survey's cell; one that is there already stays."""
        with self._connection() as connection, connection:
            connection.execute("INSERT OR IGNORE INTO cells VALUES (?, ?)", (asked, result))

    def __len__(self) -> int:
        with self._connection() as connection:
            return int(connection.execute("SELECT count(*) FROM rollouts").fetchone()[0])

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened[1].close()
                self._opened = None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                if self._opened is None or self._opened[0] != os.getpid():  # a connection doesn't survive a fork
                    self._opened = (os.getpid(), self._open())
                yield self._opened[1]
        except (sqlite3.Error, OSError) as error:
            raise InputError(
                f"The sample store {self.path} can't be used ({error}); name another file in the environment variable "
                f"{VARIABLE}, or turn the store off with {VARIABLE}={OFF}."
            ) from error

    def _open(self) -> sqlite3.Connection:
        # What models were asked and said is nobody else's to read; SQLite gives its side files the same mode.
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.touch(mode=0o600)
        if self.path == default_path():  # one that was made when the mode was left open
            self.path.chmod(0o600)
            self.path.parent.chmod(0o700)
        connection = sqlite3.connect(self.path, timeout=_WAIT_S, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")  # a crash of the process loses nothing; of the machine, seconds
        connection.execute(_TABLE)
        connection.execute(_REPLIES)
        connection.execute(_CELLS)
        connection.commit()
        return connection
