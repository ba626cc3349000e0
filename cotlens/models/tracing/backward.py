"""Gradients of a forced answer: one forward inside a trace, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import nnsight
import torch

from cotlens.models.architecture.layout import Layout
from cotlens.models.tracing.changes import Change
from cotlens.models.tracing.places import envoy, steps

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.architecture.masks import Masks


def gradients(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    masks: Masks | None,
    changes: Sequence[Change],
    sites: Sequence[str],
    n: int,
    rows: Tensor | None,
    ask: dict[str, Any],
    dtype: torch.dtype | None = None,
    backend: Any = None,
) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
    """One forward inside a trace, and the gradient of a metric of its last tokens.

    Where the parameters are frozen, the graph begins at the first site: what lies before it costs no memory. Gradients
    are taken with `torch.autograd.grad`, so that none is left behind in the parameters.

    Args:
        inputs: as for `run`.
        sites: at least one.
        n: tokens of text and answer; behind them may stand others, in one row or in several that are else the same.
        rows: int64, the logits that are wanted, from the one that predicts the answer's first token on; None where the
            model returns no others.
        ask: "metric": "log_probability", "probability" or "logit_difference", see `contract.Gradients`. "targets":
            int64 [m], tokens of the value. "sets": for the ending (see `branches.Ending`) bool [vocabulary] by name,
            and "against ..." what counts against each; {} for none. "pending": tokens, "places": for each the row of
            the batch and of its logits that say what follows it.
        dtype: of the model, where masks are bool, which is how they travel.
        backend: runs the pass elsewhere.

    Returns:
        the metric, site -> activation [n, d_model], site -> its gradient [n, d_model].
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
        for module, mask, edits, enters, wanted in order:
            if mask is not None:
                args, kwargs = module.inputs
                if dtype is not None:
                    states = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
                    mask = (mask.to(states.device).to(dtype) - 1) * torch.finfo(dtype).max
                module.inputs = (args, {**kwargs, "attention_mask": mask})
            if edits or wanted:
                output = module.input if enters else module.output
                value = output[0] if isinstance(output, tuple) else output
                value = value.clone()
                for adds, rows_at, vectors, clamp in edits:
                    if clamp is None:
                        vectors = vectors.to(value)
                        value[:, rows_at] = value[:, rows_at] + vectors if adds else vectors.expand(len(rows_at), -1)
                        continue
                    # The lines of clamping.Clamp, which says why they stand here.
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
                if enters:
                    module.input = value
                else:
                    module.output = (value, *output[1:]) if isinstance(output, tuple) else value
        logits = traced.output.logits
        logprobs = torch.log_softmax((logits if rows is None else logits[:, rows]).float(), -1)
        none, tokens, m = float("-inf"), ask["targets"].to(logprobs.device)[:, None], len(ask["targets"])
        own = logprobs[0, :m].gather(1, tokens)[:, 0]
        rivals = logprobs[0, :m].scatter(1, tokens, none).max(-1).values
        sets = {name: flags.to(logprobs.device) for name, flags in ask["sets"].items()}
        odds = []
        if sets:  # see measure.answers.forced.read
            end = logprobs[0, m].masked_fill(~sets["after"], none).logsumexp(-1)
            beside = logprobs[0, m].masked_fill(~sets["against after"], none).max()
            for token, (copy, row) in zip(ask["pending"], ask["places"], strict=True):
                after = logprobs[copy, row]
                closed = after.masked_fill(~sets["closed"], none).logsumexp(-1)
                onward = after.masked_fill(~sets["onward"], none).logsumexp(-1)
                end = torch.logaddexp(end, logprobs[0, m, token] + closed)
                beside = torch.maximum(beside, logprobs[0, m, token] + onward)
            odds.append(end - beside)
            last = own[-1] + end
            if "merged" in sets:
                last = torch.logaddexp(last, logprobs[0, m - 1].masked_fill(~sets["merged"], none).logsumexp(-1))
                beside = logprobs[0, m - 1].masked_fill(~sets["against merged"], none).max()
                rivals = torch.cat([rivals[:-1], beside[None]])
            own = torch.cat([own[:-1], last[None]])
        rest = own.flip(0).cumsum(0).flip(0)
        odds.append((rest - rivals).min())
        found = torch.stack(odds).min() if ask["metric"] == "logit_difference" else rest[0]
        found = found.exp() if ask["metric"] == "probability" else found
        slopes = torch.autograd.grad(found, seen)
        values = [value.detach()[0, :n].float().cpu() for value in seen]
        slopes = [slope[:, :n].float().sum(0).cpu() for slope in slopes]
        ends = nnsight.save([found.detach().cpu(), values, slopes])
    named = [site for *_, site in order if site]
    return ends[0], dict(zip(named, ends[1], strict=True)), dict(zip(named, ends[2], strict=True))
