"""The large run: writes the thoughts and measures what is missing, the most valuable first; stop and go on as you like.

    python -m tests.truth.run --plan              # what is missing, and how long it takes
    python -m tests.truth.run --minutes 60        # everything, in order
    python -m tests.truth.run --models abacus --only Occlusion
    python -m tests.truth.run --pack              # put what was measured where it is committed from

Two at once must be told different --models. What was measured with other code is measured again; --keep leaves it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import ceil
from statistics import median
from typing import Any

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens.measure.importance import METHODS
from tests.truth import thoughts
from tests.truth.cells import Cells, code_of
from tests.truth.measuring import measure
from tests.truth.plan import BASE, FAMILY, SHUFFLED, Task, tasks
from tests.truth.questions import Question
from tests.truth.thoughts import Case, Family

PASSES = (0.4, 1.0)  # shares of the thoughts that are asked about
UNKNOWN = 1.0  # seconds per thought of what was never measured


def code(question: Question) -> str:
    """A hash of the code that a question's cells depend on."""
    return code_of(type(METHODS.get(question.method)).__module__, METHODS.get(question.method).__module__)


def key(question: Question, case: Case) -> str:
    """The name of a cell."""
    return f"{question.key} | {case.key}"


@dataclass
class Bench:
    """Models, thoughts and cells as they are needed. `writes`: whether thoughts that are missing are written."""

    writes: bool = False
    families: dict[str, Family] = field(default_factory=dict)
    found: dict[str, Cells] = field(default_factory=dict)

    def family(self, name: str) -> Family:
        """The thoughts of a model."""
        if name not in self.families:
            if name == SHUFFLED:
                self.families[name] = Family(name, self.shuffled, self.family(BASE).cases)
            else:
                model, cells = cl.load(name), thoughts.cells_of(name)
                if self.writes:
                    thoughts.write(name, model, cells)
                self.families[name] = thoughts.gather(name, model)
        return self.families[name]

    def cells(self, name: str) -> Cells:
        """The cells of a model."""
        return self.found.setdefault(name, Cells(name))

    @cached_property
    def shuffled(self) -> Any:
        """`abacus` without what it has learnt."""
        return thoughts.shuffled(BASE)


def missing(bench: Bench, task: Task, keep: bool) -> list[Case]:
    """The thoughts of a task that were not measured, or not with this code."""
    cells, current = bench.cells(task.model), None if keep else code(task.question)
    return [
        case for case in task.cases(bench.family(task.model)) if cells.get(key(task.question, case), current) is None
    ]


def work(bench: Bench, task: Task, keep: bool) -> Iterator[None]:
    """Measure a task thought by thought."""
    family, cells = bench.family(task.model), bench.cells(task.model)
    kept = thoughts.cells_of(BASE if task.model == SHUFFLED else task.model)
    for case in missing(bench, task, keep):
        if task.model != SHUFFLED:
            thoughts.tried(family, kept, case)
        cells.put(key(task.question, case), code(task.question), **measure(task.question, case.truth, family.model))
        yield


def chosen(models: list[str], only: str) -> list[Task]:
    """The tasks of these models whose question holds `only`."""
    return [task for task in tasks() if task.model in models and only in task.question.key]


def plan(bench: Bench, asked: list[Task], keep: bool) -> None:
    """Print what is missing, and how long it will take by what was measured."""
    total = 0.0
    for task in asked:
        left = missing(bench, task, keep)
        known = [cell["seconds"] for cell in bench.cells(task.model) if cell["key"].startswith(f"{task.question.key} |")
                 and "seconds" in cell]  # fmt: skip
        each = median(known) if known else UNKNOWN
        total += each * len(left)
        asked_of = len(task.cases(bench.family(task.model)))
        print(f"{task.model:16} {task.question.key:70} {len(left):4} of {asked_of:4} missing, {each:5.2f} s each, "
              f"{each * len(left) / 60:5.1f} min; up to here {total / 60:5.1f} min")  # fmt: skip


def run(bench: Bench, asked: list[Task], keep: bool, until: float) -> None:
    """Measure in order until the clock says stop: a part of everything first, so that stopping leaves no gap."""
    for share, task in product(PASSES, asked):
        task = replace(task, most=ceil(share * task.most))
        began, done = time.monotonic(), 0
        for _ in work(bench, task, keep):
            done += 1
            if time.monotonic() > until:
                break
        if done:
            spent = time.monotonic() - began
            print(f"{task.model}: {task.question.key}: {done} in {spent:.0f} s", file=sys.stderr, flush=True)
        if time.monotonic() > until:
            return


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=600.0)
    asked.add_argument("--models", nargs="+", default=[*FAMILY, SHUFFLED], choices=[*FAMILY, SHUFFLED])
    asked.add_argument("--only", default="")
    asked.add_argument("--plan", action="store_true")
    asked.add_argument("--keep", action="store_true")
    asked.add_argument("--pack", action="store_true")
    told = asked.parse_args()
    if told.pack:
        pack()
        return
    bench, wanted = Bench(not told.plan), chosen(told.models, told.only)
    with using(Control()):  # no progress bars
        if told.plan:
            plan(bench, wanted, told.keep)
        else:
            run(bench, wanted, told.keep, time.monotonic() + 60 * told.minutes)


def pack() -> None:
    """Put all that was measured where it is committed from."""
    from tests.truth.planted import CELLS

    for name in (*(f"thoughts-{name}" for name in FAMILY), *FAMILY, SHUFFLED, *CELLS):
        Cells(name).pack()


if __name__ == "__main__":
    main()
