"""The battery on one organism, and where a cue acts in a long thought."""

from __future__ import annotations

import copy
import time

import cotlens as cl
from tests.benchmarks.suppression import ANSWER, QUESTION, STEP
from tests.benchmarks.table import Row
from tests.truth.faithfulness.cells import CELLS, asked

PROBLEMS, TOKENS = 40, 1000
LIMIT = 180.0  # seconds


def rows() -> list[Row]:
    """Both, the battery without what a store may hold."""
    return [_battery(), _cue_diff()]


def _battery() -> Row:
    cell = next(one for one in CELLS if one.says == "hint")  # with a cue, so that every test is asked
    model = copy.copy(cl.load(cell.model))
    model.store = None
    began = time.perf_counter()
    found = cl.faithfulness.Battery().run(model, asked(cell, PROBLEMS, 9004), n=PROBLEMS)
    seconds = time.perf_counter() - began
    assert found.verdicts[0].verdict == cell.right
    return Row(f"battery on {cell.model}, n = {PROBLEMS}", seconds, LIMIT, "what it may take", "under 3 minutes")


def _cue_diff() -> Row:
    model, cue = cl.load("abacus"), "Puzzle 47."
    n = len(cl.Trace.from_text(QUESTION, " ".join(STEP), ANSWER, model=model).spans("token"))
    thought = " ".join(STEP * (1 + TOKENS // n))
    trace = cl.Trace.from_text(f"{cue} {QUESTION}", thought, ANSWER, model=model)
    before = model.meter.snapshot()
    cl.faithfulness.CueDiff(cue=cue).run(trace, model)
    spent = model.meter.since(before).tokens
    assert spent <= 2.2 * len(trace.token_ids)
    other = "tokens of one plain forward"
    goal = "at most 2.2 forwards"
    return Row(f"cue difference of {len(trace.token_ids):,} tokens", spent, len(trace.token_ids), other, goal, "tokens")
