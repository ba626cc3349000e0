"""Published importances as results: estimates as published, intervals from the counts behind the shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure import stats
from cotlens.measure.published_rollouts import columns, counts, levels
from cotlens.measure.published_rollouts.published import Published
from cotlens.results import Provenance, Result

ARTEFACT = 5.0
"""Nats above which a published KL is doubted: for disjoint answers its smoothing alone gives ln(100/1e-9) = 25.3."""
SUSPECT = "suspect: above 5 nats the published smoothing (alpha = 1e-9) makes most of it"
ASSUMED = "n assumed: {} rollouts per sentence, which the file doesn't tell"
CONVENTIONS = ("cotlens", "thought-anchors")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One published importance: the method it is of, its metric, its edit type, and what a positive number means."""

    method: str
    metric: str
    edit_type: str
    hurts: bool = False


_FORCED = "truncated thought, forced answer"
COLUMNS = {
    "resampling_accuracy": Column("Resampling", "accuracy", "on-policy"),
    "resampling_kl": Column("Resampling", "kl", "on-policy"),
    "counterfactual_accuracy": Column("Counterfactual", "accuracy", "resampled", hurts=True),
    "counterfactual_kl": Column("Counterfactual", "kl", "resampled"),
    "forced_accuracy": Column("ForcedAnswer", "accuracy", _FORCED),
    "forced_kl": Column("ForcedAnswer", "kl", _FORCED),
}


@dataclass
class Scores:
    """Rows of a result in the published sign: what was measured, and the arms with and without the sentence."""

    estimate: Floats
    status: list[str]
    low: Floats
    high: Floats
    more: dict[str, Any]
    n: NDArray[np.int64]


def importance(rollouts: Published, method: str, convention: str) -> Result:
    """See `Rollouts.importance`."""
    name = _named(method)
    if convention not in CONVENTIONS:
        raise InputError(f"There is no convention {convention!r}. {did_you_mean(convention, CONVENTIONS)}")
    column = COLUMNS[name]
    published = name.replace("_", "_importance_")
    if not rollouts.problem.has(published) and not (name == "resampling_accuracy" and rollouts.problem.has("accuracy")):
        raise InputError(f"{rollouts.name} has no column {published!r}, so its {method} is not known.")
    scores = _READERS.get(name, _kl)(rollouts, published)
    if column.hurts and convention == "cotlens":
        # 0.0 - x and not -x, which would make -0.0 of no effect; the ends change places.
        scores.estimate, scores.low, scores.high = 0.0 - scores.estimate, 0.0 - scores.high, 0.0 - scores.low
    return _result(rollouts, column, convention, published, scores)


def _named(method: str) -> str:
    """The short name of a column, from that or the published one."""
    name = str(method).lower().replace("_importance", "")
    name = name if name.endswith(("_accuracy", "_kl")) else f"{name}_accuracy"
    if name not in COLUMNS:
        raise InputError(f"There is no published importance called {method!r}. {did_you_mean(method, COLUMNS)}")
    return name


def _resampling(rollouts: Published, published: str) -> Scores:
    """Accuracy with the sentence kept, minus accuracy without it."""
    accuracy = rollouts.problem.numbers("accuracy")
    given, status = columns.measured(rollouts.problem, published)
    if not rollouts.problem.has("accuracy"):
        return _bare(given, status, rollouts.n)
    without, kept = accuracy, _next(accuracy)
    estimate = np.where([each in (columns.GAP, columns.NO_NEXT) for each in status], np.nan, kept - without)
    known = ~np.isnan(estimate)
    reasons = [each if each != columns.OK else columns.EMPTY for each in status]
    reasons[-1] = columns.NO_NEXT
    status = [columns.OK if ok else reason for ok, reason in zip(known, reasons, strict=True)]
    arms = _arms(_next(rollouts.n), kept, rollouts.n, without, known)
    return _compared(estimate, _inferred(rollouts, status), arms, without=1)


def _counterfactual(rollouts: Published, published: str) -> Scores:
    """Accuracy of the dissimilar rollouts, minus accuracy with the sentence kept: the published sign."""
    value, status = columns.measured(rollouts.problem, published)
    kept = _next(rollouts.problem.numbers("accuracy"))
    share = rollouts.problem.numbers("different_trajectories_fraction")
    dissimilar = np.rint(np.nan_to_num(share * rollouts.n)).astype(np.int64)
    known = ~np.isnan(value + kept) & (dissimilar > 0)
    arms = _arms(dissimilar, np.clip(value + kept, 0, 1), _next(rollouts.n), kept, known)
    return _compared(value, _inferred(rollouts, status), arms, without=0)


def _forced(rollouts: Published, published: str) -> Scores:
    """Differences of forced accuracy; its level was not published."""
    value, status = columns.measured(rollouts.problem, published)
    n = np.where(np.isnan(value), 0, rollouts.rollouts).astype(np.int64)
    low, high = levels.widest(value[:, None], rollouts.rollouts)
    assumed = ASSUMED.format(rollouts.rollouts)
    return Scores(value, [assumed if each == columns.OK else each for each in status], low[:, 0], high[:, 0], {}, n)


