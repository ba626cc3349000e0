"""Vectors of steering-vectors: tensors by layer.

That library has no file format: its `SteeringVector` is `layer_activations`, a dict layer -> tensor [d_model] of raw
values (the output of decoder block `layer`), which its users keep with `torch.save`. Such a file is pickled. What is
read here is that dict alone, by torch's restricted loader (`weights_only=True`), which builds tensors and plain
containers and refuses everything else, a whole pickled `SteeringVector` too; and only when asked for by name,
never by `load_vector`.

    steering_vectors.SteeringVector(torch.load("vector.pt", weights_only=True))      # what `write_tensors` wrote
    torch.save(vector.layer_activations, "vector.pt")                                # what `read_tensors` reads

Raw coefficients here are multipliers there.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike, write_bytes
from cotlens.measure import torch_files
from cotlens.measure.steering.vector import Vector
from cotlens.results import Provenance


def write_tensors(vectors: Vector | Sequence[Vector], path: PathLike) -> Path:
    """Write vectors as the dict layer -> float32 tensor that steering-vectors keeps, with `torch.save`.

    Raises:
        InputError: none, or two of one layer; or the file can't be written.
    """
    import torch

    given = [vectors] if isinstance(vectors, Vector) else list(vectors)
    if not given or len({one.layer for one in given}) < len(given):
        raise InputError("A file holds one vector per layer; give at least one and no layer twice.")
    body = io.BytesIO()
    torch.save({one.layer: torch.tensor(one.values) for one in given}, body)
    return write_bytes(path, body.getvalue())


def read_tensors(path: PathLike, *, name: str | None = None) -> tuple[Vector, ...]:
    """The vectors of a file that holds a dict layer -> tensor, by layer; their unit is not known.

    Raises:
        InputError: the file is missing or damaged, or holds anything but tensors by layer.
    """
    target = check.path("path", path)
    loaded = torch_files.read(
        target, "vectors", "in steering-vectors, save `vector.layer_activations` instead of the vector"
    )
    layers = torch_files.layers_of(target, loaded, "tensor")
    return tuple(_vector(target, name, layer, value, i) for i, (layer, value) in enumerate(layers.items()))


def _vector(path: Path, name: str | None, layer: int, value: Any, place: int) -> Vector:
    values = value.detach().to("cpu").float().numpy().reshape(-1)
    code = f"cl.steering.read_tensors({str(path)!r})[{place}]"
    made = Provenance.record(method="tensors", settings={"code": code})
    return Vector(name or path.stem, layer, np.asarray(values, np.float32), provenance=made)
