"""Traces in columns of one file, of which each is read when it is asked for.

The file begins with a line that names the format and a header in JSON, which says where each column lies; a column is
an array in little-endian order. What is small and of many kinds (roles, meta, parts, edits) is JSON per trace. Every
stretch has a checksum, which is looked at when it is read; a file of an older version has none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, files
from cotlens._core.data import loads
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens._core.fingerprint import fingerprint
from cotlens.trace import storage
from cotlens.trace.collection.summaries import TraceSummary
from cotlens.trace.record import TraceRecord

T = TypeVar("T", bound=TraceRecord)
MAGIC = b"cotlens-traces/1\n"

_KEPT = 64  # traces that are kept in memory after they were looked at
_ALIGNED = 64
_TYPES = {"<i4", "<i8", "<f4", "|u1"}
_COLUMNS = {
    "ids": "<i8", "lengths": "<i4", "logprobs": "<f4", "top_ids": "<i4", "top_logprobs": "<f4", "top_texts": "<i4",
    "text": "|u1", "about": "|u1", "words": "|u1", "shown": "<i8",
}  # fmt: skip
_EDGES = ("ids", "logprobs", "top_ids", "text", "about")
"""Columns of which every trace has a stretch; where they begin and end is a column of its own (`ids_at`)."""
_SUMMED = (*_EDGES, "lengths", "top_logprobs", "top_texts")
"""Columns whose stretches have checksums, in the column `sums`; what is of all traces has them in `whole`."""


def is_saved(path: Path) -> bool:
    """Whether a file begins as one that `write` wrote."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def write(path: PathLike, traces: Sequence[TraceRecord]) -> None:
    """Write traces and all that they were made from; see `Traces.save`."""
    rows: dict[int, int] = {}
    steps: list[TraceRecord] = []
    for trace in traces:
        for step in trace.path():
            if id(step) not in rows:
                rows[id(step)] = len(steps)
                steps.append(step)
    words: dict[str, int] = {}
    found = [_columns(step, None if step.parent is None else rows[id(step.parent)], words) for step in steps]
    columns: dict[str, NDArray[Any]] = {}
    for name, kind in _COLUMNS.items():
        columns[name] = np.concatenate([np.empty(0, kind), *(row[name] for row in found if name in row)]).astype(kind)
    for name in _EDGES:
        columns[f"{name}_at"] = np.cumsum([0, *(len(row[name]) for row in found)]).astype("<i8")
    columns["words"] = np.frombuffer(json.dumps(list(words)).encode(), np.uint8)
    columns["shown"] = np.array([rows[id(trace)] for trace in traces], "<i8")
    sums = [_sum(row.get(name, np.empty(0)).astype(_COLUMNS[name])) for row in found for name in _SUMMED]
    columns["sums"] = np.array(sums, "<i8")
    columns["whole"] = np.array([_sum(*_shared(columns))], "<i8")
    files.write_bytes(path, _body(columns))


def _columns(trace: TraceRecord, parent: int | None, words: dict[str, int]) -> dict[str, NDArray[Any]]:
    """What one trace adds to each column."""
    about = json.dumps({**storage.described(trace), "parent": parent}, allow_nan=False)
    measured = bool(np.isfinite(trace.logprobs).any())
    width = trace.top_ids.shape[1]
    texts = [words.setdefault(text, len(words)) for row in trace.top_pieces for text in (row or ("",) * width)]
    return {
        "ids": np.asarray(trace.token_ids, "<i8"),
        "lengths": np.diff(trace.offsets).astype("<i4"),
        "logprobs": trace.logprobs if measured else np.empty(0, "<f4"),
        "top_ids": trace.top_ids.ravel(),
        "top_logprobs": trace.top_logprobs.ravel(),
        "top_texts": np.asarray(texts, "<i4"),
        "text": np.frombuffer(trace.text.encode(), np.uint8),
        "about": np.frombuffer(about.encode(), np.uint8),
    }


