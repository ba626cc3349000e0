"""Gradients of a forced answer: one forward inside a trace, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import nnsight
import torch

from cotlens.models.layout import Layout
from cotlens.models.tracing.changes import Change
from cotlens.models.tracing.places import envoy, steps

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.masks import Masks


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
    dtype: torch.dtype | None = None,
    backend: Any = None,
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
        dtype: of the model, where masks are bool, which is how they travel.
        backend: runs the pass elsewhere.

    Returns:
        the metric, site -> activation [q, d_model], site -> its gradient [q, d_model].
    """
    order = steps(traced, layout, masks, changes, sites)
    base = None if masks is None else masks.base
    decoder = envoy(traced, layout.decoder)
    with torch.enable_grad(), traced.trace(**inputs, backend=backend):
        if base is not None:
            args, kwargs = decoder.inputs
            ready = base
            if dtype is not None:
                where = (kwargs["input_ids"] if "input_ids" in kwargs else args[0]).device
                kinds = base if isinstance(base, dict) else {"": base}
                ready = {name: (mask.to(where).to(dtype) - 1) * torch.finfo(dtype).max for name, mask in kinds.items()}
                ready = ready if isinstance(base, dict) else ready[""]
            decoder.inputs = (args, {**kwargs, "attention_mask": ready})
        seen = []
        for module, mask, edits, wanted in order:
            if mask is not None:
                args, kwargs = module.inputs
                if dtype is not None:
                    states = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
                    mask = (mask.to(states.device).to(dtype) - 1) * torch.finfo(dtype).max
                module.inputs = (args, {**kwargs, "attention_mask": mask})
            if edits or wanted:
                output = module.output
                value = output[0] if isinstance(output, tuple) else output
                value = value.clone()
                for adds, rows_at, vectors, clamp in edits:
                    if clamp is None:
                        vectors = vectors.to(value)
                        value[:, rows_at] = value[:, rows_at] + vectors if adds else vectors.expand(len(rows_at), -1)
                        continue
                    held = value[:, rows_at].float()
                    clamp = {key: part.to(held.device) if hasattr(part, "to") else part for key, part in clamp.items()}
                    shift = clamp["centre"] * held.mean(-1, keepdim=True)
                    scale = (held - shift).norm(dim=-1, keepdim=True) / clamp["root"] if clamp["root"] else 1.0
                    pre = (held - shift) / (scale + clamp["eps"]) @ clamp["encoder"] + clamp["bias"]
                    acts = pre[..., clamp["picks"]]
                    active = acts > clamp["threshold"]
                    if clamp["k"]:
                        active = active & (acts >= pre.topk(clamp["k"]).values.min(-1, keepdim=True).values)
                    acts = acts * active
                    step = (clamp["wanted"] + clamp["factor"] * acts - acts) * scale
                    value[:, rows_at] = (held + step @ clamp["decoder"]).to(value)
                if wanted:
                    value = value if value.requires_grad else value.detach().requires_grad_(True)
                    seen.append(value)
                    value = value.clone()  # the next module may work in place
                module.output = (value, *output[1:]) if isinstance(output, tuple) else value
        logits = traced.output.logits[0]
        logprobs = torch.log_softmax((logits if rows is None else logits[rows]).float(), -1)
        tokens = targets.to(logprobs.device)[:, None]
        own = logprobs.gather(1, tokens)[:, 0]
        rivals = logprobs.scatter(1, tokens, float("-inf")).max(-1).values
        rest = own.flip(0).cumsum(0).flip(0)
        found = (rest - rivals).min() if metric == "logit_difference" else own.sum()
        found = found.exp() if metric == "probability" else found
        slopes = torch.autograd.grad(found, seen)
        values = [value.detach()[0].float().cpu() for value in seen]
        ends = nnsight.save([found.detach().cpu(), values, [slope[0].float().cpu() for slope in slopes]])
    named = [site for *_, site in order if site]
    return ends[0], dict(zip(named, ends[1], strict=True)), dict(zip(named, ends[2], strict=True))
