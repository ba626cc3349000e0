"""Asking the questions: a method run on labelled thoughts, its rows held to the labels."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.importance import METHODS
from cotlens.measure.stats import spearman
from cotlens.models.abacus.truth import ESTIMANDS, Truth
from tests.truth.figures import Figure, Flags, Floats, auroc, average_precision, mean
from tests.truth.questions import BASELINES, Question, groups_of


@dataclass(frozen=True)
class Row:
    """One method on one thought: a score and a label per unit that has both, what was spent.

    `called` says which units the method itself calls significant, None where it makes no such claim.
    """

    truth: Truth
    scores: Floats
    labels: Flags
    called: Flags | None
    seconds: float


def ask(question: Question, truths: Sequence[Truth], model: Any) -> list[Row]:
    """The method on every thought that it can be asked about."""
    rows = []
    for truth in truths[: question.most]:
        row = ask_one(question, truth, model)
        if row is not None:
            rows.append(row)
    return rows


def ask_one(question: Question, truth: Truth, model: Any) -> Row | None:
    """The method on one thought; None where it says that this thought is none for it (too short, no such unit)."""
    began = time.perf_counter()
    try:
        if question.method in BASELINES:
            scores, called = baseline(question, truth), None
        else:
            result = METHODS.get(question.method)(**question.made(truth)).run(truth.trace, model, 0)
            scores = question.score(result)
            called = significant(result)
    except InputError:
        return None
    seconds = time.perf_counter() - began
    flags = [None if flag is None else bool(flag) for flag in labels(question, truth)]
    known = np.array([flag is not None for flag in flags]) & np.isfinite(scores)
    held = np.array([bool(flag) for flag in flags])
    return Row(truth, scores[known], held[known], None if called is None else called[known], seconds)


def says_once(question: Question, truth: Truth) -> bool:
    """Whether what the question's units hold stands in the thought once: the final total, or each of its digits."""
    digits = str(truth.concluded)
    return not truth.restated and (question.unit != "token" or len(set(digits)) == len(digits))


def labels(question: Question, truth: Truth) -> list[bool | None]:
    """The labels of the question's units, in the order of the method's rows.

    Where nothing is labelled ("wording", and forks outside the table of forks) nothing matters.
    """
    if question.estimand not in ESTIMANDS:
        return [False] * len(truth.trace.spans(question.unit))
    if question.unit == "set":
        return [group[0].matters[question.estimand] for group in groups_of(truth)]
    frame = truth.frame(question.unit)  # type: ignore[arg-type]
    column = frame[question.estimand]
    known = dict(zip(frame["start"], column.astype(object).where(column.notna(), None), strict=True))
    return [known.get(span.start) for span in truth.trace.spans(question.unit)]


def significant(result: Any) -> Flags | None:
    """The units that a method calls significant after its own correction, None where it does not say."""
    return np.asarray(result.columns["significant"], dtype=bool) if "significant" in result.columns else None


def baseline(question: Question, truth: Truth) -> Floats:
    """Scores that need no model: the position of a unit (later = more important), or nothing at all."""
    count = len(labels(question, truth))
    if question.method == "position" and question.unit == "set":
        return np.array([max(number.end for number in group) for group in groups_of(truth)], dtype=np.float64)
    if question.method == "position":
        return np.arange(count, dtype=np.float64)
    return np.random.default_rng(zlib.crc32(truth.trace.id.encode())).random(count)


def ranking(rows: Sequence[Row]) -> tuple[Figure, Figure]:
    """Mean AUROC and mean average precision over thoughts in which something matters and something doesn't."""
    return (
        mean([auroc(row.scores, row.labels) for row in rows]),
        mean([average_precision(row.scores, row.labels) for row in rows]),
    )


def threshold(rows: Sequence[Row], caught: float) -> float:
    """The score that a share `caught` of the important units lies above."""
    important = [row.scores[row.labels] for row in rows]
    scores = np.concatenate(important) if important else np.empty(0)
    return float(np.quantile(scores, 1 - caught)) if len(scores) else float("nan")


def false_alarms(rows: Sequence[Row], limit: float) -> Figure:
    """Share of units called important where nothing matters: by the method itself, else by scores from `limit` on."""
    return mean([_alarmed(row, limit) for row in rows if len(row.scores)])


def _alarmed(row: Row, limit: float) -> float:
    if row.called is not None:
        return float(row.called.mean())
    return float((row.scores >= limit).mean()) if np.isfinite(limit) else float("nan")


def seconds(rows: Sequence[Row]) -> float:
    """Median seconds per thought."""
    return median([row.seconds for row in rows]) if rows else float("nan")


def sanity(question: Question, rows: Sequence[Row], model: Any) -> Figure:
    """Mean rank correlation of a method's scores with those on a model of shuffled weights."""
    found = []
    for row in rows:
        other = ask_one(question, row.truth, model)
        if other is not None and len(other.scores) == len(row.scores):
            found.append(spearman(row.scores, other.scores))
    return mean(found, bounds=(-1.0, 1.0))
