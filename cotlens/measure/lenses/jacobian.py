"""Jacobian lenses from files: the mean derivative of the last stream by a layer's, as a map into the model's words.

The public format is what the reference implementation's `JacobianLens.save` writes: by `torch.save` a dict of "J", a
dict layer -> [d_model, d_model], "n_prompts", "source_layers" and "d_model". It is opened by torch's restricted loader,
which builds tensors and plain containers and refuses everything else. Its layer l is the output of block l, which is
number l + 1 here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens.measure import torch_files
from cotlens.measure.lenses.affine import AffineLens
from cotlens.measure.method import model_data
from cotlens.models.contract import Model
from cotlens.results import Provenance

ASKED = "the file doesn't say on which model it was fitted; it was read for this one"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class JacobianLens(AffineLens):
    """What does a place dispose the model to say, on average over texts?

    logits = head(norm(J h)), J the mean over texts and pairs of tokens of the derivative of the last stream, at a token
    or later, by the stream at this layer. It reads what is on the way to be said at some point, not what comes next, so
    its control and floor count, more than a comparison with the next token. `read_jacobian` makes one of a file.

    Args:
        n_prompts: over how many texts it is the mean; 0 where the file doesn't say.

    Source: Gurnee, Sofroniew, Lindsey et al. 2026, "Verbalizable representations form a global workspace".
    """

    n_prompts: int = 0


def read_jacobian(path: PathLike, model: Model, *, tokens: tuple[int, int] | None = None) -> JacobianLens:
    """The Jacobian lens of a file in the public format.

    Args:
        model: the one that it was fitted on, which the file doesn't name; on others it is refused afterwards.
        tokens: as of `LogitLens`.

    Raises:
        InputError: the file is missing or damaged, holds anything but tensors, or doesn't fit the model.
    """
    target = check.path("path", path)
    loaded = torch_files.read(target, "lens", "save J alone")
    found = _by_layer(target, loaded)
    layers, matrices = list(found), np.stack(list(found.values()))
    settings = {"file": target.name, "code": f"cl.lenses.read_jacobian({str(target)!r}, model)", "model": ASKED}
    lens = JacobianLens(
        layers=tuple(layer + 1 for layer in layers), matrices=matrices, tokens=tokens,
        offsets=np.zeros(matrices.shape[:2], np.float32), n_prompts=_count(loaded),
        provenance=Provenance.record(method="jacobian lens", settings=settings, **model_data(model)),
    )  # fmt: skip
    lens.check(model)
    return lens


def _by_layer(path: Path, loaded: Any) -> dict[int, np.ndarray[Any, Any]]:
    if not isinstance(loaded, dict) or not isinstance(loaded.get("J"), dict) or not loaded["J"]:
        raise InputError(f"{path} is no Jacobian lens: it has no 'J', a dict layer -> matrix [d_model, d_model].")
    found = {}
    for layer, value in torch_files.layers_of(path, loaded["J"], "matrix").items():
        square = value.ndim == 2 and value.shape[0] == value.shape[1]
        if not (square and value.dtype.is_floating_point):
            raise InputError(f"{path} holds no square matrix of numbers for layer {layer}, but {list(value.shape)}.")
        found[layer] = value.detach().float().numpy()
    if len({one.shape for one in found.values()}) > 1:
        raise InputError(f"The matrices in {path} have different widths; a lens has one, that of its model's stream.")
    return found


def _count(loaded: dict[Any, Any]) -> int:
    given = loaded.get("n_prompts")
    return given if isinstance(given, int) and given > 0 else 0
