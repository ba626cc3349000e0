"""The file of a session: SQLite that holds JSON, every change in a transaction of its own.

A process that is killed loses at most what it was about to write. The file is one process's while it is open: two that
wrote to it would overwrite each other's work. While it is open a journal lies beside it, which brings it back to its
last whole state where a process was killed. Nothing in it is ever run.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cotlens._core.data import loads
from cotlens._core.errors import InputError

FORMAT = "cotlens-session"
VERSION = 1
Item = tuple[str, str, Any]
"""Kind, id and JSON data."""
_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)",
    "CREATE TABLE items (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, "
    "UNIQUE (kind, id))",
)


class SessionFile:
    """The open file of a session.

    Args:
        path: of the file.
        new: make it, rather than open it.

    Raises:
        InputError: it is there already (or, opening, isn't), is no session or a newer one, is damaged, or is open in
            another process.
    """

    def __init__(self, path: Path, *, new: bool) -> None:
        self._lock = threading.Lock()
        with _told(path):
            self.path = path = Path(os.path.abspath(path))  # whoever changes the folder goes on in the same file
            if new and path.exists():
                raise InputError(f"There is something at {path} already: open a session with cl.Session.load(path).")
            if not new and not path.is_file():
                raise InputError(f"There is no session at {path}: begin one with cl.Session(path, model).")
        self._connection = self._opened(new)

    def read(self, kind: str) -> dict[str, Any]:
        """All items of a kind by id, in the order in which they were first kept; of one that is no JSON the text."""
        with self._lock, _told(self.path):
            rows = self._connection.execute("SELECT id, value FROM items WHERE kind = ? ORDER BY number", (kind,))
            return {str(name): _data(value) for name, value in rows}

    def about(self, name: str) -> Any:
        """What is said of the session as a whole; None where nothing is."""
        with self._lock, _told(self.path):
            row = self._connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
            return None if row is None else _data(row[0])

    def write(self, items: Iterable[Item], about: dict[str, Any] | None = None) -> None:
        """Keep items, in place of those of their kind and id, all of them or none.

        Raises:
            InputError: the file can't be written.
        """
        rows = [(kind, name, _text(value)) for kind, name, value in items]
        said = [(name, _text(value)) for name, value in (about or {}).items()]
        with self._lock, _told(self.path), self._connection:
            if not self.path.exists():  # SQLite would go on writing to a file that nobody can open any more
                raise InputError(
                    f"The file of this session is gone from {self.path}: nothing is kept any more. session.save(path) "
                    "writes everything to another file and goes on there."
                )
            self._connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", said)
            self._connection.executemany(
                "INSERT INTO items (kind, id, value) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value",
                rows,
            )

    def close(self) -> None:
        """Let go of the file, so that others may open it."""
        with self._lock:
            self._connection.close()

    def _opened(self, new: bool) -> sqlite3.Connection:
        with _told(self.path):
            connection = sqlite3.connect(self.path, timeout=0.5, check_same_thread=False)
            try:
                # Nothing that a foreign file defines is run, and no one else has it while it is open here.
                connection.executescript("PRAGMA trusted_schema = OFF; PRAGMA locking_mode = EXCLUSIVE")
                connection.execute("BEGIN EXCLUSIVE")
                if new:
                    for table in _TABLES:
                        connection.execute(table)
                    connection.execute("INSERT INTO about VALUES ('format', ?)", (_text([FORMAT, VERSION]),))
                connection.commit()
                _check(connection, self.path)
            except BaseException:
                connection.close()
                raise
            return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    tables = {str(name): str(kind) for name, kind in connection.execute("SELECT name, type FROM sqlite_master")}
    if tables.get("about") != "table" or tables.get("items") != "table":
        raise InputError(f"{path} is not a session of CoTLens.")
    row = connection.execute("SELECT value FROM about WHERE name = 'format'").fetchone()
    found = _data(row[0]) if row else None
    if not isinstance(found, list) or len(found) != 2 or found[0] != FORMAT or type(found[1]) is not int:
        raise InputError(f"{path} is not a session of CoTLens.")
    if found[1] > VERSION:
        raise InputError(
            f"{path} is a session of a newer CoTLens (version {found[1]}; this one reads {VERSION}): update CoTLens to "
            "open it; nothing in it was changed."
        )


class _told:
    """Errors of SQLite and of the system as one sentence."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        if isinstance(error, OSError):
            raise InputError(
                f"There can be no session at {self._path} ({error.strerror}): give another path."
            ) from error
        if not isinstance(error, sqlite3.Error):
            return
        said = str(error)
        if "locked" in said:
            raise InputError(
                f"The session {self._path} is open in another kernel: close it there, or shut that kernel down; "
                "nothing in it was changed."
            ) from error
        if isinstance(error, sqlite3.OperationalError):
            raise InputError(
                f"The session {self._path} can't be read or written ({said}): it needs a folder that is there and may "
                "be written to, with room on its disk; what isn't kept yet is kept with session.save()."
            ) from error
        raise InputError(
            f"{self._path} is not a session, or it is damaged ({said}); nothing in it was changed."
        ) from error


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _data(value: Any) -> Any:
    """JSON as data; a text that is none stays a text, and whoever reads the item finds that it doesn't fit."""
    try:
        return loads(value)
    except (ValueError, TypeError):
        return value
