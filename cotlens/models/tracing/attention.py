"""Attention weights of a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nnsight
import torch

from cotlens.models.architecture.layout import Layout
from cotlens.models.tracing.places import envoy

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.architecture.masks import Masks


def attention(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    masks: Masks | None,
    heads: dict[int, Tensor],
    rows: Tensor | None = None,
    columns: Tensor | None = None,
    backend: Any = None,
) -> tuple[dict[int, Tensor | None], Any]:
    """Attention weights of a pass under eager attention; a layer's weights are let go before the next layer runs.

    Args:
        masks: None leaves them to the model.
        heads: layer -> int64 [h], the heads wanted of it.
        rows, columns: [r, q] and [k, c]; weights w [h, q, k] become rows @ w @ columns [h, r, c]. None leaves them.
        backend: runs the pass elsewhere; no cache comes back then.

    Returns:
        layer -> float32 [h, q, k] or [h, r, c], None where the layer gives no weights; the cache.
    """
    order = [
        (envoy(traced, path), masks.per_layer.get(layer) if masks is not None else None, heads.get(layer))
        for layer, path in enumerate(layout.attention)
        if path
    ]
    base = None if masks is None else masks.base
    decoder, cached = envoy(traced, layout.decoder), layout.cache
    with torch.no_grad(), traced.trace(**inputs, backend=backend):
        if base is not None:
            args, kwargs = decoder.inputs
            decoder.inputs = (args, {**kwargs, "attention_mask": base})
        seen = []
        for module, mask, wanted in order:
            if mask is not None:
                args, kwargs = module.inputs
                module.inputs = (args, {**kwargs, "attention_mask": mask})
            if wanted is not None:
                output = module.output
                weights = output[1] if isinstance(output, tuple) and len(output) > 1 else None
                if weights is not None:
                    weights = weights[0, wanted.to(weights.device)].float()
                    if rows is not None and columns is not None:
                        weights = rows.to(weights.device) @ weights @ columns.to(weights.device)
                    weights = weights.cpu()
                seen.append(weights)
        found = nnsight.save(seen)
        cache = nnsight.save(traced.output.get(cached))
    return dict(zip(sorted(heads), found, strict=True)), cache
