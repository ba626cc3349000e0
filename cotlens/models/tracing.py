"""The one file with nnsight traces, and where interventions become operations on activations.

The blocks below use plain locals, torch and nnsight only: nnsight reads their source and may run them elsewhere. Ids,
positions and masks are always explicit, autograd is always off.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nnsight
import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.clamping import Clamp, compiled
from cotlens.models.interventions import (
    Ablate,
    AddVector,
    BlockAttention,
    ClampFeature,
    Intervention,
    Patch,
    covers,
)
from cotlens.models.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.masks import Masks

# order in which the parts of a layer run
_RANK = {"embed": 0, "attn_out": 1, "mlp_out": 2, "resid_post": 3}


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
    interventions: Sequence[Intervention], layout: Layout, positions: NDArray[np.int64], device: torch.device
) -> list[Change]:
    """What `interventions` do to a pass over tokens at `positions` [q]. `BlockAttention` is left to the masks.

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
        layout.module(item.site, item.layer)
        rows = np.flatnonzero(covers(item.positions, positions))
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
        values = np.zeros((1, layout.d_model), np.float32) if item.mean is None else item.mean[None]
    else:
        order = {position: index for index, position in enumerate(item.positions)}
        values = item.values[[order[int(position)] for position in at]]
    if values.shape[-1] != layout.d_model:
        raise InputError(
            f"{type(item).__name__} holds vectors of width {values.shape[-1]}; this model's are {layout.d_model} wide."
        )
    return values


def _unknown(item: Intervention) -> str:
    known = "AddVector, Ablate, BlockAttention, Patch and ClampFeature"
    return f"The local backend doesn't know {type(item).__name__}; it knows {known}."


