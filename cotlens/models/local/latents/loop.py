"""How latents come: what a position says after the last norm, turned by the feedback, is what the next one reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cotlens._core import control
from cotlens.models.contract.feedback import Mixture
from cotlens.models.contract.latents import Begun
from cotlens.models.local.caches import fresh_cache
from cotlens.models.local.incremental import STEP, pieces
from cotlens.models.local.padded_cache import PaddedCache
from cotlens.models.whitebox.decoding import logits_after_norm

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.contract.feedback import Floats
    from cotlens.models.contract.latents import LatentFormat
    from cotlens.models.local.engine import Engine

TOGETHER = 32  # thoughts that are thought side by side


def embedded(engine: Engine, text: Begun) -> Tensor:
    """What the positions of a text read, [1, n, d_model]."""
    with torch.no_grad():
        found: Tensor = engine.hf.get_input_embeddings()(engine.embeddable(engine.tensor(text.ids))).clone()
    if len(text.places):
        given = torch.tensor(text.inputs, dtype=found.dtype, device=found.device)
        found[0, torch.tensor(text.places, device=found.device)] = given
    return found


def run(engine: Engine, text: Begun) -> tuple[Tensor, Any]:
    """Hidden states after the final norm at all positions of a text, [1, n, d_model], and the cache behind it."""
    inputs, cache, found = embedded(engine, text), fresh_cache(), []
    for start, stop in pieces(engine, len(text.ids), STEP):
        at = np.arange(start, stop)
        found.append(engine.hidden(inputs[:, start:stop], at, engine.causal(at, start), cache))
    return torch.cat(found, 1), cache


def taken(engine: Engine, form: LatentFormat, hidden: Tensor) -> Floats:
    """The latents of hidden states [n, d_model]: these themselves, or the likeliest tokens and their probabilities."""
    said: Floats = hidden.float().cpu().numpy()
    if not isinstance(form.feedback, Mixture):
        return said
    best = torch.softmax(logits_after_norm(engine, said), -1).topk(form.feedback.tokens, -1)
    shares = best.values / best.values.sum(-1, keepdim=True)
    return torch.cat([best.indices.float(), shares], -1).cpu().numpy()


def think(engine: Engine, form: LatentFormat, texts: Sequence[Begun]) -> list[Floats]:
    """The latents that follow each text, float32 [count, d_model], before feedback.

    Texts of any length and count go side by side, each as if it were alone.

    Raises:
        OutOfMemory: they don't fit.
        Cancelled: between two steps.
    """
    width = form.feedback.width or engine.layout.d_model
    found: list[Floats] = [np.empty((0, width), np.float32)] * len(texts)
    order = sorted((i for i, text in enumerate(texts) if text.count), key=lambda i: -texts[i].count)
    for start in range(0, len(order), TOGETHER):
        group = order[start : start + TOGETHER]
        for index, latents in zip(group, _together(engine, form, [texts[i] for i in group]), strict=True):
            found[index] = latents
    return found


def _together(engine: Engine, form: LatentFormat, texts: Sequence[Begun]) -> list[Floats]:
    """The latents of some texts, those with most latents first."""
    padded, last = None, []
    for text in texts:
        hidden, cache = run(engine, text)
        padded = padded or PaddedCache(cache, len(texts))
        padded.add(cache, len(text.ids))
        last.append(hidden[:, -1])
    assert padded is not None
    states = torch.cat(last)
    told: list[Floats] = []
    for step in range(texts[0].count):
        control.current().check()
        while texts[len(padded.lengths) - 1].count <= step:
            padded.drop(len(padded.lengths) - 1)
        states = states[: len(padded.lengths)]
        told.append(taken(engine, form, states))
        if step + 1 == texts[0].count:
            break
        at = np.array(padded.lengths)[:, None]
        cache = padded.grow()
        inputs = torch.from_numpy(form.inputs(told[-1])).to(engine.device)[:, None]
        states = engine.hidden(inputs, at, padded.masks(engine.layout, engine.dtype), cache)[:, 0]
    return [np.stack([told[step][row] for step in range(text.count)]) for row, text in enumerate(texts)]
