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
import warnings
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cotlens._core.databases import checksum, is_damage, why
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
_SUMS = """CREATE TABLE IF NOT EXISTS checksums (
    held TEXT NOT NULL, question BLOB NOT NULL, number INTEGER NOT NULL, sum TEXT NOT NULL,
    PRIMARY KEY (held, question, number)) WITHOUT ROWID"""
_CELLS = """CREATE TABLE IF NOT EXISTS cells (
    question BLOB PRIMARY KEY NOT NULL, result TEXT NOT NULL) WITHOUT ROWID"""

_CONTENTS = {"rollouts": ("tokens", "finish"), "replies": ("text", "finish"), "cells": ("result",)}
"""What the rows of each table hold, beside the question and their number in it; of a question there is one cell."""

_INHERITED: list[Any] = []
"""Connections of a parent process, which mustn't be closed here: that would undo its locks."""
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

    What can't be written stays in memory, with a warning. A row whose checksum says that it is damaged is taken out.

    Raises:
        InputError: when something is looked for, if the file can't be opened or isn't a store.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._opened: tuple[int, sqlite3.Connection] | None = None
        self._waiting: dict[tuple[str, bytes, int], tuple[Any, ...]] = {}  # what couldn't be written

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def find(self, asked: bytes, numbers: Iterable[int]) -> dict[int, Written]:
        """The rollouts of a question that are there, by number."""
        wanted = set(numbers)
        return {
            number: (np.frombuffer(tokens, "<i4").tolist(), finish.decode())
            for number, tokens, finish in self._found("rollouts", asked)
            if number in wanted
        }

    def keep(self, rollouts: Iterable[tuple[bytes, int, Sequence[int], str]]) -> None:
        """Write rollouts (question, number, tokens, finish) in one go; those that are there already stay."""
        self._keep("rollouts", [(asked, n, np.asarray(ids, "<i4").tobytes(), end) for asked, n, ids, end in rollouts])

    def find_replies(self, asked: bytes, numbers: Iterable[int]) -> dict[int, tuple[str, str]]:
        """The replies to messages that are there, by number: text and how it ended."""
        wanted = set(numbers)
        rows = self._found("replies", asked)
        return {number: (text.decode(), finish.decode()) for number, text, finish in rows if number in wanted}

    def keep_replies(self, replies: Iterable[tuple[bytes, int, str, str]]) -> None:
        """Write replies (question, number, text, finish) in one go; those that are there already stay."""
        self._keep("replies", list(replies))

    def find_cell(self, asked: bytes) -> str | None:
        """The result of a survey's cell as JSON, None where it isn't there."""
        return next((row[1].decode() for row in self._found("cells", asked)), None)

    def keep_cell(self, asked: bytes, result: str) -> bool:
        """Write the result of a survey's cell; one that is there already stays. Whether it is in the file."""
        return self._keep("cells", [(asked, 0, result)])

    def _found(self, table: str, asked: bytes) -> list[tuple[Any, ...]]:
        """The rows of a question: number, and contents as bytes. Those that are damaged go, and are said."""
        number = _number(table)
        parts = ", ".join(f"CAST({part} AS BLOB)" for part in _CONTENTS[table])
        with self._connection() as connection:
            rows = connection.execute(
                f"SELECT {number}, {parts}, c.sum FROM {table} AS t LEFT JOIN checksums AS c "
                f"ON c.held = ? AND c.question = t.question AND c.number = {number} WHERE t.question = ?",
                (table, asked),
            ).fetchall()
            # What an older version kept has no checksum.
            damaged = [row[0] for row in rows if row[-1] not in (None, _sum(asked, *row[:-1]))]
            if damaged:
                _drop(connection, table, asked, damaged)
        if damaged:
            warnings.warn(
                f"{len(damaged)} of the {table} that the sample store {self.path} had for this were damaged: they were "
                "taken out of it, and are made anew.",
                stacklevel=4,
            )
        whole = {row[0]: row[:-1] for row in rows if row[0] not in damaged}
        waiting = [
            row for (held, question, _), row in list(self._waiting.items()) if (held, question) == (table, asked)
        ]
        return [*whole.values(), *(_as_bytes(row) for row in waiting if row[1] not in whole)]

    def _keep(self, table: str, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Write rows (question, number, contents) that aren't there yet; whether they are in the file.

        Where that fails they wait in memory, are found there, and are written with the next ones.
        """
        before = len(self._waiting)
        self._waiting |= {(table, row[0], int(row[1])): row for row in rows}
        new = dict(self._waiting)
        try:
            with self._connection() as connection, connection:
                for (held, *_), row in new.items():
                    _insert(connection, held, row)
        except InputError as error:
            if not before:
                warnings.warn(
                    f"{error} What is written meanwhile stays in memory, and goes to the store as soon as it can.",
                    stacklevel=4,
                )
            return False
        for key in new:
            self._waiting.pop(key, None)
        return True

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
                    _INHERITED.append(self._opened)
                    self._opened = (os.getpid(), self._open())
                yield self._opened[1]
        except (sqlite3.Error, OSError) as error:
            there = "; move it away and another is made" if is_damage(error) else ""
            raise InputError(
                f"The sample store {self.path} can't be used ({why(error)}){there}; name another file in the "
                f"environment variable {VARIABLE}, or turn the store off with {VARIABLE}={OFF}."
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
        connection.execute(_SUMS)
        connection.commit()
        return connection


def _number(table: str) -> str:
    """What numbers the rows of a question."""
    return "0" if table == "cells" else "t.number"


def _sum(asked: bytes, number: int, *parts: str | bytes) -> str:
    """The checksum of a row."""
    return checksum(asked, str(number), *parts)


def _as_bytes(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row (question, number, contents) as it is found in the file."""
    return int(row[1]), *(part.encode() if isinstance(part, str) else part for part in row[2:])


def _insert(connection: sqlite3.Connection, table: str, row: tuple[Any, ...]) -> None:
    """Write a row, unless there is one, with its checksum."""
    asked, number, *parts = row
    values = (asked, *parts) if table == "cells" else row
    places = ", ".join("?" * len(values))
    if connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", values).rowcount == 1:
        held = (table, asked, number, _sum(asked, number, *parts))
        connection.execute("INSERT OR REPLACE INTO checksums VALUES (?, ?, ?, ?)", held)


def _drop(connection: sqlite3.Connection, table: str, asked: bytes, numbers: Sequence[int]) -> None:
    which = "" if table == "cells" else " AND number = ?2"
    with connection:
        for number in numbers:
            connection.execute(f"DELETE FROM {table} WHERE question = ?1{which}", (asked, number)[: 1 + bool(which)])
            connection.execute(
                "DELETE FROM checksums WHERE (held, question, number) = (?, ?, ?)", (table, asked, number)
            )
