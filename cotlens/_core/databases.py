"""What SQLite says when a file can't be used, in words; and the checksums of rows, which it doesn't keep itself."""

from __future__ import annotations

import sqlite3

from cotlens._core.fingerprint import fingerprint

_WHY = {
    sqlite3.SQLITE_BUSY: "another process has it open",
    sqlite3.SQLITE_LOCKED: "another process has it open",
    sqlite3.SQLITE_READONLY: "it or its folder may not be written to",
    sqlite3.SQLITE_PERM: "it or its folder may not be written to",
    sqlite3.SQLITE_IOERR: "its disk fails, or allows no larger file",
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_CANTOPEN: "its folder is missing, or it may not be read and written there",
    sqlite3.SQLITE_NOTADB: "it is something else, or its beginning is damaged",
    sqlite3.SQLITE_CORRUPT: "a part of it is missing, or isn't what was written",
    sqlite3.SQLITE_TOOBIG: "a part of it is larger than any that can be kept",
}
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def why(error: sqlite3.Error | OSError) -> str:
    """Why a database couldn't be read or written; the words of SQLite or of the system where they are the plainest."""
    if isinstance(error, OSError):
        return error.strerror or "the system refuses it"
    return _WHY.get(_code(error), str(error))


def in_use(error: Exception) -> bool:
    """Whether another process has the file."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: Exception) -> bool:
    """Whether what is in the file is the reason, rather than its place."""
    plain = isinstance(error, sqlite3.DatabaseError) and type(error) is not sqlite3.ProgrammingError
    return _code(error) in _DAMAGED or (plain and not _code(error))


def checksum(*parts: str | bytes) -> str:
    """Of a row, 32 hex digits: all of it, and what it is known by."""
    return fingerprint(*(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass") for part in parts))


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF  # what is above says where in SQLite
