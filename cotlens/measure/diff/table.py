"""Differences as results: the divergence per unit, its second reading, and one line that says it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cotlens.measure.diff.expected import Changes, Compared, Floats
from cotlens.measure.diff.sides import Side
from cotlens.measure.rows import exact, placed
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace

WORDS = {"kl": "KL({} || {})", "kl_back": "KL({1} || {0})", "js": "JS({}, {})"}
"""Metric -> how it is written of two sides."""
BOUND = "at least this: the models tell only their best tokens"
_SHOWN = 3  # tokens that gained or lost, in words
_QUOTED = 40


def table(
    method: Any,
    trace: Trace,
    units: Sequence[Span],
    sides: Sequence[Side],
    compared: Sequence[Compared],
    moved: Sequence[Changes],
    made: Provenance,
) -> Result:
    """A row per unit.

    Args:
        compared: the first side with the other, and with each of the floor.
        moved: the tokens that gained and lost most at the peak of each unit.
    """
    found, *floors = compared
    sums = {kind: _sums(units, values) for kind, values in found.divergences.items()}
    estimate = sums[method.metric]
    total = float(estimate.sum())
    columns: dict[str, Any] = {
        **placed(trace, method.unit, units),
        "estimate": estimate,
        "low": estimate,
        "high": estimate if found.exact else np.full(len(units), np.nan),
        "n": np.ones(len(units), np.int64),
        "status": ["exact" if found.exact else BOUND] * len(units),
        "share": estimate / total if total > 0 else np.full(len(units), np.nan),
        "log_ratio": _sums(units, found.log_ratio),
        **sums,
    }
    if floors:
        columns["null_floor"] = np.max([_sums(units, floor.divergences[method.metric]) for floor in floors], axis=0)
    for column, (ids, change) in zip(("gained", "lost"), moved, strict=True):
        columns[column] = [_named(sides[0], *each) for each in zip(ids, change, strict=True)]
    return Result(
        kind="importance",
        method="Diff",
        metric=method.metric,
        unit=method.unit,
        columns=columns,
        sign="larger = the other would more surely go on in other words",
        zero="both expect the same here",
        scale_unit="nats",
        provenance=made,
        extras=_extras(method, columns, found, sides, made),
    )


def _extras(method: Any, columns: Any, found: Compared, sides: Sequence[Side], made: Provenance) -> dict[str, Any]:
    estimate, role = columns["estimate"], np.array(columns["unit"]) == "role"
    names = name(sides[0]), name(sides[1], sides[0])
    return {
        "metric_words": WORDS[method.metric].format(*names),
        "sides": list(names),
        "edit_type": method.edit_type,
        "signed": False,
        "question": method.question,
        "total": float(estimate.sum()),
        "answer": float(estimate[role].sum()) if role.any() else float("nan"),
        "argmax": int(np.nanargmax(estimate)),
        "tokens": found.divergences[method.metric],
        **{f"tokens_{kind}": values for kind, values in found.divergences.items()},
        "tokens_log_ratio": found.log_ratio,
        "summary": _summary(columns, found, made),
    }


def name(side: Side, beside: Side | None = None) -> str:
    """Which side it is, in a word or two."""
    if beside is None or side.model is not beside.model:
        same = beside is not None and side.model.name == beside.model.name
        return f"{side.model.name} in {side.model.dtype}" if same else side.model.name
    return "the same, asked otherwise"


def quoted(text: str) -> str:
    """A stretch of text in one short line."""
    words = " ".join(text.split())
    return repr(words if len(words) <= _QUOTED else words[: _QUOTED - 1] + "…")


def _summary(columns: Any, found: Compared, made: Provenance) -> str:
    estimate, at = columns["estimate"], int(np.nanargmax(columns["estimate"]))
    least = "" if found.exact else "at least "
    floor = f", floor {np.sum(columns['null_floor']):.3g}" if "null_floor" in columns else ", no floor measured"
    total = estimate.sum()
    most = f"most in {quoted(columns['text'][at])} ({estimate[at] / total:.0%})" if total > 0 else "nowhere"
    interval = "exact, no interval" if found.exact else "lower bounds"
    spent = f"{made.cost.tokens} tokens in {made.cost.forwards} passes"
    return f"{least}{total:.3g} nats{floor}, {most}; {interval}; {spent}"


def _sums(units: Sequence[Span], values: Floats) -> Floats:
    """Sums over the tokens of each unit, of one value per token in their order."""
    return np.array([part.sum() for part in _cut(units, values)])


def peaks(units: Sequence[Span], values: Floats) -> list[int]:
    """For each unit the row, among all its tokens, where a value is largest."""
    parts = _cut(units, values)
    starts = np.cumsum([0, *map(len, parts[:-1])])
    return [int(start + part.argmax()) for start, part in zip(starts, parts, strict=True)]


def _cut(units: Sequence[Span], values: Floats) -> list[Floats]:
    return np.split(values, np.cumsum([span.end - span.start for span in units])[:-1])


def _named(side: Side, ids: Any, changes: Any) -> str:
    """Tokens with their change of probability, in words; those that hardly moved are left out."""
    kept = [(int(id), float(change)) for id, change in zip(ids, changes, strict=True) if abs(change) >= 0.01][:_SHOWN]
    pieces = side.model.codec.pieces([id for id, _ in kept])
    each = [
        f"{piece.decode('utf-8', 'replace')!r} {change:+.2f}" for piece, (_, change) in zip(pieces, kept, strict=True)
    ]
    return ", ".join(each)


def listed(name: str, metric: str, unit: str, columns: dict[str, Any], made: Provenance, **words: Any) -> Result:
    """A result of kind "diff": rows that stand for no place in a text, told by their `text`."""
    nowhere = np.zeros(len(columns["text"]), np.int64)
    extras = {key: words.pop(key) for key in list(words) if key not in ("sign", "zero")}
    return Result(
        kind="diff",
        method=name,
        metric=metric,
        unit=unit,
        columns={"start": nowhere, "end": nowhere, **columns},
        scale_unit="nats",
        provenance=made,
        extras=extras,
        **words,
    )


def readings(result: Result) -> tuple[Result, ...]:
    """The readings of a difference: how far the two part, and which of them would sooner have written what stands.

    Where they were compared by text, there is the second only.
    """
    if result.metric == "log_ratio":
        return (result,)
    columns = {key: values for key, values in result.columns.items() if key not in ("share", "null_floor")}
    ratio = columns.pop("log_ratio")
    columns |= {
        **exact(ratio),
        "status": ["exact"] * len(result),  # of the tokens that stand there, servers tell the log-probability
    }
    extras = {key: result.extras[key] for key in ("edit_type", "question", "summary")}
    signed = Result(
        kind=result.kind,
        method=result.method,
        metric="log_ratio",
        unit=result.unit,
        columns=columns,
        sign="above 0 = the first would sooner have written this, below 0 = the other",
        zero="both would have written it equally",
        scale_unit="nats",
        provenance=result.provenance,
        extras={**extras, "metric_words": "log p({}) - log p({})".format(*result.extras["sides"]), "signed": True},
    )
    return result, signed
