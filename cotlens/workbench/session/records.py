"""Records of a session's file: rows with checksums, read also where parts of the file are damaged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cotlens._core.data import loads
from cotlens._core.databases import checksum, is_damage
from cotlens._core.errors import InputError

FORMAT = "cotlens-session"
VERSION = 2
ASIDE = "damaged"
"""The kind of records that were damaged, under the kind and id that they had."""
TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, sum TEXT NOT NULL DEFAULT '')",
    "CREATE TABLE items (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, "
    "sum TEXT NOT NULL DEFAULT '', UNIQUE (kind, id))",
)
KEEP = (
    "INSERT INTO items (kind, id, value, sum) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, sum = excluded.sum"
)


class Row(NamedTuple):
    """One record as the file has it; `value` is None where it can't be read at all."""

    number: int
    kind: str
    name: str
    value: bytes | None
    sum: str | None  # None in a file that has no checksums

    @property
    def was(self) -> tuple[str, str]:
        """Kind and id that a record had before it was set aside."""
        kind, _, name = self.name.partition("/")
        return kind, name

    @property
    def whole(self) -> bool:
        """Whether it is what was written, as far as that can be told."""
        return self.value is not None and self.sum in (None, checksum(self.kind, self.name, self.value))


def rows(connection: sqlite3.Connection, version: int) -> Iterator[Row]:
    """All records, the oldest first, read off the table itself: an index may be damaged and hide some."""
    parts = f"number, kind, id, value, {'sum' if version > 1 else 'NULL'}"
    try:
        found = connection.execute(f"SELECT {parts} FROM items NOT INDEXED ORDER BY number").fetchall()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        found = _piecemeal(connection, parts)
    for number, kind, name, value, its_sum in found:
        body = value if isinstance(value, bytes | None) else str(value).encode()
        yield Row(number, _word(kind), _word(name), body, None if version == 1 else _word(its_sum))


def _piecemeal(connection: sqlite3.Connection, parts: str) -> list[Any]:
    """Records of a file with damaged pages: names from the index, each by itself."""
    found = []
    names = connection.execute("SELECT number, kind, id FROM items INDEXED BY sqlite_autoindex_items_1").fetchall()
    for number, kind, name in names:
        try:
            row = connection.execute(f"SELECT {parts} FROM items NOT INDEXED WHERE number = ?", (number,)).fetchone()
        except sqlite3.Error:
            row = None
        found.append(row or (number, kind, name, None, b""))
    return sorted(found, key=lambda row: int(row[0]))


def about(connection: sqlite3.Connection, version: int, name: str) -> Row | None:
    """One thing that is said of the session as a whole."""
    parts = f"name, value, {'sum' if version > 1 else 'NULL'}"
    for found, value, its_sum in connection.execute(f"SELECT {parts} FROM about NOT INDEXED"):
        if _word(found) == name:
            return Row(0, "about", name, value, None if version == 1 else _word(its_sum))
    return None


def as_it_is(row: Row) -> tuple[str, str, str, str]:
    """A record for another file."""
    value = (row.value or b"").decode("utf-8", "replace")
    if row.whole or row.kind == ASIDE:
        return row.kind, row.name, value, checksum(row.kind, row.name, value)
    return ASIDE, f"{row.kind}/{row.name}", value, ""


def upgrade(connection: sqlite3.Connection) -> None:
    """Give a file of version 1 its checksums."""
    for table, kind, name in (("about", "'about'", "name"), ("items", "kind", "id")):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN sum TEXT NOT NULL DEFAULT ''")
        rows = connection.execute(f"SELECT rowid, {kind}, {name}, value FROM {table}").fetchall()
        sums = [(checksum(*map(_word, row[1:3]), row[3]), row[0]) for row in rows]
        connection.executemany(f"UPDATE {table} SET sum = ? WHERE rowid = ?", sums)
    say(connection, {"format": [FORMAT, VERSION]})


def say(connection: sqlite3.Connection, about: dict[str, Any]) -> None:
    """Write what is said of the session as a whole."""
    said = [(name, text(value)) for name, value in about.items()]
    sums = [(*each, checksum("about", *each)) for each in said]
    connection.executemany("INSERT OR REPLACE INTO about (name, value, sum) VALUES (?, ?, ?)", sums)


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The version of a file; InputError where it is no session, or a newer one."""
    tables = {_word(name): _word(sql) for name, sql in connection.execute("SELECT name, sql FROM sqlite_master")}
    if not all(tables.get(each, "").startswith("CREATE TABLE") for each in ("about", "items")):
        raise InputError(f"{path} is not a session of CoTLens.")
    if not all(f"{column} " in tables["items"] for column in ("number", "kind", "id", "value")):
        raise InputError(f"{path} is not a session of CoTLens.")
    version = 1 + (" sum " in tables["items"])
    row = about(connection, version, "format")
    if version > 1 and (row is None or not row.whole):
        return version  # what is damaged is what the file says of itself, and its tables say the same
    found = None if row is None else data(row.value)
    if not isinstance(found, list) or len(found) != 2 or found[0] != FORMAT or type(found[1]) is not int:
        raise InputError(f"{path} is not a session of CoTLens.")
    if found[1] > VERSION:
        raise InputError(
            f"{path} is a session of a newer CoTLens (version {found[1]}; this one reads {VERSION}): update CoTLens to "
            "open it; nothing in it was changed."
        )
    return version


def text(value: Any) -> str:
    """Data as JSON."""
    return json.dumps(value, allow_nan=False)


def _word(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def data(value: Any) -> Any:
    """JSON as data; a text that is none stays a text, and whoever reads the item finds that it doesn't fit."""
    try:
        return loads(value)
    except (ValueError, TypeError):
        return _word(value)
