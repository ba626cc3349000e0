"""GGUF files: where one stands for a model, and what its header says, every size checked before it is believed.

A header names metadata and tensors and how long each is; a file that was cut short or damaged names more than it holds.
It is walked here first, because the libraries that read it next take its word. The layout is that of ggml's
`docs/gguf.md`: magic, version, counts, then key-value pairs, then one entry per tensor, then their data, aligned.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from cotlens._core.errors import BackendError, InputError

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_OTHER_WEIGHTS = ("*.safetensors", "*.bin", "*.index.json")
# value type -> how `struct` reads it; strings (8) and arrays (9) have their length before them
_PLAIN = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST_DIMENSIONS = 4
_LISTED = 0.01  # share of the weights from which on a type is named
_ALIGNMENT = 32  # bytes, where the file doesn't say


@dataclass(frozen=True)
class Header:
    """What a whole file says of its model.

    Args:
        architecture: in the words of llama.cpp: "llama", "qwen3".
        kept: the types that its weights are kept in, the most frequent first: "Q4_1", "Q4_K+Q6_K".
        splits: the way in which its tokenizer cuts texts before it joins bytes: "smollm", "" where it doesn't say; None
            of a tokenizer that doesn't join bytes.
    """

    architecture: str
    kept: str
    splits: str | None = None


def find(name: str | Path) -> Path | None:
    """The GGUF file that a path stands for: itself, or the only one in a folder without other weights; else None.

    Raises:
        InputError: several lie in the folder.
    """
    path = Path(name)
    if path.is_file():
        return path if path.suffix.lower() == ".gguf" or _begins(path) else None
    if not path.is_dir():
        return None
    found = sorted(one for one in path.iterdir() if one.suffix.lower() == ".gguf" and one.is_file())
    if not found or any(any(path.glob(pattern)) for pattern in _OTHER_WEIGHTS):
        return None
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise InputError(f"The folder {str(path)!r} holds several GGUF files ({names}); give the path of one of them.")
    return found[0]


def read(path: Path) -> Header:
    """Walk a header from end to end.

    Raises:
        BackendError: the file is no GGUF, cut short, damaged, or no whole model.
    """
    with path.open("rb") as file:
        if path.stat().st_size < len(MAGIC) or file.read(len(MAGIC)) != MAGIC:
            raise BackendError(f"{path.name!r} is no GGUF file (its first bytes aren't {MAGIC!r}); give one that is.")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _HeaderReader(path.name, data).header()


def _begins(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class _HeaderReader:
    """One pass over a header; nothing is read, counted or skipped that lies behind the end of the file."""

    def __init__(self, name: str, data: mmap.mmap) -> None:
        self._name, self._data, self._at = name, data, len(MAGIC)

    def header(self) -> Header:
        (version,) = self._take("I")
        if version not in _VERSIONS:
            raise self._error(f"is a GGUF of version {version}, and not 2 or 3; convert it anew")
        n_tensors, n_fields = self._take("QQ")
        fields = self._fields(n_fields)
        tensors = list(self._each(n_tensors, 24, self._tensor))  # a name's length, dimensions, type, offset
        align = fields.get("general.alignment", _ALIGNMENT)
        if not isinstance(align, int) or align < 1:
            raise self._error(f"is damaged: it aligns its weights to {str(align)[:20]} bytes; download it again")
        start = -(-self._at // align) * align
        ends = max((start + offset + size for _, _, offset, size in tensors), default=start)
        if ends > len(self._data):
            raise self._error(
                f"is cut short: its weights take {ends:,} bytes and the file has {len(self._data):,}; download it again"
            )
        splits = str(fields.get("tokenizer.ggml.pre", "")) if fields.get("tokenizer.ggml.model") == "gpt2" else None
        return Header(fields["general.architecture"][:60], _kept(tensors), splits)

    def _fields(self, n: int) -> dict[str, Any]:
        fields = dict(self._each(n, 13, self._field))  # a key's length, a value's type, and one byte of it
        if len(fields) < n:
            raise self._error("is damaged: it says something of its model twice; download it again")
        if not isinstance(fields.get("general.architecture"), str):
            raise self._error("doesn't say which architecture it is of; give the GGUF of a model")
        if fields.get("split.count", 1) not in (0, 1):
            raise self._error("is one part of a model; merge its parts with llama-gguf-split --merge")
        if fields.get("general.type", "model") != "model":
            raise self._error(f"holds no model (but: {str(fields['general.type'])[:40]}); give the GGUF of a model")
        return fields

    def _field(self) -> tuple[str, Any]:
        name = self._string()
        (kind,) = self._take("I")
        return name, self._value(kind)

    def _value(self, kind: int, nested: bool = False) -> Any:
        """A value, or None for an array, whose length alone is of interest."""
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY and not nested:
            inner, n = self._take("IQ")
            if inner in _PLAIN:
                self._skip(n * struct.calcsize(_PLAIN[inner]))
            else:
                for _ in self._each(n, 8, lambda: self._value(inner, nested=True)):
                    continue
            return None
        if kind not in _PLAIN:
            raise self._error("is damaged: it names a kind of value that there isn't; download it again")
        return self._take(_PLAIN[kind])[0]

    def _tensor(self) -> tuple[str, int, int, int]:
        """(type, how many numbers, where its data begins, how many bytes they are)."""
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

        name = self._string()
        (n,) = self._take("I")
        if not n <= _MOST_DIMENSIONS:
            raise self._error(f"is damaged: its tensor {name[:40]!r} has {n} dimensions; download it again")
        shape = self._take(f"{n}Q")
        kind, offset = self._take("IQ")
        try:
            known = GGMLQuantizationType(kind)
            block, size = GGML_QUANT_SIZES[known]
        except (ValueError, KeyError):
            raise self._error(f"keeps weights in a type (number {kind}) that is not known here") from None
        return known.name, prod(shape), offset, -(-prod(shape) // block) * size

    def _each(self, n: int, least: int, fn: Callable[[], Any]) -> Any:
        """`fn` n times, each of which reads `least` bytes at least."""
        self._check_length(n * least)
        return (fn() for _ in range(n))

    def _string(self) -> str:
        (n,) = self._take("Q")
        self._skip(n)
        return self._data[self._at - n : self._at].decode("utf-8", "replace")

    def _take(self, form: str) -> tuple[Any, ...]:
        form = f"<{form}"
        self._skip(struct.calcsize(form))
        return struct.unpack_from(form, self._data, self._at - struct.calcsize(form))

    def _skip(self, n: int) -> None:
        self._check_length(n)
        self._at += n

    def _check_length(self, n: int) -> None:
        if self._at + n > len(self._data):
            raise self._error(
                f"is cut short or damaged: from byte {self._at:,} on its header names {n:,} bytes more, and the file "
                f"has {len(self._data):,}; download it again"
            )

    def _error(self, why: str) -> BackendError:
        return BackendError(f"{self._name!r} {why}.")


def _kept(tensors: list[tuple[str, int, int, int]]) -> str:
    counts: Counter[str] = Counter()
    for kind, numbers, _, _ in tensors:
        counts[kind] += numbers
    return "+".join(kind for kind, n in counts.most_common() if n >= _LISTED * counts.total())
