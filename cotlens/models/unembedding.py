"""The way from the residual stream straight to the logits: what a direction adds to each token's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.placement import present

if TYPE_CHECKING:
    from cotlens.models.engine import Engine
    from cotlens.models.machine import Machine


def unembed(engine: Engine, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `vectors` [n, d_model] in the residual stream add to the logits directly, float32 [n, vocabulary].

    The gain of the final norm counts (and its centring, where it centres); its division by the norm of the whole
    stream, which no direction has alone, and later caps and biases don't.

    Raises:
        InputError: the vectors have another width.
        CapabilityError: the model has no output embedding or no final norm that is known.
    """
    given, norm, head = parts(engine.hf, engine, vectors)
    with torch.no_grad(), present(norm), present(head):
        scaled = _through_norm(norm, given)
        return (scaled.to(head.weight) @ head.weight.T).float().cpu().numpy()


def parts(hf: Any, machine: Machine, vectors: NDArray[np.float32]) -> tuple[torch.Tensor, nn.Module, nn.Module]:
    """The vectors as a tensor, the final norm, and the output embedding of a model; raises as `unembed`."""
    given = torch.as_tensor(np.ascontiguousarray(vectors, np.float32), device=machine.device)
    if given.ndim != 2 or given.shape[1] != machine.layout.d_model:
        raise InputError(
            f"Vectors of shape [n, {machine.layout.d_model}] can be unembedded; {tuple(given.shape)} was given."
        )
    head = hf.get_output_embeddings()
    if head is None:
        raise CapabilityError("This model has no output embedding, so a direction can't be read as logits.")
    norms = [
        child for child in hf.get_submodule(machine.layout.decoder).children() if "norm" in type(child).__name__.lower()
    ]
    if not norms:
        raise CapabilityError(
            "No norm was found before this model's output embedding, so no direction can be read there."
        )
    return given, norms[-1], head


def _through_norm(norm: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
    """The vectors times the norm's gain; an RMS norm gives its gain when it is fed ones, whatever its formula."""
    if isinstance(norm, nn.LayerNorm):
        return (vectors - vectors.mean(-1, keepdim=True)) * norm.weight.float()
    ones = torch.ones(1, vectors.shape[1], device=vectors.device)
    return vectors * norm(ones).float()
