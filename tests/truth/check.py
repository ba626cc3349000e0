"""A sample of what was measured, measured again: do the committed cells still say what the code does?"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.truth.cells import Cell, Cells
from tests.truth.measuring import measure, restored
from tests.truth.plan import Task, tasks
from tests.truth.planted import measures, rollouts
from tests.truth.run import Bench, key
from tests.truth.settings import SAMPLE

EXACT = 0.02  # of the largest score: how far scores may differ between machines
SAMPLED = 0.5  # of a probability: rollouts that part at a rounding error go on differently
TALLIED = 0.1  # the same for a share of 400


@dataclass(frozen=True)
class Checked:
    """A cell that was measured again. `off`: by how much, as a share of what is allowed."""

    model: str
    key: str
    off: float

    @property
    def holds(self) -> bool:
        """Whether the stored cell still says what the code does."""
        return self.off <= 1


def sample(bench: Bench, until: float, seed: int = 0) -> Iterator[Checked]:
    """Some thoughts of every question and model, in random order of the questions, until the clock says stop."""
    drawn, asked = random.Random(seed), list(tasks())
    drawn.shuffle(asked)
    for task in asked:
        if time.monotonic() > until:
            return
        yield from again(bench, task, drawn, SAMPLE)


def again(bench: Bench, task: Task, drawn: random.Random, most: int) -> Iterator[Checked]:
    """Some of the thoughts of a task that were measured."""
    cells, family = bench.cells(task.model), bench.family(task.model)
    known = [(case, cells.get(key(task.question, case))) for case in task.cases(family)]
    there = [(case, cell) for case, cell in known if cell is not None]
    for case, cell in drawn.sample(there, min(most, len(there))):
        now = measure(task.question, case.truth, family.model)
        allowed = (lambda _: SAMPLED) if task.question.writes else _exact
        yield Checked(task.model, key(task.question, case), off(cell, now, allowed))


def off(stored: Cell, now: dict[str, Any], allowed: Callable[[Any], float]) -> float:
    """The largest difference of scores as a share of what is allowed; without end where other rows were measured."""
    if "none" in stored or "none" in now:
        return 0.0 if ("none" in stored) == ("none" in now) else np.inf
    before, after = restored(stored["scores"]), restored(now["scores"])
    if before.shape != after.shape or (np.isnan(before) != np.isnan(after)).any():
        return np.inf
    return float(np.nan_to_num(np.abs(before - after)).max(initial=0.0) / allowed(before))


def _exact(scores: Any) -> float:
    return EXACT * float(np.nanmax(np.abs(scores), initial=0.0)) + 1e-6


def planted(model: Any, until: float, seed: int = 0) -> Iterator[Checked]:
    """Some of the planted thoughts: one effect by rollouts, and every measure of one thought in one format."""
    answers, scores = Cells(rollouts.NAME), Cells(measures.NAME)
    problems, _, _ = rollouts.known(answers)
    for problem in random.Random(seed).sample(problems, min(SAMPLE, len(problems))):
        if time.monotonic() > until:
            return
        stored = answers.get(rollouts.key(problem, problem.needed)) or {}
        (now,) = rollouts.answered(model, [(problem, problem.needed)])
        apart = abs(stored["right"] / stored["n"] - now["right"] / now["n"])
        yield Checked("planted", rollouts.key(problem, problem.needed), apart / TALLIED)
        for name, one in measures.MEASURES.items():
            form = measures.formats(one)[0]
            cell = scores.get(measures.key(problem, name, form))
            if cell is not None:
                found = measures.measured(model, problem, name, form)
                yield Checked("planted", measures.key(problem, name, form), off(cell, found, _exact))
