"""Differences as results: the divergence per unit, its second reading, and one line that says it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cotlens.measure.diff.expected import KINDS, Compared, Floats
from cotlens.measure.diff.sides import Side
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace

BOUND = "at least this: the models tell only their best tokens"
_SHOWN = 3  # tokens that gained or lost, in words
_QUOTED = 40


def table(
    method: Any,
    trace: Trace,
    units: Sequence[Span],
    sides: Sequence[Side],
    compared: Sequence[Compared],
    made: Provenance,
) -> Result:
    """A row per unit; `compared` is the first side with the other, and with each of the floor."""
    found, *floors = compared
    sums = {kind: _sums(units, values) for kind, values in found.divergences.items()}
    total = float(sums["kl"].sum())
    columns: dict[str, Any] = {
        "unit": [span.unit if span.unit == "role" else method.unit for span in units],
        "start": [span.start for span in units],
        "end": [span.end for span in units],
        "text": [trace.text[span.char_start : span.char_end] for span in units],
        "estimate": sums["kl"],
        "low": sums["kl"],
        "high": sums["kl"] if found.exact else np.full(len(units), np.nan),
        "n": np.ones(len(units), np.int64),
        "status": ["exact" if found.exact else BOUND] * len(units),
        "share": sums["kl"] / total if total > 0 else np.full(len(units), np.nan),
        "log_ratio": _sums(units, found.log_ratio),
        "kl_back": sums["kl_back"],
        "js": sums["js"],
    }
    if floors:
        columns["null_floor"] = np.max([_sums(units, floor.divergences["kl"]) for floor in floors], axis=0)
    peaks = _peaks(units, found.divergences["kl"])
    for name, kept in (("gained", found.gained), ("lost", found.lost)):
        columns[name] = [_named(sides[0], kept[0][row], kept[1][row]) for row in peaks]
    return Result(
        kind="importance",
        method="Diff",
        metric="kl",
        unit=method.unit,
        columns=columns,
        sign="larger = the other would more surely go on in other words",
        zero="both expect the same here",
        scale_unit="nats",
        provenance=made,
        extras=_extras(method, columns, found, sides, made),
    )


def _extras(method: Any, columns: Any, found: Compared, sides: Sequence[Side], made: Provenance) -> dict[str, Any]:
    estimate, units = columns["estimate"], np.array(columns["unit"])
    answer = float(estimate[units == "role"].sum()) if (units == "role").any() else float("nan")
    kept = {"tokens" if kind == "kl" else f"tokens_{kind}": found.divergences[kind] for kind in KINDS}
    return {
        "metric_words": f"KL({name(sides[0])} || {name(sides[1], sides[0])})",
        "edit_type": method.edit_type,
        "signed": False,
        "question": method.question,
        "total": float(estimate.sum()),
        "answer": answer,
        "argmax": int(np.nanargmax(estimate)),
        **kept,
        "tokens_log_ratio": found.log_ratio,
        "summary": _summary(columns, found, made),
    }


def name(side: Side, beside: Side | None = None) -> str:
    """Which side it is, in a word or two."""
    if beside is None or side.model is not beside.model:
        same = beside is not None and side.model.name == beside.model.name
        return f"{side.model.name} in {side.model.dtype}" if same else side.model.name
    return "the same, asked otherwise"


def _summary(columns: Any, found: Compared, made: Provenance) -> str:
    estimate, at = columns["estimate"], int(np.nanargmax(columns["estimate"]))
    quoted = " ".join(columns["text"][at].split())
    quoted = quoted if len(quoted) <= _QUOTED else quoted[: _QUOTED - 1] + "…"
    least = "" if found.exact else "at least "
    floor = f", floor {np.sum(columns['null_floor']):.3g}" if "null_floor" in columns else ", no floor measured"
    most = f"most in {quoted!r} ({estimate[at] / estimate.sum():.0%})" if estimate.sum() > 0 else "nowhere"
    interval = "exact, no interval" if found.exact else "lower bounds"
    spent = f"{made.cost.tokens} tokens in {made.cost.forwards} passes"
    return f"{least}{estimate.sum():.3g} nats{floor}, {most}; {interval}; {spent}"


def _sums(units: Sequence[Span], values: Floats) -> Floats:
    """Sums over the tokens of each unit, of one value per token in their order."""
    ends = np.cumsum([span.end - span.start for span in units])
    return np.array([part.sum() for part in np.split(values, ends[:-1])])


def _peaks(units: Sequence[Span], kl: Floats) -> list[int]:
    """For each unit the row, among all its tokens, where the two part most."""
    ends = np.cumsum([span.end - span.start for span in units])
    starts = [0, *ends[:-1].tolist()]
    return [start + int(np.argmax(part)) for start, part in zip(starts, np.split(kl, ends[:-1]), strict=True)]


def _named(side: Side, ids: Any, changes: Any) -> str:
    """Tokens with their change of probability, in words; those that hardly moved are left out."""
    kept = [(int(id), float(change)) for id, change in zip(ids, changes, strict=True) if abs(change) >= 0.01][:_SHOWN]
    pieces = side.model.codec.pieces([id for id, _ in kept])
    each = [
        f"{piece.decode('utf-8', 'replace')!r} {change:+.2f}" for piece, (_, change) in zip(pieces, kept, strict=True)
    ]
    return ", ".join(each)


def readings(result: Result) -> tuple[Result, Result]:
    """Both readings of a difference: how far the two part, and which of them would sooner have written what stands."""
    columns = {key: values for key, values in result.columns.items() if key not in ("share", "null_floor")}
    ratio = columns.pop("log_ratio")
    words = str(result.extras["metric_words"]).removeprefix("KL(").removesuffix(")").split(" || ")
    columns |= {
        "estimate": ratio,
        "low": ratio,
        "high": ratio,
        "status": ["exact"] * len(result),  # of the tokens that stand there, servers tell the log-probability
        "kl": result.columns["estimate"],
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
        extras={**extras, "metric_words": f"log p({words[0]}) - log p({words[-1]})", "signed": True},
    )
    return result, signed
