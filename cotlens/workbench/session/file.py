"""The file of a session: SQLite that holds JSON, each change in a transaction, each record with a checksum.

A process that is killed loses at most what it was about to write. The file is one process's while it is open: two that
wrote to it would overwrite each other's work. While it is open a journal lies beside it, which brings it back to its
last whole state where a process was killed. Nothing in it is ever run.

A record whose checksum says that it isn't what was written is left out and named; with the next writing it is set
aside, where nothing overwrites it. Files of version 1 have no checksums: they get them with the first writing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cotlens._core.databases import checksum, in_use, is_damage, why
from cotlens._core.errors import InputError
from cotlens.workbench.session import records
from cotlens.workbench.session.records import ASIDE, VERSION

Item = tuple[str, str, Any]
"""Kind, id and JSON data."""
_INHERITED: list[sqlite3.Connection] = []
"""Connections of a parent process: to close one here would undo locks and a journal that are the parent's."""
_ELSEWHERE = "session.save(path) writes everything to another file and goes on there"


class SessionFile:
    """The open file of a session.

    Args:
        path: of the file.
        new: make it, rather than open it.

    Attributes:
        damaged: kind and id of the records that `items` left out.

    Raises:
        InputError: it is there already (or, opening, isn't), is no session or a newer one, is damaged, may not be
            written to, or is open in another process.
    """

    def __init__(self, path: Path, *, new: bool) -> None:
        self._lock, self._process = threading.Lock(), os.getpid()
        self.damaged: list[tuple[str, str]] = []
        self._aside: list[tuple[str, str, int]] = []
        self._version = VERSION
        with _told(path):
            self.path = path = Path(os.path.abspath(path))  # whoever changes the folder goes on in the same file
            if new and path.exists():
                raise InputError(f"There is something at {path} already: open a session with cl.Session.load(path).")
            if not new and not path.is_file():
                raise InputError(f"There is no session at {path}: begin one with cl.Session(path, model).")
            if new:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        self._connection: sqlite3.Connection | None = self._opened(new)
        self._identity = os.stat(path)

    @property
    def usable(self) -> bool:
        """Whether it is open, and this process's."""
        return self._connection is not None and self._process == os.getpid()

    def check_elsewhere(self, path: Path) -> None:
        """Raise InputError where `path` is this open file, moved (or linked) there since it was opened."""
        with suppress(OSError):
            if self.usable and os.path.samestat(os.stat(path), self._identity):
                raise InputError(
                    f"{path} is the session that this kernel has open from {self.path}: close it "
                    f"(cl.Session.load({str(self.path)!r}).close()), then open it here."
                )

    def items(self) -> dict[str, dict[str, Any]]:
        """Kind -> id -> data of all records that are whole, in the order in which they were first kept.

        Of one that is no JSON the text. `damaged` says which were left out.
        """
        found: dict[str, dict[str, Any]] = {}
        self.damaged, self._aside = [], []
        with self._used() as connection:
            for row in records.rows(connection, self._version):
                if row.kind == ASIDE:
                    self.damaged.append(row.was)
                elif row.whole:
                    found.setdefault(row.kind, {})[row.name] = records.data(row.value)
                else:
                    self.damaged.append((row.kind, row.name))
                    self._aside.append((ASIDE, f"{row.kind}/{row.name}", row.number))
        return found

    def about(self, name: str) -> Any:
        """What is said of the session as a whole: None where nothing is, an empty text where it is damaged."""
        with self._used() as connection:
            found = records.about(connection, self._version, name)
            return None if found is None else records.data(found.value) if found.whole else ""

    def write(self, items: Iterable[Item], about: dict[str, Any] | None = None) -> None:
        """Keep items, in place of those of their kind and id, all of them or none.

        Raises:
            InputError: the file can't be written.
        """
        rows = [(kind, name, records.text(value)) for kind, name, value in items]
        with self._writing() as connection:
            records.say(connection, about or {})
            connection.executemany(records.KEEP, [(*row, checksum(*row)) for row in rows])

    def take(self, other: SessionFile) -> None:
        """Copy all records of another file as they are, those that are damaged as set aside.

        Raises:
            InputError: that one can't be read, or this one can't be written.
        """
        with other._used() as connection:
            rows = [row for row in records.rows(connection, other._version) if row.value is not None]
        with self._writing() as connection:
            connection.executemany(records.KEEP, [records.as_it_is(row) for row in rows])

    def close(self) -> None:
        """Let go of the file, so that others may open it."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._process == os.getpid():
                connection.close()
            elif connection is not None:
                _INHERITED.append(connection)

    @contextmanager
    def _used(self, *, writing: bool = False) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid():
            raise InputError(
                f"The session {self.path} is kept by the process that opened it, and this one was forked from that: "
                f"{_ELSEWHERE}."
            )
        with self._lock, _told(self.path, writing=writing, opened=True):
            if self._connection is None:
                raise InputError(
                    f"The session {self.path} was closed: open it again with cl.Session.load(path), or "
                    "session.save(path) writes what is here to another file."
                )
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; before it changes anything, what was damaged is set aside."""
        with self._used(writing=True) as connection, connection:
            self._check_place()
            connection.execute("BEGIN")
            if self._version < VERSION:
                records.upgrade(connection)
            connection.executemany("UPDATE OR REPLACE items SET kind = ?, id = ? WHERE number = ?", self._aside)
            yield connection
            connection.commit()
            self._aside, self._version = [], VERSION

    def _check_place(self) -> None:
        """InputError where the file is no longer at its path: SQLite would go on writing where nobody looks."""
        there = None
        with suppress(OSError):
            there = os.stat(self.path)
        if there is None or not os.path.samestat(there, self._identity):
            now = "" if there is None else ", where something else is now"
            raise InputError(f"The file of this session is gone from {self.path}{now}: nothing is kept any more. "
                             f"{_ELSEWHERE}.")  # fmt: skip

    def _opened(self, new: bool) -> sqlite3.Connection:
        with _told(self.path):
            connection = sqlite3.connect(self.path, timeout=0.5, check_same_thread=False)
            try:
                connection.text_factory = bytes  # a bit that turned may leave no text at all
                # Nothing that a foreign file defines is run, and no one else has it while it is open here.
                connection.executescript("PRAGMA trusted_schema = OFF; PRAGMA locking_mode = EXCLUSIVE")
                connection.execute("BEGIN EXCLUSIVE")
                if new:
                    for table in records.TABLES:
                        connection.execute(table)
                    records.say(connection, {"format": [records.FORMAT, VERSION]})
                connection.commit()
                self._version = records.version_of(connection, self.path)
            except BaseException:
                connection.close()
                if new:  # half a file would be in the way of another try
                    self.path.unlink(missing_ok=True)
                raise
            return connection


@contextmanager
def _told(path: Path, *, writing: bool = False, opened: bool = False) -> Iterator[None]:
    """Errors of SQLite and of the system as one sentence."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise InputError(_sentence(path, error, writing, opened)) from error


def _sentence(path: Path, error: OSError | sqlite3.Error, writing: bool, opened: bool) -> str:
    reason = why(error)
    if in_use(error):
        return (
            f"The session {path} is open in another kernel: close it there, or shut that kernel down; nothing in it "
            "was changed."
        )
    if opened:
        return (
            f"The session {path} can't be {'written' if writing else 'read'} ({reason}); nothing is lost: "
            f"session.save() tries again, and {_ELSEWHERE}."
        )
    if is_damage(error):
        return (
            f"{path} is not a session, or it is damaged ({reason}); nothing in it was changed: open a copy that you "
            "have, or begin another with cl.Session(path)."
        )
    return (
        f"There can be no session at {path} ({reason}): it needs a folder that is there and may be written to, with "
        "room on its disk; copy one that lies elsewhere to such a folder."
    )
