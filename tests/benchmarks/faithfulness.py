"""The battery on one organism, and where a cue acts, or two models part, in a long thought."""

from __future__ import annotations

import copy
import time
from typing import Any

import cotlens as cl
from tests.benchmarks.suppression import ANSWER, QUESTION, STEP
from tests.benchmarks.table import Row
from tests.truth.faithfulness.cells import CELLS, asked

PROBLEMS, TOKENS = 40, 1000
LIMIT = 180.0  # seconds


def rows() -> list[Row]:
    """All, the battery without what a store may hold; in time of the processor, whatever else runs beside it."""
    return [_battery(), _cue_diff(), _diff()]


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


def _cue_diff() -> Row:
    model, cue = cl.load("abacus"), "Puzzle 47."
    trace = _long(model, f"{cue} {QUESTION}")
    before = model.meter.snapshot()
    cl.faithfulness.CueDiff(cue=cue).run(trace, model)
    return _row("cue difference", model.meter.since(before).tokens, len(trace.token_ids))


def _diff() -> Row:
    model, base = cl.load("abacus-hint"), cl.load("abacus")
    trace = _long(model, QUESTION)
    spent = cl.diff(model, base, trace).provenance.cost.tokens
    return _row("difference of two models", spent, len(trace.token_ids))


def _long(model: Any, prompt: str) -> cl.Trace:
    n = len(cl.Trace.from_text(QUESTION, " ".join(STEP), ANSWER, model=model).spans("token"))
    return cl.Trace.from_text(prompt, " ".join(STEP * (1 + TOKENS // n)), ANSWER, model=model)


def _row(what: str, spent: int, tokens: int) -> Row:
    assert spent <= 2.2 * tokens
    other, goal = "tokens of one plain forward", "at most 2.2 forwards"
    return Row(f"{what} on {tokens:,} tokens", spent, tokens, other, goal, "tokens")
