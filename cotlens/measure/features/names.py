"""Labels that people gave to latents: from a Neuronpedia export, or typed and saved.

Neuronpedia exports explanations as JSON (a list) or as lines of JSON, each with `index` and `description`; both may be
gzipped. Nothing is asked of the network.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cotlens._core import check, files
from cotlens._core.errors import InputError

FORMAT = "cotlens-labels/1"
LONGEST = 300  # characters of a label that are kept
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
        raw = source.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    except FileNotFoundError as error:
        raise InputError(f"There is no file of labels at {source}: give a Neuronpedia export, or none.") from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
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


def _entries(text: str, source: Path) -> Iterator[tuple[int, str]]:
    for one in _objects(text, source):
        if isinstance(one, Mapping) and isinstance(one.get("labels"), Mapping):
            yield from ((_latent(latent, source), _label(label)) for latent, label in one["labels"].items())
        elif isinstance(one, Mapping) and "index" in one:
            yield _latent(one["index"], source), _label(one.get("description"))


def _objects(text: str, source: Path) -> list[Any]:
    """The objects of one JSON document, or of lines of JSON."""
    try:
        whole = json.loads(text)
    except ValueError:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise InputError(f"{source} holds neither JSON nor lines of JSON ({error}).") from error
    if isinstance(whole, Mapping) and isinstance(whole.get("explanations"), list):
        return list(whole["explanations"])
    return whole if isinstance(whole, list) else [whole]


def _latent(given: Any, source: Path) -> int:
    try:
        return int(given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{source} names the latent {given!r}, which is no number.") from error


def _label(given: Any) -> str:
    return " ".join(str(given).split())[:LONGEST] if given else ""
