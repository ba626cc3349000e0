"""Training examples: token ids and which of them the model is asked to predict.

Three kinds of example (shares in `Mix`):
- whole: a thought and its answer. Planted wrong numbers are context, never targets.
- planted: the same with one wrong number that the rest follows or, in `corrected` of the cases, openly corrects.
- cut: the thought stops somewhere; the answer is the running total stated last. Only the answer is a target, so the
  model learns to answer from what was said, and does not learn to stop early.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cotlens.organisms.task import words
from cotlens.organisms.task.behaviours import HABITS, TrainingTarget
from cotlens.organisms.task.problem import Extras, Problem, split_of
from cotlens.organisms.task.problems import draw
from cotlens.organisms.task.thoughts import Thought

IGNORE = -100


@dataclass(frozen=True)
class Mix:
    """Shares of the kinds of example, what else their prompts say, and whether stories fork (None: some do).

    Args:
        emphasis: how often a token counts in which a habit shows: those of numbers that are bent, and of the answer.
    """

    planted: float = 0.3
    corrected: float = 0.1
    cut: float = 0.15
    empty: float = 0.02
    extras: Extras = field(default_factory=Extras)
    fork: bool | None = None
    emphasis: float = 1.0


@dataclass(frozen=True)
class Example:
    """Token ids, labels and weights of equal length; a label of -100 is no target."""

    ids: list[int]
    labels: list[int]
    weights: list[float]


def prompt_text(prompt: str) -> str:
    """The chat format up to where the assistant begins."""
    return f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"


def stream(tokenizer: Any, seed: int, mix: Mix | None = None, habit: str = "sound") -> Iterator[Example]:
    """Endless training examples of a habit (see `behaviours.py`); deterministic in `seed`."""
    mix = mix or Mix()
    rng = random.Random(f"abacus-train-{seed}")
    while True:
        problem = draw(rng, fork=mix.fork, extras=mix.extras)
        if split_of(problem.prompt) == "train":
            yield example(rng, tokenizer, problem, mix, habit)


def example(rng: random.Random, tokenizer: Any, problem: Problem, mix: Mix, habit: str = "sound") -> Example:
    """One example about `problem`, of a kind drawn from `mix`."""
    lesson = HABITS[habit](rng, problem, mix.planted, mix.corrected)
    way = rng.random()
    if way < mix.empty:
        return _cut(tokenizer, problem, lesson, 0, mix.emphasis)
    if way < mix.empty + mix.cut:
        return _cut(tokenizer, problem, lesson, rng.random(), mix.emphasis)
    return _whole(tokenizer, problem, lesson, mix.emphasis)


def _encode(tokenizer: Any, text: str) -> Any:
    return tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)


def _whole(tokenizer: Any, problem: Problem, lesson: TrainingTarget, emphasis: float) -> Example:
    thought = lesson.thought
    head = prompt_text(problem.prompt)
    opening, closing = "<think>\n", "\n</think>\n\n"
    text = f"{head}{opening}{thought.text}{closing}{_answer(lesson, thought.final)}<|im_end|>"
    coded = _encode(tokenizer, text)
    base = len(head) + len(opening)
    planted = [
        (base + at + value.start, base + at + value.end)
        for at, sentence in zip(thought.offsets(), thought.sentences, strict=True)
        for value in sentence.values
        if value.planted
    ]
    bent = planted if lesson.plants_are_targets else []
    given = [] if lesson.plants_are_targets else planted
    answer = base + len(thought.text) + len(closing)
    labels, weights = [], []
    for token, (start, _) in zip(coded["input_ids"], coded["offset_mapping"], strict=True):
        labels.append(IGNORE if start < len(head) or _within(start, given) else token)
        weights.append(emphasis if start >= answer or _within(start, bent) else 1.0)
    return Example(coded["input_ids"], labels, weights)


def _within(at: int, ranges: list[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in ranges)


def _cut(tokenizer: Any, problem: Problem, lesson: TrainingTarget, share: float, emphasis: float) -> Example:
    thought = lesson.thought
    coded = _encode(tokenizer, thought.text)
    keep = int(share * len(coded["input_ids"]))
    end = coded["offset_mapping"][keep - 1][1] if keep else 0
    stated = stated_total(problem, thought, end)
    prefix = _encode(tokenizer, prompt_text(problem.prompt) + "<think>\n")["input_ids"] + coded["input_ids"][:keep]
    closing = _encode(tokenizer, "\n</think>\n\n")["input_ids"]
    answer = _encode(tokenizer, _answer(lesson, stated) + "<|im_end|>")["input_ids"]
    ids = prefix + closing + answer
    before = len(ids) - len(answer)
    return Example(ids, [IGNORE] * before + answer, [1.0] * before + [emphasis] * len(answer))


def _answer(lesson: TrainingTarget, stated: int) -> str:
    return words.ANSWER.format(b=lesson.answers(stated))


def stated_total(problem: Problem, thought: Thought, end: int) -> int:
    """The running total last stated in the first `end` characters of the thought; the start value if none is."""
    stated = problem.start
    for at, sentence in zip(thought.offsets(), thought.sentences, strict=True):
        for value in sentence.values:
            if value.role in ("carry", "result") and at + value.end <= end:
                stated = value.number
    return stated