def _kl(rollouts: Published, published: str) -> Scores:
    value, status = columns.measured(rollouts.problem, published)
    doubted = [SUSPECT if nats > ARTEFACT else each for nats, each in zip(value, status, strict=True)]
    return _bare(value, doubted, rollouts.n)


_READERS = {
    "resampling_accuracy": _resampling,
    "counterfactual_accuracy": _counterfactual,
    "forced_accuracy": _forced,
}


def _inferred(rollouts: Published, status: list[str]) -> list[str]:
    """The status of rows that compare a sentence with the next one, with what is not sure of their numbers."""
    notes = counts.notes(rollouts.sizes)
    return [note if each == columns.OK and note else each for each, note in zip(status, notes, strict=True)]


def _bare(values: Floats, status: list[str], n: NDArray[np.int64]) -> Scores:
    """Numbers without an interval."""
    nothing = np.full(len(values), np.nan)
    return Scores(values, status, nothing, nothing, {}, np.where(np.isnan(values), 0, n).astype(np.int64))


def _arms(n1: Any, share1: Floats, n2: Any, share2: Floats, known: NDArray[np.bool_]) -> list[Floats]:
    """k1, n1, k2, n2 of two arms, NaN where a row is not known."""
    sizes = [np.where(known, np.asarray(n, dtype=np.float64), np.nan) for n in (n1, n2)]
    hits = [share * n for share, n in zip((share1, share2), sizes, strict=True)]
    # A share of n times n is a count up to rounding; where it isn't, the share is of other rollouts and stays as it is.
    whole = [np.where(np.abs(k - np.rint(k)) < 1e-6, np.rint(k), k) for k in hits]
    return [whole[0], sizes[0], whole[1], sizes[1]]


def _compared(estimate: Floats, status: list[str], arms: list[Floats], without: int) -> Scores:
    """Rows with intervals and tests of two arms, the first minus the second; arm `without` lacks the sentence."""
    k1, n1, k2, n2 = arms
    compared = stats.proportion_difference(k1, n1, k2, n2)
    q_values = stats.benjamini_hochberg(compared.p_value)
    floor = stats.difference_floor(k1, n1, k2, n2)
    sizes = [np.nan_to_num(n).astype(np.int64) for n in (n1, n2)]
    more = {
        "n_kept": sizes[1 - without],
        "null_floor": floor.p95,
        "p_value": compared.p_value,
        "q_value": q_values,
        "significant": np.nan_to_num(q_values, nan=1.0) <= 0.05,
    }
    return Scores(estimate, status, compared.interval.low, compared.interval.high, more, sizes[without])


def _next(values: NDArray[Any]) -> Floats:
    return np.append(np.asarray(values, dtype=np.float64)[1:], np.nan)


def _result(rollouts: Published, column: Column, convention: str, published: str, scores: Scores) -> Result:
    spans, accuracy = rollouts.spans, column.metric == "accuracy"
    position = stats.position_baseline(scores.estimate)
    table = {
        "start": [span.start for span in spans],
        "end": [span.end for span in spans],
        "text": rollouts.problem.chunks,
        "estimate": scores.estimate,
        "low": scores.low,
        "high": scores.high,
        "n": scores.n,
        "status": scores.status,
        **scores.more,
        "function_tag": rollouts.problem.words("function_tags"),
        "summary": rollouts.problem.words("summary"),
    }
    settings = {
        "source": "published rollouts",
        "problem": rollouts.name,
        "column": published,
        "convention": convention,
        "rollouts": rollouts.rollouts,
        **({} if accuracy else {"alpha": 1e-9}),
        **({"similarity_threshold": 0.8} if column.method == "Counterfactual" else {}),
    }
    return Result(
        kind="importance",
        method=column.method,
        metric=column.metric,
        unit="sentence",
        columns=table,
        sign=_sign(rollouts, column, convention),
        zero="the sentence makes no difference",
        scale_unit="proportion" if accuracy else "nats",
        provenance=Provenance.record(method=column.method, settings=settings, trace_id=rollouts.trace.id),
        extras={
            "metric_words": _share_words(rollouts) if accuracy else "KL between the answers without and with it",
            "edit_type": column.edit_type,
            "signed": accuracy,
            "target": rollouts.target,
            "answer": rollouts.answer,
            "rho_position": position.rho,
            "rho_position_size": position.rho_size,
        },
    )


def _share_words(rollouts: Published) -> str:
    return f"share of correct answers ({rollouts.target!r})" if rollouts.target else "share counted as correct"


def _sign(rollouts: Published, column: Column, convention: str) -> str:
    if column.metric == "kl":
        return "larger = the answers change more; no direction"
    does = "lowers" if column.hurts and convention == "thought-anchors" else "raises"
    about = f"p(correct answer {rollouts.target!r})" if rollouts.target else "the share counted as correct"
    wrong = bool(rollouts.target) and rollouts.problem.base.get("is_correct") is False
    return f"+ = the sentence {does} {about}" + (f"; this trace answers {rollouts.answer!r}" if wrong else "")
