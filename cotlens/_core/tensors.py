"""Files of safetensors with a checksum, and what is said of the tensors beside them.

A file of safetensors is eight bytes (how long its header is), the header in JSON and the bytes of its tensors. In those
that are written here the header's metadata hold a checksum, a fingerprint of all the rest; a file of others has none,
and is read as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.data import loads
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike, not_as_saved, plain, revive, write_bytes
from cotlens._core.fingerprint import fingerprint

CHECKSUM = "cotlens_checksum"
ABOUT = "cotlens"
_METADATA = "__metadata__"
_LONGEST_HEADER = 100_000_000  # bytes; what the format allows
_ALIGNED = 8


def sealed(body: bytes) -> bytes:
    """The bytes of a file of safetensors with a checksum in its metadata."""
    header, data = _parts(np.frombuffer(body, np.uint8))
    metadata = header.setdefault(_METADATA, {})
    metadata[CHECKSUM] = _sum(header, data)
    told = json.dumps(header, separators=(",", ":")).encode("utf-8")
    told += b" " * (-len(told) % _ALIGNED)
    return b"".join((len(told).to_bytes(8, "little"), told, data.data))


def check_seal(path: Path, what: str) -> None:
    """Raise InputError where a file of safetensors has a checksum, and it is of something else.

    What isn't a file of safetensors passes: who reads it says what is wrong.

    Args:
        what: the file holds, in words ("vector").
    """
    try:
        header, data = _parts(np.memmap(path, np.uint8, "r"))
    except (OSError, ValueError):
        return
    said = header.get(_METADATA, {}).get(CHECKSUM)
    if said is not None and said != _sum(header, data):
        raise not_as_saved(path, what)


def write_about(path: PathLike, what: str, about: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write tensors as one file of safetensors, with a checksum and what is said of them (`files.plain` data).

    Raises:
        InputError: the file can't be written.
    """
    from safetensors.numpy import save

    metadata = {ABOUT: json.dumps(plain(about, what))}
    write_bytes(path, sealed(save({name: np.ascontiguousarray(one) for name, one in tensors.items()}, metadata)))


def read_about(path: PathLike, what: str, otherwise: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What `write_about` wrote: what is said of the tensors, and these.

    Args:
        otherwise: what to do with a file of safetensors that something else has written.

    Raises:
        InputError: it is missing, something else, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    target = check.path("path", path)
    try:
        with safe_open(target, framework="numpy") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        about = revive(loads(metadata.get(ABOUT, "null")))
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{target} is no safetensors file that can be read ({error}); save the {what} again."
        ) from error
    check_seal(target, what)
    if not isinstance(about, dict):
        raise InputError(f"{target} is no {what} saved by CoTLens: {otherwise}.")
    return about, tensors


def _parts(body: NDArray[np.uint8]) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """A file's header and the bytes of its tensors; ValueError where it has none."""
    length = int.from_bytes(body[:8].tobytes(), "little")
    if len(body) < 8 or length > min(len(body) - 8, _LONGEST_HEADER):
        raise ValueError("its header is longer than the file")
    header = loads(body[8 : 8 + length].tobytes())
    if not isinstance(header, dict) or not isinstance(header.get(_METADATA, {}), dict):
        raise ValueError("its header is no table")
    return header, body[8 + length :]


def _sum(header: Mapping[str, Any], data: NDArray[np.uint8]) -> str:
    """The fingerprint of a file, however its header is laid out."""
    metadata = {name: said for name, said in header.get(_METADATA, {}).items() if name != CHECKSUM}
    return fingerprint(json.dumps({**header, _METADATA: metadata}, sort_keys=True), data)
