"""`ClampFeature` as tensors: what a traced block needs to hold latents, in plain torch."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from cotlens.models.contract.interventions import ClampFeature

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Clamp:
    """With h the activations at hand, float32 [batch, rows, d_model], and everything else on their device:

        shift = centre * mean(h);  scale = |h - shift| / root, or 1 without a root
        pre = (h - shift) / (scale + eps) @ encoder + bias
        a = pre[picks] where it exceeds the threshold (and is among the k largest), else 0
        h <- h + ((wanted + factor * a) - a) * scale @ decoder

    These lines stand in four blocks (`forward`, `backward`, `writing`, `embedded`), and stay there: a block may run
    where cotlens isn't installed, from its source and what it closes over, so it can call nothing of ours.
    `tests/reference/features/test_clamp.py` holds the four to each other and to SAELens.

    Args:
        root: sqrt(d_model) or sqrt(d_model - 1); 0 where nothing is normalised.
        picks: int64 [n], the columns of the encoder that are held.
    """

    centre: float
    root: float
    eps: float
    encoder: Tensor
    bias: Tensor
    threshold: Tensor
    picks: Tensor
    k: int
    wanted: Tensor
    factor: Tensor
    decoder: Tensor


_kept: dict[tuple[int, str], Clamp] = {}


def compiled(item: ClampFeature, device: torch.device) -> Clamp:
    """The tensors of an intervention, kept while it lives: every token that is written asks for them."""
    key = (id(item), str(device))
    if key not in _kept:
        _kept[key] = _compile(item, device)
        weakref.finalize(item, _kept.pop, key, None)
    return _kept[key]


def _compile(item: ClampFeature, device: torch.device) -> Clamp:
    values, width = _tensor(item.values, device), len(item.decoder[0])
    nothing = torch.zeros_like(values)
    picks = torch.tensor(item.features if item.k else range(len(item.features)), device=device)
    centred = item.normalize == "layer_norm"
    return Clamp(
        centre=float(centred),
        root=0.0 if item.normalize == "none" else (width - centred) ** 0.5,
        eps=1e-5 if centred else 0.0,
        encoder=_tensor(item.encoder, device),
        bias=_tensor(item.bias, device),
        threshold=_tensor(item.threshold, device)[picks],
        picks=picks,
        k=item.k,
        wanted=values if item.mode == "clamp" else nothing,
        factor=values if item.mode == "scale" else nothing,
        decoder=_tensor(item.decoder, device),
    )


def _tensor(values: object, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device)
