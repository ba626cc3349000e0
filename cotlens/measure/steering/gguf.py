"""Control vectors in GGUF, the form of repeng and llama.cpp: one direction per layer.

The file holds `general.architecture` = "controlvector", `controlvector.model_hint` (the model's type),
`controlvector.layer_count`, and the tensors `direction.{layer}`. A direction belongs to the output of its layer,
counted from 0; that of a model's last layer repeng reads after the final norm, where no vector is added. Units and
provenance have no place in the format.

The layout is that of the GGUF specification, version 3 (github.com/ggml-org/ggml, docs/gguf.md), to whose own package
`tests/reference/steering/test_steering.py` holds reading and writing. Nothing in such a file is ever run.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike, write_bytes
from cotlens.measure.steering.files import refuse_pickle
from cotlens.measure.steering.vector import Vector
from cotlens.results import Provenance

MAGIC = b"GGUF"
ARCHITECTURE = "controlvector"
_VERSIONS = (2, 3)
_ALIGNMENT = 32
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_TYPES = {0: "<f4", 1: "<f2", 28: "<f8"}  # of tensors: F32, F16, F64


def write_gguf(vectors: Vector | Sequence[Vector], path: PathLike, *, model_hint: str = "") -> Path:
    """Write vectors, one per layer, so that repeng and llama.cpp read them; their values are written as they are.

    Args:
        model_hint: the model's type as transformers calls it ("qwen3"), which repeng compares when it adds vectors.

    Raises:
        InputError: none, two of one layer, or another width; or the file can't be written.
    """
    given = [vectors] if isinstance(vectors, Vector) else list(vectors)
    if len({one.layer for one in given}) < len(given) or len({len(one.values) for one in given}) != 1:
        raise InputError("A GGUF file holds vectors of one width, one per layer; give at least one and no layer twice.")
    given.sort(key=lambda one: one.layer)
    fields = [
        _text("general.architecture") + struct.pack("<I", _STRING) + _text(ARCHITECTURE),
        _text(f"{ARCHITECTURE}.model_hint") + struct.pack("<I", _STRING) + _text(model_hint),
        _text(f"{ARCHITECTURE}.layer_count") + struct.pack("<II", _UINT32, len(given)),
    ]
    step = _aligned(4 * len(given[0].values))
    infos = [
        _text(f"direction.{one.layer}") + struct.pack("<IQIQ", 1, len(one.values), 0, i * step)
        for i, one in enumerate(given)
    ]
    head = MAGIC + struct.pack("<IQQ", _VERSIONS[-1], len(infos), len(fields)) + b"".join(fields) + b"".join(infos)
    data = b"".join(one.values.astype("<f4").tobytes().ljust(step, b"\0") for one in given)
    return write_bytes(path, head.ljust(_aligned(len(head)), b"\0") + data)


def read_gguf(path: PathLike, *, name: str | None = None) -> tuple[Vector, ...]:
    """The vectors of a GGUF file, by layer. Their unit is not known: `vector.on(layer, unit)` gives it.

    Args:
        name: what they are called; by default the file's name.

    Raises:
        InputError: the file is missing, damaged, no GGUF file, or holds no control vectors.
    """
    target = check.path("path", path)
    refuse_pickle(target)
    try:
        fields, tensors = _parsed(target.read_bytes())
        found = {_layer(key): values for key, values in tensors.items() if key.startswith("direction.")}
    except (struct.error, UnicodeDecodeError, ValueError, KeyError, MemoryError) as error:
        raise InputError(f"{target} is no GGUF file, or it is damaged ({error}).") from error
    if fields.get("general.architecture") != ARCHITECTURE or not found:
        raise InputError(
            f"{target} holds no control vectors; its architecture is {fields.get('general.architecture')!r}."
        )
    code = f"cl.steering.read_gguf({str(target)!r})"
    hint = str(fields.get(f"{ARCHITECTURE}.model_hint", ""))
    made = [
        Provenance.record(method="gguf", settings={"model_hint": hint, "code": f"{code}[{i}]"})
        for i in range(len(found))
    ]
    return tuple(
        Vector(name or target.stem, layer, found[layer].reshape(-1), provenance=made[i])
        for i, layer in enumerate(sorted(found))
    )


def _layer(key: str) -> int:
    digits = key.partition(".")[2]
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 6):
        raise ValueError(f"it names the layer {digits[:20]!r}")
    return int(digits)


def _alignment(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= 1 << 20:
        raise ValueError(f"it aligns its tensors to {str(given)[:20]!r}")
    return given


def _text(words: str) -> bytes:
    body = words.encode()
    return struct.pack("<Q", len(body)) + body


def _aligned(size: int, to: int = _ALIGNMENT) -> int:
    return -(-size // to) * to


class _Cursor:
    """A place in bytes from which values are taken; ValueError beyond the end."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def take(self, size: int) -> bytes:
        if size > len(self.body) - self.at:
            raise ValueError("it ends too early")
        self.at += size
        return self.body[self.at - size : self.at]

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def text(self) -> str:
        return self.take(self.number("Q")).decode()

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            inner, count = self.number("I"), self.number("Q")
            if inner == _ARRAY or count > len(self.body):
                raise ValueError("it holds an array that can't be")
            return [self.value(inner) for _ in range(count)]
        return self.number(_SCALARS[kind])


def _parsed(body: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """(fields, tensors) of a GGUF file; ValueError, KeyError or struct.error where it is none."""
    cursor = _Cursor(body)
    if cursor.take(4) != MAGIC:
        raise ValueError("it does not begin with GGUF")
    version, n_tensors, n_fields = cursor.number("I"), cursor.number("Q"), cursor.number("Q")
    if version not in _VERSIONS:
        raise ValueError(f"it has version {version}, and versions 2 and 3 are read")
    fields = {}
    for _ in range(n_fields):
        key = cursor.text()
        fields[key] = cursor.value(cursor.number("I"))
    infos = []
    for _ in range(n_tensors):
        key, dimensions = cursor.text(), cursor.number("I")
        if dimensions > 4:
            raise ValueError(f"its tensor {key!r} has {dimensions} dimensions")
        shape = [cursor.number("Q") for _ in range(dimensions)]
        infos.append((key, shape, cursor.number("I"), cursor.number("Q")))
    start = _aligned(cursor.at, _alignment(fields.get("general.alignment", _ALIGNMENT)))
    tensors = {}
    for key, shape, kind, offset in infos:
        if kind not in _TYPES:
            raise ValueError(f"its tensor {key!r} is of type {kind}; float32, float16 and float64 are read")
        cursor.at = start + offset
        raw = cursor.take(math.prod(shape) * np.dtype(_TYPES[kind]).itemsize)
        tensors[key] = np.frombuffer(raw, _TYPES[kind]).astype(np.float32)
    return fields, tensors
