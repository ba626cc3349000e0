"""A result as a view is told it: the words that say what its numbers mean, and how sure each of them is."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from cotlens.results import Result
from cotlens.results.certainty import CERTAINTIES, LEAST, certainty
from cotlens.widgets.page import settings
from cotlens.widgets.protocol.importance_map import Fact
from cotlens.widgets.protocol.shared import Kind, Meaning
from cotlens.widgets.shared.encoding import floats
from cotlens.widgets.shared.names import shown_name

_UNSIGNED = re.compile(r"\bkl\b|divergence|kurtosis|entropy|surprise", re.IGNORECASE)
_SHOWN_APART = {
    *("unit", "start", "end", "text", "estimate", "low", "high", "n", "status", "significant"),
    *("source", "target", "source_text", "target_text"),
}


def meaning(result: Result) -> Meaning:
    """Method, metric, sign, zero, unit and origin of a result in words."""
    made = result.provenance
    return {
        "label": words(result.method),
        "metric": str(result.extras.get("metric_words", result.metric)).replace("_", " "),
        "unit": result.unit,
        "sign": result.sign,
        "zero": result.zero,
        "scale_unit": result.scale_unit,
        "signed": is_signed(result),
        "kind": kind(result),
        "edit_type": str(result.extras.get("edit_type", "")),
        "model": shown_name(made.model),
        "backend": made.backend,
        "settings": settings.told(made.settings),
    }


def words(method: str) -> str:
    """The name of a method as words: "EarlyAnswer" is "Early answer"."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z\W_]+", method)
    return " ".join([*parts[:1], *(part if part.isupper() else part.lower() for part in parts[1:])])


def is_signed(result: Result) -> bool:
    """Whether zero lies in the middle of the scale; divergences and the like only grow from it."""
    if "signed" in result.extras:
        return bool(result.extras["signed"])
    unsigned = _UNSIGNED.search(result.metric.replace("_", " "))
    return not (unsigned and not bool((result.columns["estimate"] < 0).any()))


def kind(result: Result) -> Kind:
    """What the intervals are of: "exact" (none), "computed" (how far off a number may be) or "sampled"."""
    if is_exact(result):
        return "exact"
    columns = result.columns
    measured = ~np.isnan(columns["estimate"])
    bounded = bool((columns["low"] < columns["high"])[measured].any()) and bool((columns["n"][measured] <= 1).all())
    return "computed" if "interval_of" in result.extras or bounded else "sampled"


def is_exact(result: Result) -> bool:
    """Whether every measured row is deterministic."""
    kinds = certainty(result)
    measured = kinds[kinds != CERTAINTIES.index("none")]
    return bool(np.isin(measured, [CERTAINTIES.index(one) for one in ("exact", "faint")]).all()) and measured.size > 0


def scale(values: NDArray[np.float64], unit: str, base: float = 0.0) -> float:
    """Where the colours end: the largest size that was measured, at least the smallest that is worth a colour.

    Importance is sparse, so a percentile would cut off the very units that matter and paint the noise.
    """
    sizes = np.abs(values[np.isfinite(values)] - base)
    return base + max(LEAST.get(unit, 1e-6), float(sizes.max(initial=0.0)))


def base(result: Result) -> float:
    """Where the colours begin: 0, or the smallest estimate of a scale that only grows and has no 0 (a logarithm)."""
    estimates = result.columns["estimate"]
    below = estimates[estimates < 0]
    return 0.0 if is_signed(result) or not below.size else float(below.min())


def reasons(result: Result) -> dict[str, str]:
    """Row -> why it was not, or not fully, measured."""
    status = result.columns["status"]
    return {str(row): str(status[row]) for row in np.flatnonzero(~np.isin(status.astype(str), ("ok", "exact")))}


def facts(result: Result) -> list[Fact]:
    """What the method adds to each row."""
    found: list[Fact] = []
    for name, column in result.columns.items():
        if name in _SHOWN_APART:
            continue
        if column.dtype.kind in "fiu":
            found.append({"name": _plain(name), "numbers": floats(column)})
        elif column.dtype.kind == "b":
            found.append({"name": _plain(name), "words": ["yes" if value else "no" for value in column]})
        else:
            found.append({"name": _plain(name), "words": [str(value) for value in column]})
    return found


def _plain(name: str) -> str:
    return name.replace("_", " ")
