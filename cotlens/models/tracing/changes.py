"""Where interventions become operations on activations: the rows of a pass and what is done at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.architecture.layout import Layout
from cotlens.models.contract.interventions import (
    Ablate,
    AddVector,
    BlockAttention,
    ClampFeature,
    Intervention,
    Patch,
    covers,
)
from cotlens.models.tracing.clamping import Clamp, compiled

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Change:
    """One operation on the output of a module: at `rows`, add `values`, put them in place, or hold latents.

    Args:
        rows: int64 [m], rows of the pass at hand.
        values: [m or 1, d_model], or the tensors of a clamp.
    """

    layer: int
    site: str
    adds: bool
    rows: Tensor
    values: Tensor | Clamp


def compile_changes(
    interventions: Sequence[Intervention],
    layout: Layout,
    positions: NDArray[np.int64],
    device: torch.device,
    among: NDArray[np.int64] | None = None,
) -> list[Change]:
    """What `interventions` do to a pass over tokens at `positions` [q]. `BlockAttention` is left to the masks.

    Args:
        among: rows at which they may act; None for all.

    Raises:
        InputError: a layer doesn't exist or a vector has the wrong width.
        CapabilityError: the intervention is not one that this backend knows.
    """
    changes = []
    for item in interventions:
        if isinstance(item, BlockAttention):
            continue
        if not isinstance(item, (AddVector, Ablate, Patch, ClampFeature)):
            raise CapabilityError(_unknown(item))
        layout.module(item.site, item.layer, "write")
        rows = np.flatnonzero(covers(item.positions, positions))
        rows = rows if among is None else np.intersect1d(rows, among)
        values = _values(item, layout, positions[rows])
        if len(rows):
            where = torch.from_numpy(rows).to(device)
            what = compiled(item, device) if isinstance(item, ClampFeature) else torch.tensor(values, device=device)
            changes.append(Change(item.layer, item.site, isinstance(item, AddVector), where, what))
    return changes


def _values(
    item: AddVector | Ablate | Patch | ClampFeature, layout: Layout, at: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What is added or put in place; of a clamp the decoder rows, whose width is checked like that of all vectors."""
    if isinstance(item, ClampFeature):
        values = item.decoder
    elif isinstance(item, AddVector):
        values = (item.vector * np.float32(item.coefficient))[None]
    elif isinstance(item, Ablate):
        values = np.zeros((1, layout.width(item.site)), np.float32) if item.mean is None else item.mean[None]
    else:
        order = {position: index for index, position in enumerate(item.positions)}
        values = item.values[[order[int(position)] for position in at]]
    if values.shape[-1] != layout.width(item.site):
        raise InputError(
            f"{type(item).__name__} holds vectors of width {values.shape[-1]}; this model's are "
            f"{layout.width(item.site)} wide at {item.site}."
        )
    return values


def _unknown(item: Intervention) -> str:
    known = "AddVector, Ablate, BlockAttention, Patch and ClampFeature"
    return f"The local backend doesn't know {type(item).__name__}; it knows {known}."
