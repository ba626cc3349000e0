"""Blocks that a vLLM engine runs with every request that names them.

There activations are [tokens, d_model] of one request, a layer's output is (what its MLP gave, the stream before it),
whose sum is the stream after it, and kernels write in place, so changes are made in place and what is kept is copied.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import nnsight
import torch

from cotlens.models.architecture.layout import Layout
from cotlens.models.tracing.changes import Change
from cotlens.models.tracing.places import envoy, steps

if TYPE_CHECKING:
    from torch import Tensor


def install(traced: Any, layout: Layout, changes: Sequence[Change], sites: Sequence[str], name: str) -> Any:
    """Make `changes` in, and keep `sites` of, the requests that name `name`, until the handle's `clear`.

    Args:
        changes: with positions of the sequence as rows, in order.

    Returns:
        nnsight's handle. What a request keeps comes back as "kept": per pass and site, in order, float32 [t, d_model].
    """
    order = steps(traced, layout, None, changes, sites)
    decoder = envoy(traced, layout.decoder)
    # nnsight warns of prefixes that don't run: requests that keep something share none, and changes stay in the cache
    with warnings.catch_warnings(action="ignore"), traced.edit(name=name) as (tracer, edit):
        kept = nnsight.save([])
        for _ in tracer.all():
            args, kwargs = decoder.inputs
            here = kwargs["positions"] if "positions" in kwargs else args[1]
            for module, _, edits, _enters, wanted in order:
                output = module.output
                whole = output if torch.is_tensor(output) else output[0] + output[1]
                value = whole.clone()
                for adds, rows, vectors, clamp in edits:
                    seen = torch.isin(rows, here)
                    at = rows[seen] - here[0]
                    if not len(at):
                        continue
                    if clamp is None:
                        vectors = vectors.to(value)
                        vectors = vectors[seen] if len(vectors) > 1 else vectors
                        value[at] = value[at] + vectors if adds else vectors.expand(len(at), -1)
                        continue
                    # The lines of clamping.Clamp, which says why they stand here.
                    held = value[at].float()
                    shift = clamp["centre"] * held.mean(-1, keepdim=True)
                    scale = (held - shift).norm(dim=-1, keepdim=True) / clamp["root"] if clamp["root"] else 1.0
                    pre = (held - shift) / (scale + clamp["eps"]) @ clamp["encoder"] + clamp["bias"]
                    acts = pre[..., clamp["picks"]]
                    active = acts > clamp["threshold"]
                    if clamp["k"]:
                        active = active & (acts >= pre.topk(clamp["k"]).values.min(-1, keepdim=True).values)
                    acts = acts * active
                    step = (clamp["wanted"] + clamp["factor"] * acts - acts) * scale
                    value[at] = (held + step @ clamp["decoder"]).to(value)
                if edits:
                    (output if torch.is_tensor(output) else output[0]).add_(value - whole)
                if wanted:
                    kept.append(value.float().cpu())
    return edit


def install_lens(traced: Any, norm: str, head: str, vectors: Tensor, name: str) -> Any:
    """Keep logits [n, vocabulary] of `vectors` [n, d_model] times the gain of the final norm, as "found"."""
    last, output = envoy(traced, norm), envoy(traced, head)
    with warnings.catch_warnings(action="ignore"), traced.edit(name=name) as (_, edit):
        weight = output.weight
        gain = last(torch.ones_like(vectors[:1]).to(weight)).float()
        scaled = (vectors.to(weight.device) * gain).to(weight)
        found = nnsight.save((scaled @ weight.T).float().cpu())  # noqa: F841 - by this name it comes back
    return edit
