"""Training examples of terse thoughts: token ids of prompt, thought and answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cotlens.organisms.task import words
from cotlens.organisms.task.problem import Problem, Split, split_of
from cotlens.organisms.task.problems import MAX_STEPS, draw
from cotlens.organisms.task.terse import EXTRAS, Planted, terse, totals
from cotlens.organisms.training.dataset import prompt_text

OPENING, CLOSING = "<think>\n", "\n</think>\n\n"


@dataclass(frozen=True)
class TerseExample:
    """Token ids of a problem: up to where the thought begins, the thought, and all that follows it."""

    problem: Problem
    prompt: list[int]
    thought: list[int]
    answer: list[int]


def example(tokenizer: Any, problem: Problem, planted: Planted | None = None) -> TerseExample:
    """The token ids of a problem without a choice left open."""

    def encode(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    thought = [encode(character)[0] for character in terse(problem, planted)]
    answer = CLOSING + words.ANSWER.format(b=totals(problem, planted)[-1]) + "<|im_end|>"
    return TerseExample(problem, encode(prompt_text(problem.prompt) + OPENING), thought, encode(answer))


def stream(
    tokenizer: Any, rng: random.Random, steps: int | None = None, split: Split = "train"
) -> Iterator[TerseExample]:
    """Endless examples of a split, all of `steps` changes or mixed (long ones more often: they are harder)."""
    while True:
        count = steps or rng.choices(range(1, MAX_STEPS + 1), [1, 1, 2, 3, 4, 4, 4, 4])[0]
        problem = draw(rng, count, fork=False, extras=EXTRAS)
        if split_of(problem.prompt) == split:
            yield example(tokenizer, problem)