def _shared(columns: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """The columns that are of all traces together."""
    return [columns["words"], columns["shown"], *(columns[f"{name}_at"] for name in _EDGES)]


def _sum(*arrays: NDArray[Any]) -> int:
    """A checksum of 64 bits, as a column holds it."""
    return int.from_bytes(bytes.fromhex(fingerprint(*arrays)[:16]), "little", signed=True)


def _body(columns: dict[str, NDArray[Any]]) -> bytes:
    places: dict[str, tuple[str, int, int]] = {}
    at = 0
    for name, column in columns.items():
        places[name] = (column.dtype.newbyteorder("<").str, len(column), at)
        at += -(-column.nbytes // _ALIGNED) * _ALIGNED
    header = json.dumps(places).encode()
    start = -(-(len(MAGIC) + 8 + len(header)) // _ALIGNED) * _ALIGNED
    body = bytearray(start + at)
    body[: len(MAGIC) + 8 + len(header)] = MAGIC + len(header).to_bytes(8, "little") + header
    for name, column in columns.items():
        first = start + places[name][2]
        body[first : first + column.nbytes] = np.ascontiguousarray(column).tobytes()
    return bytes(body)


class Pages(Sequence[T], Generic[T]):
    """The traces of a file, each read when it is asked for.

    Raises:
        InputError: the file is missing, damaged or something else.
    """

    def __init__(self, kind: type[T], path: PathLike, model: Any = None) -> None:
        self._kind, self._model = kind, model
        self._path = check.path("path", path)
        try:
            self._columns = _mapped(self._path)
            self._words = loads(bytes(self._columns["words"]))
            self._check()
        except OSError as error:
            raise InputError(f"No traces can be read from {self._path}: {error.strerror}.") from error
        except (IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"{self._path} holds no saved traces, or is damaged ({error}); save them again."
            ) from error
        self._kept: OrderedDict[int, T] = OrderedDict()

    def _check(self) -> None:
        """ValueError unless every stretch lies inside its column."""
        column = self._columns
        rows = len(column["ids_at"]) - 1
        for name in _EDGES:
            at = column[f"{name}_at"]
            if len(at) != rows + 1 or at[0] != 0 or at[-1] != len(column[name]) or bool((np.diff(at) < 0).any()):
                raise ValueError(f"its column {name} is not cut as it should be")
        if len(column["shown"]) and not 0 <= column["shown"].min() <= column["shown"].max() < rows:
            raise ValueError("it shows traces that it doesn't hold")
        same = (("ids", "lengths"), ("top_ids", "top_logprobs"), ("top_ids", "top_texts"))
        if any(len(column[one]) != len(column[two]) for one, two in same) or not isinstance(self._words, list):
            raise ValueError("its columns are not as long as each other")
        if "sums" in column and len(column["sums"]) != rows * len(_SUMMED):
            raise ValueError("it hasn't a checksum for every stretch")
        if "whole" in column and column["whole"].tolist() != [_sum(*_shared(column))]:
            raise ValueError("its checksum is of something else")

    def __len__(self) -> int:
        return len(self._columns["shown"])

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        with self._said(at) as row:
            trace = self._row(row)
        return trace if self._model is None else storage.with_model(trace, self._model)

    def text(self, at: int) -> str:
        """The text of a trace without the rest of it, which takes a hundredth of the time."""
        with self._said(at) as row:
            return bytes(self._stretch("text", row)).decode()

    def glance(self, at: int) -> TraceSummary:
        """What is said of a trace, and its texts, without its tokens."""
        with self._said(at) as row:
            about = self._about(row)
            parent = None if about["parent"] is None else self._about(self._before(about["parent"], row))["id"]
            ids, lengths = self._stretch("ids", row), self._stretch("lengths", row, "ids")
            seen = TraceSummary.read(about, parent, ids, lengths, bytes(self._stretch("text", row)))
        if seen.reader is None and self._model is not None:
            return dataclasses.replace(seen, reader=getattr(self._model, "reader", None))
        return seen

    @contextlib.contextmanager
    def _said(self, at: int) -> Iterator[int]:
        """The row of a trace; says in a sentence that it is damaged."""
        row = int(self._columns["shown"][at])
        try:
            yield row
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise InputError(f"Trace {at} of {self._path} is damaged ({error}); save the traces again.") from error

    @staticmethod
    def _before(parent: Any, row: int) -> int:
        if type(parent) is not int or not 0 <= parent < row:
            raise ValueError("it was made from a trace that isn't before it")
        return parent

    def _row(self, row: int) -> T:
        """A trace with all that it was made from, the oldest first."""
        steps = [row]
        while (parent := self._about(steps[-1])["parent"]) is not None:
            steps.append(self._before(parent, steps[-1]))
        trace: T | None = None
        for step in reversed(steps):
            trace = self._kept[step] if step in self._kept else self._read(step, trace)
            self._kept[step] = trace
            self._kept.move_to_end(step)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return cast(T, trace)

    def _about(self, row: int) -> dict[str, Any]:
        return cast(dict[str, Any], loads(bytes(self._stretch("about", row))))

    def _read(self, row: int, parent: T | None) -> T:
        ids = self._stretch("ids", row)
        count = len(ids)
        width = len(self._stretch("top_ids", row)) // max(1, count)
        arrays = {
            "offsets": np.concatenate(([0], np.cumsum(self._stretch("lengths", row, "ids")))).astype(np.int64),
            "logprobs": np.array(self._stretch("logprobs", row)),
            "top_ids": np.array(self._stretch("top_ids", row)).reshape(count, width),
            "top_logprobs": np.array(self._stretch("top_logprobs", row, "top_ids")).reshape(count, width),
        }
        text, pieces = bytes(self._stretch("text", row)).decode(), self._pieces(row, arrays["top_ids"])
        return storage.revived(self._kind, self._about(row), parent, tuple(ids.tolist()), text, pieces, arrays)

    def _pieces(self, row: int, top_ids: NDArray[np.int32]) -> list[tuple[str, ...]]:
        """The texts of the alternatives, per token; none where a token has none."""
        if not top_ids.size:
            return [()] * len(top_ids)
        texts = self._stretch("top_texts", row, "top_ids").reshape(top_ids.shape).tolist()
        known = [any(one >= 0 for one in row) for row in top_ids.tolist()]
        told: list[tuple[str, ...]] = [tuple(str(self._words[place]) for place in places) for places in texts]
        return [pieces if has or any(pieces) else () for pieces, has in zip(told, known, strict=True)]

    def _stretch(self, name: str, row: int, cut: str | None = None) -> NDArray[Any]:
        edges = self._columns[f"{cut or name}_at"]
        found = self._columns[name][int(edges[row]) : int(edges[row + 1])]
        sums = self._columns.get("sums")
        if sums is not None and sums[row * len(_SUMMED) + _SUMMED.index(name)] != _sum(found):
            raise ValueError(f"its {name} isn't what was saved")
        return found


def _mapped(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a file, mapped rather than read; ValueError where it is none."""
    size = os.path.getsize(path)
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError("it doesn't begin as one")
        length = int.from_bytes(file.read(8), "little")
        if length > min(size, 2**20):
            raise ValueError("its header is cut off")
        places = loads(file.read(length))
    start = -(-(len(MAGIC) + 8 + length) // _ALIGNED) * _ALIGNED
    whole = np.memmap(path, np.uint8, "r")
    columns = {}
    for name, (kind, count, at) in places.items():
        if kind not in _TYPES or type(count) is not int or type(at) is not int or count < 0 or at < 0:
            raise ValueError(f"its column {name} is no array that is read here")
        end = start + at + count * np.dtype(kind).itemsize
        if end > size:
            raise ValueError("it is cut off")
        columns[name] = whole[start + at : end].view(kind)
    return columns
