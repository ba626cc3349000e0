"""What may happen to the file of a session outside of CoTLens: other records, bits that turned, an older version."""

import sqlite3
from contextlib import closing

from cotlens._core.databases import checksum


def changed(path, sql, *values):
    """The file with other records, each with the checksum of what it says now."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)
        for table, kind, name in (("about", "'about'", "name"), ("items", "kind", "id")):
            rows = connection.execute(f"SELECT rowid, {kind}, {name}, value FROM {table}").fetchall()
            sums = [(checksum(*row[1:]), row[0]) for row in rows]
            connection.executemany(f"UPDATE {table} SET sum = ? WHERE rowid = ?", sums)


def flipped(path, kind, name, bit=0):
    """The file with one bit turned in the middle of a record's value."""
    with closing(sqlite3.connect(path)) as connection, connection:
        (value,) = connection.execute("SELECT value FROM items WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        at = len(value) // 2
        other = value[:at] + chr(ord(value[at]) ^ 1 << bit) + value[at + 1 :]
        connection.execute("UPDATE items SET value = ? WHERE kind = ? AND id = ?", (other, kind, name))


def older(path):
    """The file as version 1 wrote it, without checksums."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("about", "items"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN sum")
        connection.execute("UPDATE about SET value = '[\"cotlens-session\", 1]' WHERE name = 'format'")
