"""A question asked about a thought, kept as a cell; and a cell held to the labels, as a row."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.importance import METHODS
from cotlens.organisms.truth import ESTIMANDS, Truth
from tests.truth.baselines import BASELINES
from tests.truth.cells import Cell
from tests.truth.figures import Flags, Floats
from tests.truth.questions import Question, groups_of
from tests.truth.thoughts import Case

DIGITS = 5  # significant, of what is kept


@dataclass(frozen=True)
class Row:
    """One question about one thought: a score and a label per unit that has both.

    `called`: which units the method itself calls significant, None where it has no test. `beside`: the scores of
    baselines on the same units.
    """

    case: Case
    scores: Floats
    labels: Flags
    called: Flags | None
    beside: Mapping[str, Floats]
    seconds: float

    @property
    def dead(self) -> bool:
        """Whether nothing in the thought matters."""
        return self.case.truth.from_prompt or not self.labels.any()


def measure(question: Question, truth: Truth, model: Any) -> dict[str, Any]:
    """The cell of a question about a thought; `none` says why the method can't be asked about this one."""
    began = time.perf_counter()
    try:
        result = METHODS.get(question.method)(**question.made(truth)).run(truth.trace, model, 0)
    except InputError as error:
        return {"none": str(error)}
    columns = result.columns
    cell = {"scores": kept(question.score(result)), "seconds": round(time.perf_counter() - began, 3)}
    if np.isfinite(columns.get("p_value", np.empty(0))).any():  # a method that never gives one has no test
        cell["called"] = [int(one) for one in columns["significant"]]
    if question.exact:
        cell |= {name: kept(columns[name]) for name in ("low", "high")}
    return cell


def row(question: Question, case: Case, cell: Cell) -> Row:
    """A cell beside its labels and the baselines."""
    scores = restored(cell["scores"])
    flags = labels(question, case.truth)
    known = np.array([flag is not None for flag in flags]) & np.isfinite(scores)
    held = np.array([bool(flag) for flag in flags])
    called = np.array(cell["called"], dtype=bool)[known] if "called" in cell else None
    beside = {name: BASELINES[name](question, case.truth)[known] for name in (*question.beside, "random")}
    return Row(case, scores[known], held[known], called, beside, cell["seconds"])


def labels(question: Question, truth: Truth) -> list[bool | None]:
    """The labels of the question's units, in the order of the method's rows. For "wording" nothing matters."""
    if question.unit == "set":
        return [group[0].matters[question.estimand] for group in groups_of(truth)]
    if question.estimand == "fork":
        return [sentence.decides and not truth.from_prompt for sentence in truth.sentences]
    if question.estimand not in ESTIMANDS:
        return [False] * len(truth.trace.spans(question.unit))
    frame = truth.frame(question.unit)  # type: ignore[arg-type]
    column = frame[question.estimand]
    known = dict(zip(frame["start"], column.astype(object).where(column.notna(), None), strict=True))
    return [known.get(span.start) for span in truth.trace.spans(question.unit)]


def kept(values: Sequence[float] | Floats) -> list[float | None]:
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=float)]


def restored(values: Sequence[float | None]) -> Floats:
    """Numbers of a cell, NaN for what was not measured."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
