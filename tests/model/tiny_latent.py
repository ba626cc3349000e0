"""A tiny random model that thinks in latents, with a linear feedback, and the same thought by plain transformers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from cotlens.models.contract.feedback import Constant, Feedback, Identity, Linear, Rotated
from cotlens.models.contract.latents import LatentFormat
from tests.model import tiny

PROMPT = "Mia has 12 pears and buys 7 more. How many pears does she have?"
STEPS = 5
WIDTH = 32


def feedback(kind: str = "linear", seed: int = 0) -> Feedback:
    rng = np.random.default_rng(seed)
    linear = Linear(rng.normal(size=(WIDTH, WIDTH)) * 0.1, rng.normal(size=WIDTH) * 0.1)
    rotation = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
    kinds = {
        "linear": linear,
        "identity": Identity(),
        "constant": Constant(linear.bias),
        "rotated": Rotated(rotation, linear),
    }
    return kinds[kind]


@cache
def model(family: str = "qwen3", kind: str = "linear") -> Any:
    """The loaded model, shared by all tests; any number of latents, five by default."""
    from cotlens.models.local.model import LocalModel

    hf, tokenizer = tiny.pair(family)
    token = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    form = LatentFormat("tiny", token, feedback(kind), default=STEPS)
    return LocalModel(hf, tokenizer, name=f"tiny-latent-{family}", latent=form)


@cache
def trace(family: str = "qwen3", kind: str = "linear") -> Any:
    """A trace of five latents and an answer of a few random tokens."""
    return model(family, kind).reason(PROMPT, seed=3, max_new_tokens=6)


def thought(model: Any, ids: list[int], count: int, replaced: dict[int, Any] | None = None, held: Any = None) -> Any:
    """Latents [count, d] and inputs embeddings, by one whole pass per step with no cache.

    Args:
        replaced: step -> vector in place of the latent; held: latents that all steps after the first replaced one have.
    """
    hf, form = model.engine.hf, model.latent_format
    inputs, latents = hf.get_input_embeddings()(torch.tensor([ids])), []
    for step in range(count):
        with torch.no_grad():
            last = hf.get_decoder()(inputs_embeds=inputs).last_hidden_state[0, -1].numpy()
        if replaced and step in replaced:
            last = replaced[step]
        elif held is not None and replaced and step > min(replaced):
            last = held[step]
        latents.append(last)
        inputs = torch.cat([inputs, torch.tensor(form.feedback(last[None]))[None]], 1)
    return np.stack(latents), inputs


def logprobs(model: Any, inputs: Any, tokens: tuple[int, ...]) -> Any:
    """Log-probabilities of tokens behind inputs [1, n, d], by one pass."""
    hf = model.engine.hf
    with torch.no_grad():
        whole = torch.cat([inputs, hf.get_input_embeddings()(torch.tensor([tokens]))], 1)
        found = torch.log_softmax(hf(inputs_embeds=whole).logits[0], -1)
    n = inputs.shape[1]
    return np.array([float(found[n - 1 + i, token]) for i, token in enumerate(tokens)])
