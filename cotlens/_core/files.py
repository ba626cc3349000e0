"""One-file storage shared by traces and results: JSON with a versioned format name, arrays as base64, no pickle.

Arrays are written as `{"dtype": "<f4", "shape": [..], "data": base64}` in little-endian order, so a file means the same
on every machine. Floats that JSON has no word for (NaN, infinity) are written as `{"float": "nan"}`. The last word of a
file is its checksum, a fingerprint of all that stands before it; a file of an older version has none, and is read.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from reprlib import repr
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.data import loads
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint

_DTYPES = {"<f4", "<f8", "<i4", "<i8", "|u1", "|b1"}
_SEAL = re.compile(rb', "checksum": "[0-9a-f]{32}"\}\s*\Z')
_FULL = "make room there, or give a path on another disk"
_ADVICE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.ENOENT: "make that folder first, or give a path in one that is there",
    errno.ENOTDIR: "a part of the path is a file, so give a path in a folder",
    errno.EISDIR: "a folder is there, so give a path of a file",
}
PathLike = str | os.PathLike[str]


def pack_array(array: NDArray[Any]) -> dict[str, Any]:
    """A numeric array as JSON data."""
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    if little.dtype.str not in _DTYPES:
        raise InputError(f"An array of {array.dtype} can't be saved; convert it to float32, float64, int32 or int64.")
    data = base64.b64encode(little.tobytes()).decode("ascii")
    return {"dtype": little.dtype.str, "shape": list(array.shape), "data": data}


def unpack_array(packed: Mapping[str, Any]) -> NDArray[Any]:
    """The read-only array that `pack_array` packed; ValueError where the data don't fit their own shape."""
    if packed["dtype"] not in _DTYPES:
        raise ValueError(f"unknown array type {packed['dtype']!r}")
    shape = tuple(int(side) for side in packed["shape"])
    if any(side < 0 for side in shape):
        raise ValueError(f"an array can't have the shape {shape}")
    data = base64.b64decode(packed["data"], validate=True)
    return np.frombuffer(data, dtype=packed["dtype"]).reshape(shape)


def plain(value: Any, where: str) -> Any:
    """`value` as data that JSON holds; InputError naming `where` if it can't be."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, np.generic):
        return plain(value.item(), where)
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, np.ndarray):
        return {"array": pack_array(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, where) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    kind = type(value).__name__
    raise InputError(f"{where} holds a {kind}, which can't be saved; keep text, numbers, lists or dicts there.")


def revive(value: Any) -> Any:
    """The inverse of `plain`."""
    if isinstance(value, list):
        return [revive(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"float"} and value["float"] in ("nan", "inf", "-inf"):
        return math.nan if value["float"] == "nan" else float(value["float"])
    if value.keys() == {"array"}:
        return unpack_array(value["array"])
    return {key: revive(item) for key, item in value.items()}


def write(path: PathLike, file_format: str, payload: Mapping[str, Any]) -> Path:
    """Write `payload` (JSON data) to `path` as one file of `file_format` ("cotlens-trace/1").

    The file appears complete or not at all: it is written beside its place and then moved there.

    Raises:
        InputError: the folder is missing or can't be written.
    """
    body = json.dumps({"format": file_format, **payload}, allow_nan=False).encode("utf-8")
    return write_bytes(path, body[:-1] + f', "checksum": "{fingerprint(body)}"}}'.encode())


def write_bytes(path: PathLike, body: bytes) -> Path:
    """Write one file so that it appears complete or not at all: beside its place first, then moved there.

    The file beside it is new and has a name that can't be foreseen, so nothing planted there (a symbolic link) can
    lead the bytes elsewhere.

    Raises:
        InputError: the folder is missing or can't be written.
    """
    target = check.path("path", path)
    temporary = target.with_name(f".{target.name[:64]}.{secrets.token_hex(16)}.part")
    try:
        there = target.exists()
        if there and not target.is_file() and not target.is_dir():  # moving a file there would destroy it
            raise InputError(
                f"Nothing can be saved at {target}: it is a device, a pipe or a socket; give a path of a file."
            )
        try:
            # "x" refuses a name that is taken, be it by a link.
            with temporary.open("xb") as file:
                file.write(body)
            if there:
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        how = _ADVICE.get(error.errno or 0, "give a path in a folder you may write to")
        raise InputError(f"Nothing can be saved at {target}: {error.strerror}; {how}.") from error
    return target


def read(path: PathLike, file_format: str, what: str) -> dict[str, Any]:
    """The payload of a file that `write` wrote.

    Args:
        file_format: the format and version that this CoTLens reads ("cotlens-trace/1").
        what: what the file should hold, in words ("trace").

    Raises:
        InputError: no such file, not a CoTLens file, another kind or a newer version of it, or damaged.
    """
    target = check.path("path", path)
    try:
        body = target.read_bytes()
        payload = loads(body)
    except OSError as error:
        raise InputError(f"No {what} can be read from {target}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{target} is not a saved {what}, or it is damaged ({error}).") from error
    found = payload.get("format") if isinstance(payload, dict) else None
    if found == file_format:
        _check_seal(target, body, payload, what)
        return dict(payload)
    if isinstance(found, str) and found.split("/")[0] == file_format.split("/")[0]:
        raise InputError(
            f"{target} has the format {repr(found)} and this CoTLens reads {file_format!r}; update CoTLens to open it."
        )
    if isinstance(found, str):
        raise InputError(f"{target} holds {repr(found)}, not a {what} ({file_format!r}).")
    raise InputError(f"{target} is not a saved {what}: it does not name the format {file_format!r}.")


def _check_seal(path: Path, body: bytes, payload: dict[str, Any], what: str) -> None:
    """Take the checksum out of what was read; InputError where it is of something else."""
    if "checksum" not in payload:
        return
    said = payload.pop("checksum")
    seal = _SEAL.search(body, max(0, len(body) - 256))
    if seal is not None and fingerprint(body[: seal.start()] + b"}") == said:
        return
    # Another program may have laid the same out otherwise.
    if fingerprint(json.dumps(payload).encode("utf-8")) != said:
        raise not_as_saved(path, what, ', or take the "checksum" out of the file to read it as it is')


def not_as_saved(path: Path, what: str, otherwise: str = "") -> InputError:
    """The error of a file whose checksum is of something else."""
    return InputError(
        f"{path} isn't the {what} that was saved, its checksum says: it is damaged, or was changed by hand. Save it "
        f"again{otherwise}."
    )
