"""Planted numbers: wrong ones which the rest of a thought follows (most often) or openly corrects.

Training never asks the model to produce one, only to live with it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from cotlens.organisms.task.problem import LIMIT, Problem

PlantRole = Literal["carry", "amount", "result", "restate"]
PLANTED: tuple[PlantRole, ...] = ("result", "result", "restate", "carry", "amount")  # results twice as often


@dataclass(frozen=True)
class InjectedError:
    """A wrong number to plant: at which step, in which part, which number, and whether the thought corrects it."""

    step: int
    role: PlantRole
    number: int
    corrected: bool = False


def draw_plant(rng: random.Random, problem: Problem, choice: int, corrected_share: float) -> InjectedError | None:
    """A wrong number which keeps all later totals within 0..99, or None when twenty tries found none."""
    totals = problem.totals(choice)
    for _ in range(20):
        step = rng.randrange(len(problem.steps))
        role = rng.choice(PLANTED)
        amount = problem.steps[step].amounts[choice if problem.steps[step].is_fork else 0]
        right = {"carry": totals[step], "amount": amount}.get(role, totals[step + 1])
        wrong = _wrong(rng, right)
        after = {
            "carry": problem.steps[step].apply(wrong, choice),
            "amount": totals[step] + problem.steps[step].sign * wrong,
        }.get(role, wrong)
        if wrong != right and 0 <= wrong <= LIMIT and _stays(problem, step + 1, after, choice):
            corrected = role in ("result", "restate") and rng.random() < corrected_share
            return InjectedError(step, role, wrong, corrected)
    return None


def _wrong(rng: random.Random, right: int) -> int:
    way = rng.random()
    if way < 0.35:
        return right + rng.choice((-10, -2, -1, 1, 2, 10))
    if way < 0.6:  # one digit changed
        tens, ones = divmod(right, 10)
        return tens * 10 + rng.randrange(10) if rng.random() < 0.5 else rng.randrange(10) * 10 + ones
    return rng.randint(0, LIMIT)


def _stays(problem: Problem, index: int, value: int, choice: int) -> bool:
    values = [value]
    for step in problem.steps[index:]:
        values.append(step.apply(values[-1], choice))
    return all(0 <= v <= LIMIT for v in values)
