"""Labels that people gave to latents: from a Neuronpedia export, or typed and saved.

Neuronpedia exports explanations as JSON (a list) or as lines of JSON, each with `index` and `description`; both may be
gzipped. Nothing is asked of the network.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cotlens._core import check, files
from cotlens._core.data import loads
from cotlens._core.errors import InputError

FORMAT = "cotlens-labels/1"
LONGEST = 300  # characters of a label that are kept
_MOST = 256 << 20  # bytes; the largest exports, of a million latents, have some 150 MiB
_PART = 1 << 20  # a read of more would set that much memory aside at once
_PICKLES = (".pkl", ".pickle", ".pt", ".bin", ".npy", ".npz", ".joblib")


def read_labels(path: files.PathLike) -> dict[int, str]:
    """Latent -> label, of a Neuronpedia export (.json, .jsonl, either with .gz) or of a file that `save_labels` wrote.

    Of several explanations of one latent the first is taken.

    Raises:
        InputError: there is no such file, it is pickled, or it holds no labels.
    """
    source = check.path("path", path)
    if source.suffix.lower() in _PICKLES:
        raise InputError(f"{source} is pickled, and pickled files are never opened; give labels as JSON.")
    try:
        text = _content(source).decode("utf-8")
    except FileNotFoundError as error:
        raise InputError(f"There is no file of labels at {source}: give a Neuronpedia export, or none.") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"{source} can't be read as text ({error}); give labels as JSON.") from error
    found: dict[int, str] = {}
    for latent, label in _entries(text, source):
        if label:
            found.setdefault(latent, label)
    if not found:
        raise InputError(f"{source} holds no labels: a Neuronpedia export has an 'index' and a 'description' each.")
    return found


def save_labels(labels: Mapping[int, str], path: files.PathLike) -> Path:
    """Write labels as one JSON file.

    Raises:
        InputError: the folder can't be written.
    """
    kept = {str(int(latent)): str(label)[:LONGEST] for latent, label in sorted(labels.items())}
    return files.write(path, FORMAT, {"labels": kept})


def _content(source: Path) -> bytes:
    """What a file holds, unpacked: not more than could be labels, however small the file is."""
    with source.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(source) if packed else source.open("rb") as file:
        content = bytearray()
        while len(content) <= _MOST and (part := file.read(_PART)):
            content += part
    if len(content) > _MOST:
        raise InputError(f"{source} holds more than {_MOST >> 20} MiB, which no export of labels does.")
    return bytes(content)


def _entries(text: str, source: Path) -> Iterator[tuple[int, str]]:
    for one in _objects(text, source):
        if isinstance(one, Mapping) and isinstance(one.get("labels"), Mapping):
            yield from ((_latent(latent, source), _label(label)) for latent, label in one["labels"].items())
        elif isinstance(one, Mapping) and "index" in one:
            yield _latent(one["index"], source), _label(one.get("description"))


def _objects(text: str, source: Path) -> list[Any]:
    """The objects of one JSON document, or of lines of JSON."""
    try:
        whole = loads(text)
    except ValueError:
        try:
            return [loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise InputError(f"{source} holds neither JSON nor lines of JSON ({error}).") from error
    if isinstance(whole, Mapping) and isinstance(whole.get("explanations"), list):
        return list(whole["explanations"])
    return whole if isinstance(whole, list) else [whole]


def _latent(given: Any, source: Path) -> int:
    try:
        return int(given)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{source} names the latent {str(given)[:40]!r}, which is no number.") from error


def _label(given: Any) -> str:
    return " ".join(str(given)[: 10 * LONGEST].split())[:LONGEST] if given else ""
