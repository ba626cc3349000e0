"""Suppression of the sentences of a long thought, beside one uncached eager pass per sentence with KL on the host.

The plain side would take long, so an even sample of its passes is run and its time counted as many times as the sample
goes into the whole. Its numbers are held to ours for every sentence of the sample.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import cotlens as cl
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace
from tests.benchmarks.table import Row, at_limit, in_turn

SENTENCES = 60
EVERY = 6
ROUNDS = 3
STEP = ("She gets 7 more, so 12 + 7 = 19.", "Then 7 are gone: 19 - 7 = 12.")
QUESTION, ANSWER = "Mia has 12 pears. How many pears does Mia have?", "The answer is 12."
GOAL = "at least 6 times for 60 sentences"


def trace_of(model: Model, sentences: int) -> Trace:
    """A trace whose thought has that many sentences."""
    thought = " ".join(STEP[i % 2] for i in range(sentences))
    return cl.Trace.from_text(QUESTION, thought, ANSWER, model=model)


def suppression(
    sentences: int = SENTENCES,
    model: Any = None,
    where: str = "",
    goal: str = GOAL,
    rounds: int = ROUNDS,
    share: str = "",
) -> list[Row]:
    """Every sentence suppressed: with the prefix reused and several at once, against plain transformers."""
    model = cl.load("abacus") if model is None else model
    trace = trace_of(model, sentences)
    spans = trace.spans("sentence")
    ids, sampled = trace.token_ids[: spans[-1].end], spans[:-1:EVERY]
    method = cl.importance.Suppression()
    found: dict[str, Any] = {}

    def ours() -> None:
        result = method.run(trace, model)
        found["ours"], found["spent"] = result.extras["kl"], result.provenance.cost.tokens

    def theirs() -> None:
        found["theirs"] = np.array([plain_kl(model.engine.hf, ids, base, source, spans) for source in sampled]).T

    base = plain_logits(model.engine.hf, ids, (0, 0))
    quick, slow = in_turn(ours, theirs, rounds)
    np.testing.assert_allclose(found["ours"][:, :-1:EVERY], found["theirs"], rtol=2e-2, atol=1e-5)
    whole = slow * (len(spans) - 1) / len(sampled)
    other = f"one uncached eager pass per sentence ({len(sampled)} of {len(spans) - 1} run)"
    name = f"suppression of {len(spans)} sentences, {len(ids):,} tokens{where}"
    per_token = slow / (len(sampled) * len(ids))
    return [Row(name, quick, whole, other, goal), at_limit(name, quick, per_token, found["spent"], share)]


def plain_kl(hf: Any, ids: tuple[int, ...], base: torch.Tensor, source: Span, targets: list[Span]) -> list[float]:
    """Mean KL at each later sentence, NaN at the others: one masked eager pass, compared token by token on the host."""
    kl = []
    for p, q in zip(base, plain_logits(hf, ids, (source.start, source.end)), strict=True):
        logp, logq = (torch.log_softmax(row, -1).double().numpy() for row in (p, q))
        kl.append(float(np.sum(np.exp(logp) * (logp - logq))))
    return [float(np.mean(kl[t.start : t.end])) if t.start >= source.end else float("nan") for t in targets]


def plain_logits(hf: Any, ids: tuple[int, ...], cut: tuple[int, int]) -> torch.Tensor:
    """Logits [tokens, vocabulary] of a whole eager pass in which queries after `cut` don't see the keys in it."""
    n = len(ids)
    allowed = torch.ones(n, n, dtype=torch.bool).tril()
    allowed[cut[1] :, cut[0] : cut[1]] = False
    mask = torch.zeros(n, n).masked_fill(~allowed, torch.finfo(torch.float32).min)[None, None]
    before = hf.config._attn_implementation
    hf.set_attn_implementation("eager")
    with torch.inference_mode():
        logits = hf(input_ids=torch.tensor([ids]), attention_mask=mask, use_cache=False).logits[0]
    hf.set_attn_implementation(before)
    return logits
