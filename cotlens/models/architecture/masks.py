"""Float additive attention masks, from who may see whom.

Models always get float ones: under eager attention a bool mask is added as 0 and 1 and masks nothing. Bool ones are
made only to be sent away, and made additive there. On models with sliding layers the
window is computed from positions, not from row numbers, and layers of different kinds get masks of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.models.architecture.layout import ATTENDING, FULL, RECURRENT, SLIDING, Layout
from cotlens.models.contract.interventions import BlockAttention, covers

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Masks:
    """The masks of one pass.

    Args:
        base: [1 or batch, 1, q, k], or one such tensor per kind of layer; None for those that keep a state.
        per_layer: [1 or batch, heads or 1, q, k] for layers that differ from it.
    """

    base: Any
    per_layer: dict[int, Tensor] = field(default_factory=dict)


def build(
    layout: Layout,
    visible: Tensor,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    dtype: torch.dtype,
    blocks: Sequence[BlockAttention] = (),
) -> Masks:
    """The masks of a pass.

    Args:
        visible: bool [q, k], who may see whom before windows and blocked attention.
        rows, columns: positions of the q queries and k keys.
        blocks: attention to cut.
    """
    device = visible.device
    at, of = torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)
    for block in blocks:
        if block.layers is None and block.heads is None:
            visible = visible & ~_cut(block, rows, columns, device)
    near = None if layout.window is None else at[:, None] - of[None, :] < layout.window
    kinds = set(layout.kinds) & set(ATTENDING)
    far = {FULL: visible, SLIDING: visible if near is None else visible & near}
    seen = {kind: far[ATTENDING[kind]] for kind in (ATTENDING if layout.no_mask else kinds)}
    made = {kind: _additive(far[kind][None], dtype) for kind in {ATTENDING[kind] for kind in seen}}
    ready = {kind: made[ATTENDING[kind]] for kind in seen}
    special = [block for block in blocks if block.layers is not None or block.heads is not None]
    per_layer = {
        layer: _additive(_per_head(layout, seen[layout.kinds[layer]], mine, rows, columns), dtype)
        for layer, mine in _by_layer(layout, special).items()
        if layout.kinds[layer] in seen  # a layer that keeps a state looks back at nothing
    }
    if layout.no_mask:
        return Masks({**ready, **dict.fromkeys(RECURRENT)}, per_layer)
    return Masks(ready if layout.mixed else ready[layout.kinds[0]], per_layer)


def batch(
    layout: Layout,
    shared: Masks,
    blocks: Sequence[BlockAttention | None],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> Masks:
    """The masks of a batch with one row per block, which cuts more than what is `shared` (without `per_layer`)."""
    kinds = shared.base if isinstance(shared.base, dict) else {layout.kinds[0]: shared.base}
    count = len(blocks)
    stateful = [kind for kind, mask in kinds.items() if mask is None]
    ready = {kind: mask.expand(count, -1, -1, -1).clone() for kind, mask in kinds.items() if mask is not None}
    cuts = [
        None if block is None else _cut(block, rows, columns, next(iter(ready.values())).device) for block in blocks
    ]
    special = []
    for row, (block, cut) in enumerate(zip(blocks, cuts, strict=True)):
        if block is not None and (block.layers is not None or block.heads is not None):
            special.append(row)
        elif cut is not None:
            for mask in ready.values():
                mask[row].masked_fill_(cut, _lowest(mask.dtype))
    per_layer: dict[int, Tensor] = {}
    for row in special:
        for layer, (block,) in _by_layer(layout, [blocks[row]]).items():  # type: ignore[list-item]
            if layout.kinds[layer] not in ready:  # it looks back at nothing
                continue
            if layer not in per_layer:
                # All heads share a mask until one is cut alone: then the layer gets a mask per head, for every row of
                # the batch.
                per_layer[layer] = ready[layout.kinds[layer]].expand(-1, layout.heads, -1, -1).clone()
            chosen = _heads(layout, block)
            mask = per_layer[layer]
            mask[row, chosen] = mask[row, chosen].masked_fill(cuts[row], _lowest(mask.dtype))
    if stateful:
        return Masks({**ready, **dict.fromkeys(stateful)}, per_layer)
    return Masks(ready if layout.mixed else ready[layout.kinds[0]], per_layer)


def stacked(parts: Sequence[Masks]) -> Masks:
    """The masks of a batch from those of its rows, which are all of one shape."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    per_layer = {layer: torch.cat([part.per_layer[layer] for part in parts]) for layer in first.per_layer}
    if isinstance(first.base, dict):
        kinds = {kind: torch.cat([part.base[kind] for part in parts]) for kind in first.base}
        return Masks(kinds, per_layer)
    return Masks(torch.cat([part.base for part in parts]), per_layer)


def causal(rows: int, before: int, device: torch.device) -> Tensor:
    """Bool [rows, before + rows]: each row sees everything before it, and itself."""
    return torch.ones(rows, before + rows, dtype=torch.bool, device=device).tril(before)


def unread(layout: Layout, rows: int, columns: int, dtype: torch.dtype) -> Masks:
    """Masks of a pass in which nothing reads them: NaN, so that what does is found out."""
    nothing = torch.full((1, 1, 1, 1), torch.nan, dtype=dtype).expand(1, 1, rows, columns)
    return Masks(dict.fromkeys(set(layout.kinds), nothing) if layout.mixed else nothing)


def _additive(visible: Tensor, dtype: torch.dtype) -> Tensor:
    if dtype == torch.bool:
        return visible[None]
    return visible.to(dtype).sub_(1).mul_(torch.finfo(dtype).max)[None]  # 0 or the smallest number; faster than where


def _lowest(dtype: torch.dtype) -> float | bool:
    """What hides a key in a mask of this type."""
    return False if dtype == torch.bool else torch.finfo(dtype).min


def _cut(block: BlockAttention, rows: NDArray[np.int64], columns: NDArray[np.int64], device: torch.device) -> Tensor:
    """Bool [q, k]: pairs that `block` parts; never a token from itself."""
    pairs = covers(block.queries, rows)[:, None] & covers(block.keys, columns)[None, :]
    # A token that could not see itself might see nothing, and a softmax over nothing is no attention.
    pairs &= rows[:, None] != columns[None, :]
    return torch.from_numpy(pairs).to(device)


def _by_layer(layout: Layout, blocks: Sequence[BlockAttention]) -> dict[int, list[BlockAttention]]:
    found: dict[int, list[BlockAttention]] = {}
    for block in blocks:
        for layer in range(layout.n_layers) if block.layers is None else block.layers:
            if layer >= layout.n_layers:
                raise InputError(f"Layer {layer} doesn't exist: this model has layers 0 to {layout.n_layers - 1}.")
            found.setdefault(layer, []).append(block)
    return found


def _per_head(
    layout: Layout,
    visible: Tensor,
    blocks: Sequence[BlockAttention],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> Tensor:
    """Bool [heads, q, k], or [1, q, k] where all heads are alike."""
    heads = visible.expand(layout.heads, *visible.shape).clone()
    for block in blocks:
        heads[_heads(layout, block)] &= ~_cut(block, rows, columns, visible.device)
    return heads


def _heads(layout: Layout, block: BlockAttention) -> list[int]:
    chosen = range(layout.heads) if block.heads is None else block.heads
    if any(head >= layout.heads for head in chosen):
        raise InputError(f"Heads {block.heads} are not all there: this model has heads 0 to {layout.heads - 1}.")
    return list(chosen)


__all__ = ["FULL", "SLIDING", "Masks", "batch", "build", "causal", "stacked", "unread"]