def wrap(hf: Any, tokenizer: Any) -> Any:
    """The nnsight model around a loaded one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nnsight.TransformersModel(hf, tokenizer=tokenizer)


def run(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    masks: Masks | None,
    changes: Sequence[Change] = (),
    sites: Sequence[str] = (),
) -> tuple[Tensor, dict[str, Tensor], Any]:
    """One pass inside a trace.

    Args:
        inputs: `input_ids` and whatever else the forward takes, but no attention mask.
        masks: put in place of the masks the model would make; None leaves those.
        sites: outputs to return, after changes.

    Returns:
        logits [batch, kept, vocabulary], site -> [batch, q, d_model], the cache.
    """
    steps = _steps(traced, layout, masks, changes, sites)
    base = None if masks is None else masks.base
    decoder = _envoy(traced, layout.decoder)
    with torch.no_grad(), traced.trace(**inputs):
        if base is not None:
            args, kwargs = decoder.inputs
            decoder.inputs = (args, {**kwargs, "attention_mask": base})
        seen = []
        for module, mask, edits, wanted in steps:
            if mask is not None:
                args, kwargs = module.inputs
                module.inputs = (args, {**kwargs, "attention_mask": mask})
            if edits or wanted:
                output = module.output
                value = output[0] if isinstance(output, tuple) else output
                if edits:
                    value = value.clone()
                    for adds, rows, vectors, clamp in edits:
                        if clamp is None:
                            vectors = vectors.to(value)
                            value[:, rows] = value[:, rows] + vectors if adds else vectors.expand(len(rows), -1)
                            continue
                        # See clamping.Clamp; written out again below, as nothing of ours may be called in a block.
                        held = value[:, rows].float()
                        shift = clamp["centre"] * held.mean(-1, keepdim=True)
                        scale = (held - shift).norm(dim=-1, keepdim=True) / clamp["root"] if clamp["root"] else 1.0
                        pre = (held - shift) / (scale + clamp["eps"]) @ clamp["encoder"] + clamp["bias"]
                        acts = pre[..., clamp["picks"]]
                        active = acts > clamp["threshold"]
                        if clamp["k"]:
                            active = active & (acts >= pre.topk(clamp["k"]).values.min(-1, keepdim=True).values)
                        acts = acts * active
                        step = (clamp["wanted"] + clamp["factor"] * acts - acts) * scale
                        value[:, rows] = (held + step @ clamp["decoder"]).to(value)
                    module.output = (value, *output[1:]) if isinstance(output, tuple) else value
                if wanted:
                    seen.append(value.clone())
        found = nnsight.save(seen)
        ends = nnsight.save([traced.output.logits, traced.output.get("past_key_values")])
    return ends[0], dict(zip([site for *_, site in steps if site], found, strict=True)), ends[1]


def gradients(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    masks: Masks | None,
    changes: Sequence[Change],
    sites: Sequence[str],
    targets: Tensor,
    rows: Tensor | None,
    metric: str,
) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
    """One forward inside a trace, and the gradient of a metric of its last tokens.

    Where the parameters are frozen, the graph begins at the first site: what lies before it costs no memory. Gradients
    are taken with `torch.autograd.grad`, so that none is left behind in the parameters.

    Args:
        inputs: as for `run`.
        sites: at least one.
        targets: int64 [m], tokens of the answer.
        rows: int64 [m], the logits that predict them; None where the model returns no others.
        metric: "log_probability", "probability" or "logit_difference" of the answer, see `contract.Gradients`.

    Returns:
        the metric, site -> activation [q, d_model], site -> its gradient [q, d_model].
    """
    steps = _steps(traced, layout, masks, changes, sites)
    base = None if masks is None else masks.base
    decoder = _envoy(traced, layout.decoder)
    with torch.enable_grad(), traced.trace(**inputs):
        if base is not None:
            args, kwargs = decoder.inputs
            decoder.inputs = (args, {**kwargs, "attention_mask": base})
        seen = []
        for module, mask, edits, wanted in steps:
            if mask is not None:
                args, kwargs = module.inputs
                module.inputs = (args, {**kwargs, "attention_mask": mask})
            if edits or wanted:
                output = module.output
                value = output[0] if isinstance(output, tuple) else output
                value = value.clone()
                for adds, where, vectors, clamp in edits:
                    if clamp is None:
                        vectors = vectors.to(value)
                        value[:, where] = value[:, where] + vectors if adds else vectors.expand(len(where), -1)
                        continue
                    held = value[:, where].float()
                    shift = clamp["centre"] * held.mean(-1, keepdim=True)
                    scale = (held - shift).norm(dim=-1, keepdim=True) / clamp["root"] if clamp["root"] else 1.0
                    pre = (held - shift) / (scale + clamp["eps"]) @ clamp["encoder"] + clamp["bias"]
                    acts = pre[..., clamp["picks"]]
                    active = acts > clamp["threshold"]
                    if clamp["k"]:
                        active = active & (acts >= pre.topk(clamp["k"]).values.min(-1, keepdim=True).values)
                    acts = acts * active
                    step = (clamp["wanted"] + clamp["factor"] * acts - acts) * scale
                    value[:, where] = (held + step @ clamp["decoder"]).to(value)
                if wanted:
                    value = value if value.requires_grad else value.detach().requires_grad_(True)
                    seen.append(value)
                module.output = (value, *output[1:]) if isinstance(output, tuple) else value
        logits = traced.output.logits[0]
        logprobs = torch.log_softmax((logits if rows is None else logits[rows]).float(), -1)
        own = logprobs.gather(1, targets[:, None])[:, 0]
        rivals = logprobs.scatter(1, targets[:, None], float("-inf")).max(-1).values
        rest = own.flip(0).cumsum(0).flip(0)
        found = (rest - rivals).min() if metric == "logit_difference" else own.sum()
        found = found.exp() if metric == "probability" else found
        slopes = torch.autograd.grad(found, seen)
        ends = nnsight.save([found.detach(), [value.detach()[0] for value in seen], [slope[0] for slope in slopes]])
    order = [site for *_, site in steps if site]
    return ends[0], dict(zip(order, ends[1], strict=True)), dict(zip(order, ends[2], strict=True))


def attention(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    masks: Masks,
    heads: dict[int, Tensor],
    rows: Tensor | None = None,
    columns: Tensor | None = None,
) -> tuple[dict[int, Tensor | None], Any]:
    """Attention weights of a pass under eager attention; a layer's weights are let go before the next layer runs.

    Args:
        heads: layer -> int64 [h], the heads wanted of it.
        rows, columns: [r, q] and [k, c]; weights w [h, q, k] become rows @ w @ columns [h, r, c]. None leaves them.

    Returns:
        layer -> float32 [h, q, k] or [h, r, c], None where the layer gives no weights; the cache.
    """
    steps = [
        (_envoy(traced, path), masks.per_layer.get(layer), heads.get(layer))
        for layer, path in enumerate(layout.attention)
        if path
    ]
    base = masks.base
    decoder = _envoy(traced, layout.decoder)
    with torch.no_grad(), traced.trace(**inputs):
        args, kwargs = decoder.inputs
        decoder.inputs = (args, {**kwargs, "attention_mask": base})
        seen = []
        for module, mask, wanted in steps:
            if mask is not None:
                args, kwargs = module.inputs
                module.inputs = (args, {**kwargs, "attention_mask": mask})
            if wanted is not None:
                output = module.output
                weights = output[1] if isinstance(output, tuple) and len(output) > 1 else None
                if weights is not None:
                    weights = weights[0, wanted].float()
                    weights = weights if rows is None else rows @ weights @ columns
                seen.append(weights)
        found = nnsight.save(seen)
        cache = nnsight.save(traced.output.get("past_key_values"))
    return dict(zip(sorted(heads), found, strict=True)), cache


def _steps(
    traced: Any, layout: Layout, masks: Masks | None, changes: Sequence[Change], sites: Sequence[str]
) -> list[tuple[Any, Tensor | None, list[Any], str]]:
    """(module, its mask, its edits, site to return or "") in the order in which the modules run."""
    places: dict[tuple[int, int], list[Any]] = {}

    def place(layer: int, kind: str, path: str) -> list[Any]:
        return places.setdefault((layer, _RANK[kind]), [path, None, [], ""])

    for layer, mask in (masks.per_layer if masks is not None else {}).items():
        place(layer, "attn_out", layout.module("attn_out", layer))[1] = mask
    for change in changes:
        path = layout.embed if change.site == "embed" else layout.module(change.site, change.layer)
        clamp = vars(change.values) if isinstance(change.values, Clamp) else None
        place(change.layer, change.site, path)[2].append((change.adds, change.rows, change.values, clamp))
    for site in sites:
        path, layer = layout.site(site)
        place(layer, site.split(".")[0], path)[3] = site
    return [(_envoy(traced, path), *rest) for _, (path, *rest) in sorted(places.items(), key=lambda item: item[0])]


def _envoy(traced: Any, path: str) -> Any:
    for part in path.split(".") if path else ():
        traced = traced[int(part)] if part.isdigit() else getattr(traced, part)
    return traced
