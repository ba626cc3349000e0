"""Early answers after every token of a long thought, beside one plain forward pass per prefix.

The plain side would take minutes, so an even sample of its passes is run and its time counted as many times as the
sample goes into the whole. Its numbers are held to ours at every point of the sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
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
TARGET = "12."  # with its full stop
FLOOR = 0.1  # that of refine="auto"
METHOD = cl.importance.EarlyAnswer(unit="token", metric="log_probability", rivals=0, mask_lines=False)


def long_trace(model: Model, tokens: int) -> Trace:
    """A trace whose thought has `tokens` tokens."""
    long = cl.Trace.from_text(QUESTION, "Mia starts with 12 pears. " + STEP * tokens, ANSWER, model=model)
    thought = long.roles["thought"]
    cut = long.text[thought.char_start : int(long.offsets[thought.start + tokens])]
    return cl.Trace.from_text(QUESTION, cut, ANSWER, model=model)


@dataclass(frozen=True)
class Points:
    """One model's early answers at every token of a thought, and plain passes over every `every`th of them."""

    model: Any
    trace: Trace
    every: int

    @cached_property
    def all(self) -> list[int]:
        """The tokens before which the thought stops."""
        thought = self.trace.roles["thought"]
        return list(range(thought.start, thought.end + 1))

    @cached_property
    def asked(self) -> list[Any]:
        """What the plain side scores: the answer with its full stop, after which nothing goes on with it."""
        return [plain.forced_ids(self.model, self.trace, at, TARGET) for at in self.all[:: self.every]]

    def plainly(self) -> np.ndarray:
        """One plain forward per prefix of the sample."""
        return np.array([plain.answer_logprob(self.model.engine.hf, *each) for each in self.asked])

    def ours(self, method: cl.importance.EarlyAnswer) -> tuple[Any, int]:
        """The result, with nothing left of what was run before, and how many tokens it took."""
        self.model.engine.trunk = self.model.engine.forks = None
        before = self.model.meter.snapshot()
        return method.run(self.trace, self.model).extras, self.model.meter.since(before).tokens

    def row(self, name: str, quick: float, slow: float, goal: str) -> Row:
        """Beside the plain side, whose sample is counted for all."""
        sample, whole = len(self.asked), len(self.all)
        other = f"one plain forward per prefix (every {self.every}th run, {sample} of {whole:,}, and counted for all)"
        return Row(name, quick, slow * whole / sample, other, goal)


def early_answers(tokens: int = TOKENS) -> list[Row]:
    """EarlyAnswer at every token, and refined where it moves, against one forward per prefix in plain transformers.

    Our side also finds out whether the value ends; the plain side is given its full stop and scores that. Both are held
    to each other where ours is given the full stop, too.
    """
    model = cl.load("abacus")
    return [*compared(model, tokens, "", GOAL), refined(model, tokens)]


def compared(
    model: Model, tokens: int, where: str, goal: str, every: int = EVERY, rounds: int = ROUNDS, share: str = ""
) -> list[Row]:
    """The rows of one model: beside one forward per prefix, and beside the limit, whose goal is `share`."""
    points, found = Points(model, long_trace(model, tokens), every), dict[str, Any]()

    def ours() -> None:
        _, found["spent"] = points.ours(METHOD)

    def theirs() -> None:
        found["theirs"] = points.plainly()

    quick, slow = in_turn(ours, theirs, rounds)
    stopped = replace(METHOD, target=TARGET).run(points.trace, model).extras["curve_metric"]
    np.testing.assert_allclose(stopped[::every], found["theirs"], atol=1e-3)
    name = f"early answers at {len(points.all):,} points{where}"
    ran = sum(len(ids) for ids, *_ in points.asked)
    return [points.row(name, quick, slow, goal), at_limit(name, quick, slow / ran, found["spent"], share)]


def refined(model: Model, tokens: int) -> Row:
    """The curve that is measured where it moves, as it is by default in long thoughts of the editor.

    Wherever it was measured it is held to the full curve, and its status tells where that is. This thought is a hard
    one: its answer comes and goes with every sentence.
    """
    points, found = Points(model, long_trace(model, tokens), EVERY), dict[str, Any]()
    method = replace(METHOD, refine=FLOOR)

    def ours() -> None:
        found["curve"], found["spent"] = points.ours(method)

    quick, slow = in_turn(ours, points.plainly, ROUNDS)
    full, spent = points.ours(METHOD)
    rows = np.searchsorted(full["curve_at"], found["curve"]["curve_at"])
    np.testing.assert_allclose(found["curve"]["curve_metric"], full["curve_metric"][rows], atol=1e-4)
    kept = f"{len(rows)} points and {spent / found['spent']:.1f} times fewer tokens"
    return points.row(f"the same curve refined where it moves ({kept})", quick, slow, GOAL)
