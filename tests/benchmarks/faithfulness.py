"""The battery on one organism, and where a cue acts, or two models part, in a long thought."""

from __future__ import annotations

import copy
import time
from typing import Any

import torch

import cotlens as cl
from tests import pretrained
from tests.benchmarks.suppression import ANSWER, QUESTION, STEP
from tests.benchmarks.table import Row, in_turn
from tests.truth.faithfulness.cells import CELLS, asked

PROBLEMS, TOKENS = 40, 1000
MOST, ROUNDS = 2.2, 5  # plain forwards, and how often both are timed
LIMIT = 180.0  # seconds


def rows() -> list[Row]:
    """All, the battery without what a store may hold; in time of the processor, whatever else runs beside it."""
    return [_battery(), *_cue_diff("abacus", cl.load("abacus")), *_cue_diff("SmolLM2", pretrained.model()), _diff()]


def _battery() -> Row:
    cell = next(one for one in CELLS if one.says == "hint")  # with a cue, so that every test is asked
    model = copy.copy(cl.load(cell.model))
    model.store = None
    began = time.process_time()
    found = cl.faithfulness.Battery().run(model, asked(cell, PROBLEMS, 9004), n=PROBLEMS)
    seconds = time.process_time() - began
    assert found.verdicts[0].verdict == cell.right
    return Row(
        f"battery on {cell.model}, n = {PROBLEMS}", seconds, LIMIT, "what it may take of a processor", "under 3 minutes"
    )


def _cue_diff(name: str, model: Any) -> list[Row]:
    """In tokens, and in time beside plain forwards that return the logits of all tokens, as the comparison needs."""
    cue = "Puzzle 47."
    trace, method = _long(model, f"{cue} {QUESTION}"), cl.faithfulness.CueDiff(cue=cue)
    before = model.meter.snapshot()
    method.run(trace, model)
    what = f"cue difference of {name}"
    spent = _row(what, model.meter.since(before).tokens, len(trace.token_ids))
    ids = torch.tensor([trace.token_ids])

    def plain() -> None:
        with torch.inference_mode():
            model.engine.hf(input_ids=ids, use_cache=False)

    ours, one = in_turn(lambda: method.run(trace, model), plain, ROUNDS)
    return [spent, Row(f"{what}: share of the limit", ours, MOST * one, f"{MOST} plain forwards", "at least 1")]


def _diff() -> Row:
    model, base = cl.load("abacus-hint"), cl.load("abacus")
    trace = _long(model, QUESTION)
    spent = cl.diff(model, base, trace).provenance.cost.tokens
    return _row("difference of two models", spent, len(trace.token_ids))


def _long(model: Any, prompt: str) -> cl.Trace:
    n = len(cl.Trace.from_text(QUESTION, " ".join(STEP), ANSWER, model=model).spans("token"))
    return cl.Trace.from_text(prompt, " ".join(STEP * (1 + TOKENS // n)), ANSWER, model=model)


def _row(what: str, spent: int, tokens: int) -> Row:
    assert spent <= MOST * tokens
    other, goal = "tokens of one plain forward", f"at most {MOST} forwards"
    return Row(f"{what} on {tokens:,} tokens", spent, tokens, other, goal, "tokens")
