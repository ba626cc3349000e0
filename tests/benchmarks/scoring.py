"""Early answers after every token of a long thought, beside one plain forward pass per prefix.

The plain side would take minutes, so an even sample of its passes is run and its time counted as many times as the
sample goes into the whole. Its numbers are held to ours at every point of the sample.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import cotlens as cl
from cotlens.models.contract import Model
from cotlens.trace import Trace
from tests.benchmarks import plain
from tests.benchmarks.table import Row, at_limit, in_turn

TOKENS = 1000
EVERY = 20
ROUNDS = 3
STEP = "She gets 7 more, so 12 + 7 = 19. Then 7 are gone: 19 - 7 = 12. "
QUESTION, ANSWER = "Mia has 12 pears. How many pears does Mia have?", "The answer is 12."
GOAL = "at least 40 times at 1,000 tokens"


def long_trace(model: Model, tokens: int) -> Trace:
    """A trace whose thought has `tokens` tokens."""
    long = cl.Trace.from_text(QUESTION, "Mia starts with 12 pears. " + STEP * tokens, ANSWER, model=model)
    thought = long.roles["thought"]
    cut = long.text[thought.char_start : int(long.offsets[thought.start + tokens])]
    return cl.Trace.from_text(QUESTION, cut, ANSWER, model=model)


def early_answers(tokens: int = TOKENS) -> list[Row]:
    """Every-token EarlyAnswer: packed against one forward per prefix in plain transformers.

    Our side also finds out whether the value ends; the plain side is given its full stop and scores that. Both are held
    to each other where ours is given the full stop, too.
    """
    return compared(cl.load("abacus"), tokens, "", GOAL)


def compared(
    model: Model, tokens: int, where: str, goal: str, every: int = EVERY, rounds: int = ROUNDS, share: str = ""
) -> list[Row]:
    """The rows of one model: beside one forward per prefix, and beside the limit, whose goal is `share`."""
    trace = long_trace(model, tokens)
    thought = trace.roles["thought"]
    points = list(range(thought.start, thought.end + 1))
    asked = [plain.forced_ids(model, trace, at, "12.") for at in points[::every]]
    method = cl.importance.EarlyAnswer(unit="token", metric="log_probability", rivals=0, mask_lines=False)
    found: dict[str, Any] = {}

    def ours() -> None:
        model.engine.trunk = model.engine.forks = None  # nothing is left of the round before
        before = model.meter.snapshot()
        method.run(trace, model)
        found["spent"] = model.meter.since(before).tokens

    def theirs() -> None:
        found["theirs"] = np.array([plain.answer_logprob(model.engine.hf, *each) for each in asked])

    quick, slow = in_turn(ours, theirs, rounds)
    stopped = replace(method, target="12.").run(trace, model).extras["curve_metric"]
    np.testing.assert_allclose(stopped[::every], found["theirs"], atol=1e-3)
    name, sample, whole = f"early answers at {len(points):,} points{where}", len(asked), len(points)
    other = f"one plain forward per prefix (every {every}th run, {sample} of {whole:,}, and counted for all)"
    ran = sum(len(ids) for ids, *_ in asked)
    return [
        Row(name, quick, slow * whole / sample, other, goal),
        at_limit(name, quick, slow / ran, found["spent"], share),
    ]
