"""Files from outside: bounded in size, and one sentence for each that can't be read."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from cotlens._core import check
from cotlens._core.data import loads
from cotlens._core.errors import CotLensError, InputError
from cotlens._core.files import PathLike

MOST_BYTES = 512 * 2**20
"""The largest JSON file, or rows of one, that are read at once."""
MOST_LINE = 64 * 2**20
MOST_UNPACKED = 8 * 2**30
MOST_RATIO = 200  # times the size that a member of an archive may unpack to; text packs to about a tenth


@contextlib.contextmanager
def shaped(where: str) -> Iterator[None]:
    """Says in a sentence that data have something else in a place than their shape promises.

    Raises:
        InputError: in place of whatever error that led to.
    """
    try:
        yield
    except CotLensError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where} is damaged: something in it isn't what its shape promises ({error}).") from error


def existing(path: PathLike) -> Path:
    """A path at which there is something.

    Raises:
        InputError: there is nothing.
    """
    target = check.path("path", path)
    if not target.exists():
        raise InputError(f"There is nothing at {target}; give a file of messages, a log, or a folder of rollouts.")
    return target


def beginning(path: Path) -> str:
    """The first characters of a file; "" where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(_BEGINNING).decode("utf-8-sig", "replace")
    except OSError:
        return ""


_BEGINNING = 64


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it is too large or can't be read.
    """
    return decoded(path, _bytes_of(path))


def json_of(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        InputError: it is too large, can't be read, or isn't JSON, maybe because it was cut off.
    """
    body = decoded(path, _bytes_of(path))
    try:
        return loads(body)
    except ValueError as error:
        if body.lstrip()[:1] not in ("{", "["):
            raise InputError(
                f"{path} can't be read as JSON: it begins with {body.lstrip()[:20]!r}; give messages, a log "
                "or rows as JSON, and write a table (CSV) as JSON lines."
            ) from error
        cut = "; it ends amid a value, so it was cut off" if body.rstrip()[-1:] not in ("}", "]") else ""
        raise InputError(f"{path} can't be read as JSON ({error}{cut}); fetch it again.") from error


def _bytes_of(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise InputError(
            f"{path} has {size / 2**30:.1f} GB and at most {MOST_BYTES / 2**30:.1f} are read at once; cut it into "
            "smaller files, or write a row per line and read some of them with cl.read_jsonl(path, lines=(1, 10000))."
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from error


_OTHERS = (
    (b"PAR1", "a Parquet file; load it with pandas, and write it as JSON lines"),
    (b"\x1f\x8b", "packed with gzip; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it first"),
    (b"PK", "a zip archive; unpack it first, or name it .eval if it is a log of Inspect"),
    (b"ARROW1", "an Arrow file; load it with pandas, and write it as JSON lines"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "a database"),
)


def _check_text(path: Path, body: bytes) -> None:
    for mark, what in _OTHERS:
        if body.startswith(mark):
            raise InputError(f"{path} is {what}.")


def decoded(path: Path, body: bytes) -> str:
    """The text of what a file holds; its first bytes tell its encoding, as JSON's do.

    Raises:
        InputError: it is another kind of file, or text in another encoding.
    """
    _check_text(path, body)
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} holds no text in {encoding.upper()} (byte {error.start}); write it again as UTF-8."
        ) from error


def lines_of(path: Path, which: tuple[int, int] | None = None) -> Iterator[tuple[int, Any]]:
    """The rows of a file with one JSON value per line, with the number of each line from 1.

    Args:
        which: the first and the last line that are wanted; all by default.

    Raises:
        InputError: a line is too long or isn't JSON, or those that are wanted are too many to be held at once.
    """
    first, last = which or (1, 2**63)
    left = MOST_BYTES
    if which is None and path.stat().st_size > left:
        raise _too_many(path)
    for number, line in _read_lines(path):
        if number > last:
            return
        if number < first:
            continue
        left -= len(line)
        if left < 0:
            raise _too_many(path)
        for part in line.splitlines() if isinstance(line, bytes) else [line]:  # a file may end lines by CR alone
            if part.strip():
                yield number, _row(path, number, line if len(part) + 2 >= len(line) else part)


def _too_many(path: Path) -> InputError:
    return InputError(
        f"{path} has {path.stat().st_size / 2**30:.1f} GB, and traces take about ten times that in memory, so at most "
        f"{MOST_BYTES / 2**30:.1f} GB of rows are read at once; read some, as cl.read_jsonl(path, lines=(1, 10000)), "
        "and save each: saved traces are paged."
    )


def _read_lines(path: Path) -> Iterator[tuple[int, bytes | str]]:
    try:
        with path.open("rb") as file:
            head = file.read(len(_LONGEST_MARK))
            _check_text(path, head)
            file.seek(0)
            wide = json.detect_encoding(head) if b"\x00" in head else ""
            lines = io.TextIOWrapper(file, wide, newline=None) if wide else file
            for number, line in enumerate(iter(lambda: lines.readline(MOST_LINE + 1), lines.read(0)), start=1):
                if len(line) > MOST_LINE:
                    raise InputError(
                        f"Line {number} of {path} has more than {MOST_LINE >> 20} MB; is it one JSON file?"
                    )
                yield number, line
    except UnicodeDecodeError as error:
        raise InputError(f"{path} holds no text in {error.encoding.upper()}; write it again as UTF-8.") from error
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from error


_LONGEST_MARK = max((mark for mark, _ in _OTHERS), key=len)


def _row(path: Path, number: int, line: bytes | str) -> Any:
    try:
        return loads(line if isinstance(line, str) else line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"Line {number} of {path} holds no text in UTF-8; write the file again as UTF-8.") from error
    except ValueError as error:
        ended = line.endswith("\n") if isinstance(line, str) else line.endswith((b"\n", b"\r"))
        begun = line.lstrip()[:1] in ("{", "[", b"{", b"[")
        cut = "" if ended else "; it is the last line, so the file may have been cut off"
        cut = cut if begun else "; each line should be an object, so write a table (CSV) as JSON lines first"
        raise InputError(f"Line {number} of {path} can't be read as JSON ({error}{cut}).") from error


def check_archive(path: Path) -> None:
    """Raise InputError unless a zip archive is whole, and safe to unpack in memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no whole archive ({error}); fetch it again.") from error
    for member in members:
        place = PurePosixPath(member.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in member.filename:
            raise InputError(
                f"{path} holds a member named {member.filename!r}, which leads out of it; it isn't opened."
            )
        if member.file_size > 2**20 and member.file_size > MOST_RATIO * max(1, member.compress_size):
            raise InputError(
                f"{path} holds {member.filename!r}, which would unpack to {member.file_size / 2**20:.0f} MB, more than "
                f"{MOST_RATIO} times its size; it isn't opened."
            )
    total = sum(member.file_size for member in members)
    if total > MOST_UNPACKED:
        raise InputError(
            f"{path} would unpack to {total / 2**30:.1f} GB, more than {MOST_UNPACKED >> 30}; split the log."
        )
