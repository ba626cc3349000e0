"""Forks: estimates of a sentence's importance held to the exact value; and what leaving one copy out misses."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from tests.truth.figures import Figure, Floats, difference, mean, plain
from tests.truth.measuring import restored
from tests.truth.plan import BASE, questions
from tests.truth.questions import Question
from tests.truth.run import Bench, key

FIGURES = ("error", "bias", "elsewhere", "covers", "covers_zero", "first")


@dataclass(frozen=True)
class ForkLine:
    """One method over forks.

    error: |estimate - exact| at the deciding sentence; bias: estimate - exact there; elsewhere: |estimate| of the other
    sentences, whose exact value is 0. covers: share of deciding sentences whose interval holds the exact value;
    covers_zero: the same for the others. first: share of thoughts in which the deciding sentence ranks first.
    """

    question: Question
    error: Figure
    bias: Figure
    elsewhere: Figure
    covers: Figure
    covers_zero: Figure
    first: Figure
    seconds: float

    def data(self) -> dict[str, Any]:
        """As plain data."""
        figures = {name: plain(getattr(self, name)) for name in FIGURES}
        return {"question": self.question.key, **figures, "seconds": round(self.seconds, 3)}


def forks(bench: Bench) -> list[ForkLine]:
    """Every method that was asked about forks."""
    found = [(question, _rows(bench, question)) for question in questions() if question.estimand == "fork"]
    return [_line(question, rows) for question, rows in found if rows]


def _rows(bench: Bench, question: Question) -> list[tuple[float, int, dict[str, Any]]]:
    """(exact value, deciding sentence, cell) of every fork that was measured."""
    cells, rows = bench.cells(BASE), []
    for case in bench.family(BASE).cases:
        cell = cells.get(key(question, case))
        if cell is not None and "scores" in cell and case.truth.fork is not None:
            rows.append((getattr(case.truth.fork, question.exact), case.truth.fork.sentence, cell))
    return rows


def _line(question: Question, rows: list[tuple[float, int, dict[str, Any]]]) -> ForkLine:
    found: dict[str, list[float]] = {name: [] for name in FIGURES}
    for exact, at, cell in rows:
        scores, low, high = (restored(cell[name]) for name in ("scores", "low", "high"))
        others = np.isfinite(scores) & (np.arange(len(scores)) != at)
        found["error"].append(abs(scores[at] - exact))
        found["bias"].append(scores[at] - exact)
        found["elsewhere"].append(float(np.abs(scores[others]).mean()) if others.any() else np.nan)
        found["covers"].append(_holds(low, high, np.array([at]), exact))
        found["covers_zero"].append(_holds(low, high, np.flatnonzero(others), 0.0))
        found["first"].append(float(scores[at] >= np.nanmax(scores)) if np.isfinite(scores[at]) else 0.0)
    figures = {name: difference(values) if name == "bias" else mean(values) for name, values in found.items()}
    return ForkLine(question, **figures, seconds=median(cell["seconds"] for _, _, cell in rows))


def _holds(low: Floats, high: Floats, rows: Any, exact: float) -> float:
    """Share of the intervals of these rows that hold the value."""
    known = [i for i in rows if np.isfinite(low[i]) and np.isfinite(high[i])]
    return float(np.mean([low[i] <= exact <= high[i] for i in known])) if known else float("nan")


def copies(bench: Bench) -> dict[str, Figure]:
    """Where the final total is said more than once: effect of the copy that matters most, as a share of the set's."""
    found = {}
    for question in questions():
        if question.estimand == "copies":
            cells = [bench.cells(BASE).get(key(question, case)) for case in bench.family(BASE).cases]
            together = [restored(cell["scores"]) for cell in cells if cell is not None and "scores" in cell]
            found[question.words] = difference([min(each[1:].max() / each[0], 1.0) for each in together if each[0] > 0])
    return found
