"""Rollouts from sentence boundaries beside public practice: `generate` in batches of 8, the prefix run again for each.

Compared per token written. The plain side runs one batch per place, an even sample of the 13 that 100 rollouts take.
What both write at temperature 0 is held equal; sampled texts differ, since random numbers do.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import torch

import cotlens as cl
from cotlens.models.contract import Model, Start
from cotlens.trace import Trace
from tests.benchmarks.table import Row
from tests.model import tiny

N, BATCH, ROUNDS = 100, 8, 3
GOAL = "at least 3 times the tokens per second"
QUESTION = (
    "Mia has 12 pears. She buys 7 more. She gives 4 pears to Tom. She finds 9 more. How many pears does she have?"
)


def rollouts() -> list[Row]:
    """On Abacus, and on a random model of 30 M parameters with a thought of 200 tokens."""
    small = cl.load("abacus", store=False)
    thought = small.reason(QUESTION)
    large = random_model()
    return [
        row("Abacus", small, thought, 2, 400),
        row("30 M parameters", large, large.reason(QUESTION, max_new_tokens=200), 1, 60),
    ]


def random_model() -> Model:
    """A Qwen3 of about 30 M parameters with random weights."""
    from transformers import AutoModelForCausalLM, Qwen3Config

    tokenizer = tiny.tokenizer()
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=512, intermediate_size=1536, num_hidden_layers=9,
        num_attention_heads=8, num_key_value_heads=8, head_dim=64, max_position_embeddings=2048,
    )  # fmt: skip
    return cl.load((AutoModelForCausalLM.from_config(config).eval(), tokenizer), store=False)


def row(name: str, model: Model, trace: Trace, places: int, most: int, rounds: int = ROUNDS) -> Row:
    """One model: rollouts of at most `most` tokens from `places` places of a thought."""
    thought = trace.roles["thought"]
    at = [thought.start + (thought.end - thought.start) * i // places for i in range(places)]
    _same_text(model, trace, at[-1])
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_per_token(lambda: _ours(model, trace, at, most)))
        theirs.append(_per_token(lambda: _theirs(model, trace, at, most)))
    what = f"1,000 tokens of {N} rollouts from each of {places} places, {name}"
    return Row(what, 1000 * median(ours), 1000 * median(theirs), f"generate in batches of {BATCH}", GOAL)


def _per_token(write: Any) -> float:
    began = time.process_time()
    tokens = write()
    return (time.process_time() - began) / tokens


def _ours(model: Model, trace: Trace, at: list[int], most: int) -> int:
    found = model.rollouts([Start(trace, place, range(N)) for place in at], max_new_tokens=most, temperature=1.0)
    return sum(len(one.token_ids) - int(one.rewritten_from or 0) for group in found for one in group)


def _theirs(model: Any, trace: Trace, at: list[int], most: int) -> int:
    stops, tokens = sorted(model.format.stop_ids), 0
    for place in at:
        ids = torch.tensor([trace.token_ids[:place]] * BATCH)
        written = model.engine.hf.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, max_new_tokens=most,
            eos_token_id=stops, pad_token_id=0,
        )  # fmt: skip
        for row in written[:, place:].tolist():
            tokens += next((i + 1 for i, token in enumerate(row) if token in stops), len(row))
    return tokens


def _same_text(model: Any, trace: Trace, at: int) -> None:
    (ours,) = model.rollouts([Start(trace, at)], temperature=0, max_new_tokens=30)[0]
    ids = torch.tensor([trace.token_ids[:at]])
    theirs = model.engine.hf.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=30, pad_token_id=0,
        eos_token_id=sorted(model.format.stop_ids),
    )  # fmt: skip
    assert tuple(theirs[0].tolist()) == ours.token_ids
