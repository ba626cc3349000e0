"""How sure each estimate of a result is: one rule for every view, chart and export.

What may be no effect at all (`may_be_nothing`) is drawn hollow, never filled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cotlens.results.result import Result

CERTAINTIES = ("clear", "zero", "floor", "corrected", "exact", "open", "none", "faint")
"""How sure an estimate is; `widgets/kit/certainty.ts` has the same list and puts it into words.

clear: its interval excludes 0; zero: it includes 0; floor: no larger than the null floor; corrected: not significant
after correction for the number of units; exact: deterministic; open: without an interval; none: not measured;
faint: deterministic, and too small to be looked at.
"""

LEAST = {"nats": 0.1, "probability": 0.01, "proportion": 0.01}
"""Effects below this never fill a scale, and are faint where they are exact: nothing is to look like nothing."""

_NOTHING = ("zero", "floor", "corrected", "faint")


def certainty(result: Result) -> NDArray[np.uint8]:
    """Index into `CERTAINTIES` for every row, uint8 [rows].

    An interval that includes 0 says more than a missed correction, so it is named first.
    """
    columns = result.columns
    estimate, low, high = (columns[name] for name in ("estimate", "low", "high"))
    exact = _deterministic(columns["status"]) | ((low == estimate) & (high == estimate) & (columns["n"] <= 1))
    judged: list[tuple[NDArray[np.bool_], str]] = [
        (np.isnan(estimate), "none"),
        (exact & (np.abs(estimate) < LEAST.get(result.scale_unit, 0.0)), "faint"),
        (exact, "exact"),
        ((low <= 0) & (high >= 0), "zero"),
    ]
    if "null_floor" in columns:
        judged.append((np.abs(estimate) <= np.asarray(columns["null_floor"], dtype=float), "floor"))
    judged.append((np.isnan(low) | np.isnan(high), "open"))
    if "significant" in columns:
        judged.append((~np.asarray(columns["significant"]).astype(bool), "corrected"))
    codes = [CERTAINTIES.index(name) for _, name in judged]
    return np.select([mask for mask, _ in judged], codes, CERTAINTIES.index("clear")).astype(np.uint8)


def may_be_nothing(result: Result) -> NDArray[np.bool_]:
    """Whether each estimate may be no effect at all, bool [rows]."""
    return np.isin(certainty(result), [CERTAINTIES.index(name) for name in _NOTHING])


def _deterministic(status: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.array([str(words).startswith("exact") for words in status], dtype=bool)
