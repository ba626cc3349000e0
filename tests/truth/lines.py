"""From cells to figures: one line per question and model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from cotlens.measure.stats import spearman
from cotlens.organisms.truth import ESTIMANDS
from tests.truth.figures import NOTHING, Figure, Flags, auroc, average_precision, difference, mean, plain
from tests.truth.measuring import Row, row
from tests.truth.plan import BASE, SHUFFLED, questions
from tests.truth.questions import Question
from tests.truth.run import Bench, key
from tests.truth.settings import CAUGHT, MARKED, SPLIT
from tests.truth.thoughts import says_once

CHANCE = "at chance on ground truth"
NO_BETTER = "no better than {} on ground truth"


@dataclass(frozen=True)
class Calls:
    """What is called important: by the method's own test, or by a threshold that other thoughts set.

    recall: share of the important units; alarms: share of the unimportant ones, of the same thoughts; dead: share of
    the units of thoughts in which nothing matters. `units` counts what `alarms` and `dead` are shares of.
    """

    own_test: bool
    recall: Figure
    alarms: Figure
    dead: Figure
    units: tuple[int, int]


@dataclass(frozen=True)
class Line:
    """One question to one model, over thoughts in which something matters.

    agreed: AUROC without thoughts whose labels the model contradicts. better: AUROC less that of the best baseline on
    the same units, `beside`. said_again: AUROC where what matters is said more than once.
    """

    question: Question
    model: str
    auroc: Figure
    agreed: Figure
    precision: Figure
    beside: dict[str, Figure]
    better: dict[str, Figure]
    said_again: Figure
    calls: Calls | None
    shuffled: Figure
    seconds: float

    @property
    def mark(self) -> str:
        """What has to be said of the measure where it says nothing that a baseline doesn't."""
        if self.auroc.n < MARKED:
            return ""
        if self.auroc.low <= 0.5:
            return CHANCE
        what, worst = min(self.better.items(), key=lambda pair: pair[1].low)
        return "" if worst.low > 0 else NO_BETTER.format(what)


def rows_of(bench: Bench, question: Question, name: str) -> list[Row]:
    """Everything that was measured of a question, whatever the thoughts."""
    cells, family = bench.cells(name), bench.family(name)
    found = ((case, cells.get(key(question, case))) for case in family.cases)
    return [row(question, case, cell) for case, cell in found if cell is not None and "scores" in cell]


def lines(bench: Bench, names: Iterable[str], report: Callable[[str], None] = lambda line: None) -> list[Line]:
    """All lines but those of "copies"; `abacus` comes first, for it sets the thresholds."""
    limits: dict[str, float] = {}
    made = []
    for name in names:
        for question in questions():
            rows = rows_of(bench, question, name) if question.estimand != "copies" else []
            if rows:
                made.append(line(bench, question, name, rows, limits))
                report(f"{name}: {question.key}: n = {made[-1].auroc.n}")
    return made


def line(bench: Bench, question: Question, name: str, rows: Sequence[Row], limits: dict[str, float]) -> Line:
    """The figures of one question to one model."""
    alive = [one for one in rows if not one.case.truth.from_prompt]
    once = [one for one in alive if question.estimand != "fixed" or question.unit == "set"
            or says_once(question.unit, one.case.truth)]  # fmt: skip
    again = [one for one in alive if one not in once] if question.estimand == "fixed" else []
    agreeing = [one for one in once if question.estimand not in ESTIMANDS
                or one.case.truth.agrees(question.estimand) is not False]  # type: ignore[arg-type]  # fmt: skip
    own = [auroc(one.scores, one.labels) for one in once]
    beside = {what: [auroc(one.beside[what], one.labels) for one in once] for what in (*question.beside, "random")}
    if name == BASE:
        limits[question.key] = threshold(once[::SPLIT])
    held = [one for i, one in enumerate(once) if i % SPLIT] if name == BASE else once
    return Line(
        question, name, mean(own),
        mean([auroc(one.scores, one.labels) for one in agreeing]),
        mean([average_precision(one.scores, one.labels) for one in once]),
        {what: mean(values) for what, values in beside.items()},
        {what: difference(np.subtract(own, beside[what])) for what in question.beside},
        mean([auroc(one.scores, one.labels) for one in again]),
        calls(once, held, [one for one in rows if one.case.truth.from_prompt], limits.get(question.key, np.nan)),
        sanity(bench, question, once) if name == BASE else NOTHING,
        median(one.seconds for one in rows),
    )  # fmt: skip


def threshold(rows: Sequence[Row]) -> float:
    """The score that a share `CAUGHT` of the important units lies above."""
    important = [one.scores[one.labels] for one in rows]
    scores = np.concatenate(important) if important else np.empty(0)
    return float(np.quantile(scores, 1 - CAUGHT)) if len(scores) else float("nan")


def calls(alive: Sequence[Row], held: Sequence[Row], dead: Sequence[Row], limit: float) -> Calls | None:
    """By the method's own test on all thoughts, else by the threshold on those that did not set it."""
    own_test = any(one.called is not None for one in (*alive, *dead))
    if not own_test and not np.isfinite(limit):
        return None
    asked = alive if own_test else held

    def share(rows: Sequence[Row], which: Callable[[Row], Flags]) -> Figure:
        return mean([_share(_called(one, limit), which(one)) for one in rows])

    off = lambda one: ~one.labels if not one.case.truth.from_prompt else np.ones(len(one.labels), dtype=bool)  # noqa: E731
    counted = tuple(int(sum(off(one).sum() for one in rows)) for rows in (asked, dead))
    return Calls(own_test, share(asked, lambda one: one.labels), share(asked, off), share(dead, off), counted)  # type: ignore[arg-type]


def _called(one: Row, limit: float) -> Flags:
    return one.called if one.called is not None else one.scores >= limit


def _share(called: Flags, which: Flags) -> float:
    return float(called[which].mean()) if which.any() else float("nan")


def sanity(bench: Bench, question: Question, rows: Sequence[Row]) -> Figure:
    """Mean rank correlation of a method's scores with those on a model of shuffled weights."""
    cells, found = bench.cells(SHUFFLED), []
    for one in rows:
        cell = cells.get(key(question, one.case))
        if cell is not None and "scores" in cell:
            other = row(question, one.case, cell)
            if len(other.scores) == len(one.scores):
                found.append(spearman(one.scores, other.scores))
    return difference(found)


def data(one: Line) -> dict[str, Any]:
    """A line as plain data; what was not measured is null."""
    figures = {name: plain(getattr(one, name)) for name in ("auroc", "agreed", "precision", "said_again", "shuffled")}
    called = None if one.calls is None else {
        "own_test": one.calls.own_test, "units": list(one.calls.units),
        **{name: plain(getattr(one.calls, name)) for name in ("recall", "alarms", "dead")},
    }  # fmt: skip
    groups = {name: {what: plain(each) for what, each in getattr(one, name).items()} for name in ("beside", "better")}
    return {"question": one.question.key, "model": one.model, **figures, **groups, "calls": called,
            "mark": one.mark, "seconds": round(one.seconds, 3)}  # fmt: skip
