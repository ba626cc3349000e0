"""Vectors from files: one safetensors file each, what they are in its metadata. Pickled files are never opened.

The file holds the tensor `layer.{i}` (float32 [d_model]) and the metadata `cotlens` (JSON: name, layer, unit, status,
provenance) and `cotlens_checksum`.
"""

from __future__ import annotations

from pathlib import Path

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens._core.tensors import read_about
from cotlens.measure.steering.vector import FORMAT, Vector
from cotlens.results import Provenance

PICKLED = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")


def load_vector(path: PathLike) -> Vector:
    """A vector that `Vector.save` wrote.

    Raises:
        InputError: the file is missing, damaged or something else; pickled files are refused.
    """
    target = check.path("path", path)
    refuse_pickle(target)
    about, tensors = read_about(target, "vector", "read its tensor and give it with steering.given(values, layer)")
    try:
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r} and this CoTLens reads {FORMAT!r}")
        provenance = Provenance(**about["provenance"])
        settings = {**provenance.settings, "code": f"cl.steering.load_vector({str(target)!r})"}
        values = tensors[f"layer.{about['layer']}"]
        data = {**provenance.data(), "settings": settings}
        return Vector(about["name"], about["layer"], values, about["unit"], Provenance(**data), about["status"])
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{target} is no saved vector, or it is damaged ({error}); save the vector again.") from error


def refuse_pickle(path: Path) -> None:
    """Raise InputError where a file is pickled, whatever it is called: opening one runs what is in it."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise InputError(f"No vector can be read from {path}: {error.strerror}.") from error
    zipped = head.startswith(b"PK")
    if zipped or head[:1] == b"\x80" or path.suffix.lower() in PICKLED:
        raise InputError(
            f"{path} is a pickled file, and opening one can run any code that is in it: ask for the vector as "
            "safetensors or GGUF, or, where it holds nothing but tensors by layer, use steering.read_tensors(path)."
        )
