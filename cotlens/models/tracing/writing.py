"""Writing text where the model is: one generation inside a trace, tokens drawn with numbers that were sent along."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import nnsight
import torch
from transformers import DynamicCache

from cotlens.models.architecture.layout import Layout
from cotlens.models.tracing.changes import Change
from cotlens.models.tracing.places import envoy, steps

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.architecture.masks import Masks


def write(
    traced: Any,
    layout: Layout,
    prefix: Tensor,
    chances: Tensor,
    stops: Sequence[int],
    temperature: float,
    top_p: float,
    top_k: int,
    *,
    top: int,
    head: str,
    mark: str,
    every: int,
    masks: Masks | None = None,
    changes: Sequence[Change] = (),
    dtype: torch.dtype | None = None,
    backend: Any = None,
) -> list[Tensor]:
    """Rows of text after one prefix, until all of them have ended.

    Draws as `sampling.choose` does; so that the model's own generation goes on with the tokens drawn, it is shown
    logits in which they alone are possible. Every few tokens a line of JSON is printed: `mark`, the number of the last
    token, and the tokens of all rows since the line before.

    Args:
        prefix: int64 [n, tokens], n times the same.
        chances: float64 [n, most], a random number in [0, 1) for each token that may be written.
        stops: ids that end a row.
        temperature, top_p, top_k: as of `sampling.Sampling`.
        top: how many of the best tokens are noted at each token; 0 notes nothing but the tokens.
        head: path of the output embedding, where logits can be read and set; "" where what follows it changes them.
        every: tokens between two lines.
        masks: bool [1, 1 or heads, prefix + most, prefix + most]; see `forward.reduced`.
        changes: for rows of the whole sequence.

    Returns:
        tokens [n, most], -1 where none was written; log-probabilities [n, most], ids [n, most, top] and
        log-probabilities [n, most, top] of the best tokens, all empty without `top`; the token at which logits were not
        finite, or -1.
    """
    order = steps(traced, layout, masks, changes, ())
    base = None if masks is None else masks.base
    decoder, output = envoy(traced, layout.decoder), envoy(traced, head)
    count, most = chances.shape
    settings: dict[str, Any] = {"attention_mask": torch.ones_like(prefix), "eos_token_id": None, "pad_token_id": 0}
    settings |= {"do_sample": False, "num_beams": 1, "max_new_tokens": most, "repetition_penalty": 1.0}
    if masks is not None:
        settings["past_key_values"] = DynamicCache()  # keeps every token in every layer, so that masks have one width
    with torch.no_grad(), traced.generate(prefix, **settings, backend=backend) as tracer:
        tokens = nnsight.save(torch.full((count, most), -1))
        logprobs = nnsight.save(torch.full((count, most if top else 0), float("nan")))
        best_ids = nnsight.save(torch.full((count, most if top else 0, top), -1))
        best = nnsight.save(torch.full((count, most if top else 0, top), float("nan")))
        broken = nnsight.save(torch.tensor(-1))
        at, before, width, told, live = 0, 0, prefix.shape[1], 0, [True] * count
        for _ in tracer.iter[:most]:
            after = before + width
            if base is not None:
                args, kwargs = decoder.inputs
                where = (kwargs["input_ids"] if "input_ids" in kwargs else args[0]).device
                ready = {}
                for name, mask in base.items() if isinstance(base, dict) else [("", base)]:
                    mask = mask[:, :, before:after, :after].to(where).to(dtype)
                    ready[name] = (mask - 1) * torch.finfo(dtype).max
                ready = ready if isinstance(base, dict) else ready[""]
                decoder.inputs = (args, {**kwargs, "attention_mask": ready})
            for module, mask, edits, enters, _ in order:
                if mask is not None:
                    args, kwargs = module.inputs
                    states = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
                    mask = mask[:, :, before:after, :after].to(states.device).to(dtype)
                    mask = (mask - 1) * torch.finfo(dtype).max
                    module.inputs = (args, {**kwargs, "attention_mask": mask})
                if any_here := [(edit[1] >= before) & (edit[1] < after) for edit in edits]:
                    if not any(bool(here.any()) for here in any_here):
                        continue
                    output_of = module.input if enters else module.output
                    value = (output_of[0] if isinstance(output_of, tuple) else output_of).clone()
                    for (adds, every_row, vectors, clamp), here in zip(edits, any_here, strict=True):
                        rows = every_row[here] - before
                        if not len(rows):
                            continue
                        if clamp is None:
                            vectors = (vectors if len(vectors) == 1 else vectors[here]).to(value)
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
                        module.output = (value, *output_of[1:]) if isinstance(output_of, tuple) else value
            whole = [] if head else [traced.output]
            given = output.output if head else whole[0].logits
            logits = given[:, -1].float()
            norm = torch.logsumexp(logits, -1)
            if not bool(torch.isfinite(norm)[torch.tensor(live)].all()):
                broken.fill_(at)
                tracer.stop()
            if temperature == 0:
                chosen = logits.argmax(-1)
            else:
                exact = logits.double()
                shares = torch.softmax((exact - exact.amax(-1, keepdim=True)) / temperature, -1)
                ids = None
                if top_p < 1 or top_k:
                    shares, ids = torch.sort(shares, descending=True, stable=True)
                reach = torch.cumsum(shares, -1)
                last = torch.full_like(reach[:, 0], reach.shape[1] - 1).long()
                if top_k:
                    last = (shares >= shares[:, min(top_k, shares.shape[1]) - 1, None]).sum(-1) - 1
                if top_p < 1:
                    last = torch.minimum(last, (reach < top_p * reach.gather(1, last[:, None])).sum(-1))
                points = chances[:, at, None].to(reach.device) * reach.gather(1, last[:, None])
                chosen = torch.minimum(torch.searchsorted(reach, points, right=True), last[:, None])[:, 0]
                chosen = chosen if ids is None else ids.gather(1, chosen[:, None])[:, 0]
            if top:
                found = torch.topk(logits, top, dim=-1)
                logprobs[:, at] = (logits.gather(1, chosen[:, None])[:, 0] - norm).cpu()
                best_ids[:, at] = found.indices.cpu()
                best[:, at] = (found.values - norm[:, None]).cpu()
            forced = torch.full_like(given, torch.finfo(given.dtype).min)
            forced[:, -1] = forced[:, -1].scatter(1, chosen[:, None], 0)
            if head:
                output.output = forced
            else:
                whole[0].logits = forced
                traced.output = whole[0]
            names = chosen.tolist()
            for row in range(count):
                if live[row]:
                    tokens[row, at] = names[row]
                    live[row] = names[row] not in stops
            at, before, width = at + 1, after, 1
            if at % every == 0 or at == most or not any(live):
                line = {"mark": mark, "at": at, "tokens": tokens[:, told:at].tolist()}
                print(json.dumps(line), flush=True)  # noqa: T201 - a server hands on what a block prints
                told = at
            if not any(live):
                tracer.stop()
    return [tokens, logprobs, best_ids, best, broken]
