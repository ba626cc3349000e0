"""One pass inside a trace: interventions on the way, activations and logits, or what is reduced from them, at the end.

A pass that runs elsewhere sends back only what was asked for, as plain tensors, numbers and lists of them.
"""

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


def run(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    masks: Masks | None,
    changes: Sequence[Change] = (),
    sites: Sequence[str] = (),
) -> tuple[Tensor, dict[str, Tensor], Any]:
    """One pass in this process.

    Args:
        inputs: `input_ids` and whatever else the forward takes, but no attention mask.
        masks: put in place of the masks the model would make; None leaves those.
        sites: outputs to return, after changes.

    Returns:
        logits [batch, kept, vocabulary], site -> [batch, q, d_model], the cache.
    """
    order = steps(traced, layout, masks, changes, sites)
    ends, seen = _pass(traced, layout, inputs, masks, order, {})
    return ends[0], dict(zip([site for *_, site in order if site], seen, strict=True)), ends[1]


def reduced(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    masks: Masks | None,
    ask: dict[str, Any],
    changes: Sequence[Change] = (),
    sites: Sequence[str] = (),
    backend: Any = None,
) -> tuple[list[Any], dict[str, Tensor]]:
    """One pass wherever `backend` runs it, and the few numbers that are wanted of it.

    Args:
        inputs: as for `run`, on the CPU.
        masks: bool, True where a token is seen; made additive in `ask["dtype"]`.
        ask: "dtype": of the model. "seen": int64 [p], the rows to return of `sites`. Of the logits
            "rows" and "targets", int64 [e], rising rows that predict targets; "top", how many best tokens; "slice", how
            many rows are worked on at once, and for sums over sets of tokens "members" and "rivals", bool [sets,
            vocabulary], "set_rows" and "set_of", int64 [s], which row is summed over which set; or "temperature", for
            the divergence of all batch rows from the first.
            "whole": int64 [kept], the rows kept of a model that returns all; None where it returns no others.

    Returns:
        where asked for, log-probabilities [e], ids [kept, top], their log-probabilities [kept, top], rows that are not
        finite [kept], and of sets sums [s], best rivals [s] and their ids [s]; or divergences [batch - 1, kept], rows
        that are not finite [kept]; site -> float32 [p, d_model].
    """
    order = steps(traced, layout, masks, changes, sites)
    ends, seen = _pass(traced, layout, inputs, masks, order, ask, backend)
    return ends, dict(zip([site for *_, site in order if site], seen, strict=True))


def _pass(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    masks: Masks | None,
    order: list[Any],
    ask: dict[str, Any],
    backend: Any = None,
) -> tuple[list[Any], list[Tensor]]:
    base = None if masks is None else masks.base
    decoder, cached = envoy(traced, layout.decoder), layout.cache
    with torch.no_grad(), traced.trace(**inputs, backend=backend):
        if base is not None:
            args, kwargs = decoder.inputs
            ready = base
            if ask:  # masks that travel are bool
                where, kind = (kwargs["input_ids"] if "input_ids" in kwargs else args[0]).device, ask["dtype"]
                kinds = base if isinstance(base, dict) else {"": base}
                ready = {name: (mask.to(where).to(kind) - 1) * torch.finfo(kind).max for name, mask in kinds.items()}
                ready = ready if isinstance(base, dict) else ready[""]
            decoder.inputs = (args, {**kwargs, "attention_mask": ready})
        seen = []
        for module, mask, edits, enters, wanted in order:
            if mask is not None:
                args, kwargs = module.inputs
                if ask:
                    states = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
                    mask = (mask.to(states.device).to(ask["dtype"]) - 1) * torch.finfo(ask["dtype"]).max
                module.inputs = (args, {**kwargs, "attention_mask": mask})
            if edits or wanted:
                output = module.input if enters else module.output
                value = output[0] if isinstance(output, tuple) else output
                if edits:
                    value = value.clone()
                    for adds, rows, vectors, clamp in edits:
                        if clamp is None:
                            vectors = vectors.to(value)
                            value[:, rows] = value[:, rows] + vectors if adds else vectors.expand(len(rows), -1)
                            continue
                        # The lines of clamping.Clamp, which says why they stand here.
                        held = value[:, rows].float()
                        clamp = {
                            key: part.to(held.device) if hasattr(part, "to") else part for key, part in clamp.items()
                        }
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
                    if enters:
                        module.input = value
                    else:
                        module.output = (value, *output[1:]) if isinstance(output, tuple) else value
                if wanted:
                    seen.append(value[0, ask["seen"]].float().cpu() if ask else value.clone())
        if not ask:
            ends = [traced.output.logits, traced.output.get(cached)]
        elif "slice" not in ask:
            ends = []
        else:
            logits = traced.output.logits
            logits = logits if ask["whole"] is None else logits[:, ask["whole"].to(logits.device)]
            ends, parts = [], []
            for start in range(0, logits.shape[1], ask["slice"]):
                part = logits[:, start : start + ask["slice"]].float()
                if "temperature" in ask:
                    scores = torch.log_softmax(part / ask["temperature"], -1)
                    bad = ~torch.isfinite(scores.amax((0, 2)))
                    # KL(first || others) and KL(others || first), see divergence._kl
                    first = scores[0].clamp_min(-80)
                    apart = scores[1:].clamp_min(-1e4) - first
                    moved = torch.expm1(apart) * first.exp()
                    kl = moved.sum(-1) - (first.exp() * apart).sum(-1)
                    kl = torch.stack([kl, (moved * apart).sum(-1) - kl]).clamp_min(0)
                    parts.append([kl.double().cpu(), bad.cpu()])
                else:
                    norm = torch.logsumexp(part[0], -1)
                    best = torch.topk(part[0], ask["top"])
                    inside = (ask["rows"] >= start) & (ask["rows"] < start + len(norm))
                    row = (ask["rows"][inside] - start).to(norm.device)
                    own = part[0][row, ask["targets"][inside].to(norm.device)] - norm[row]
                    parts.append([own.cpu(), best.indices.cpu(), (best.values - norm[:, None]).cpu()])
                    parts[-1].append(~torch.isfinite(norm).cpu())
                    if "members" in ask:  # see logits.ScoreTable._sum
                        mine = (ask["set_rows"] >= start) & (ask["set_rows"] < start + len(norm))
                        row, of = (ask["set_rows"][mine] - start).to(norm.device), ask["set_of"][mine]
                        chosen = part[0][row] - norm[row, None]
                        members, rivals = (ask[key][of].to(norm.device) for key in ("members", "rivals"))
                        beside = chosen.masked_fill(~rivals, float("-inf")).max(-1)
                        summed = chosen.masked_fill(~members, float("-inf")).logsumexp(-1)
                        parts[-1] += [summed.cpu(), beside.values.cpu(), beside.indices.cpu()]
            dim = 2 if "temperature" in ask else 0
            for index in range(len(parts[0]) if parts else 0):
                ends.append(torch.cat([part[index] for part in parts], dim if index == 0 else 0))
        found = nnsight.save(seen)
        ends = nnsight.save(ends)
    return ends, found
