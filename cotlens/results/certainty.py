"""How sure each estimate of a result is: one rule for every view, chart and export.

What may be no effect at all (`may_be_nothing`) is drawn hollow, never filled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cotlens.results.result import Result

CERTAINTIES = ("clear", "zero", "floor", "corrected", "exact", "open", "none", "faint", "small")
"""How sure an estimate is; `widgets/kit/heat/certainty.ts` has the same list and puts it into words.

clear: its interval excludes 0; zero: it includes 0; floor: no larger than the null floor; corrected: not significant
after correction for the number of units; exact: deterministic; open: without an interval; none: not measured;
faint: deterministic, and too small to be looked at; small: as small, with an error of computation or no interval.
"""

LEAST = {"nats": 0.1, "probability": 0.01, "proportion": 0.01}
"""Effects below this never fill a scale, and are hollow where no sample says that they are clear of zero."""

_SMALL = ("faint", "small")
_NOTHING = ("zero", "floor", "corrected", *_SMALL)


def certainty(result: Result) -> NDArray[np.uint8]:
    """Index into `CERTAINTIES` for every row, uint8 [rows].

    An interval that includes 0 says more than a missed correction, so it is named first.
    """
    columns = result.columns
    estimate, low, high = (columns[name] for name in ("estimate", "low", "high"))
    least = below_least(estimate, result.scale_unit)
    apart = low < high  # deterministic, and yet unsure: a numerical error, or one value per form of the answer
    computed = (columns["n"] <= 1) | ("interval_of" in result.extras)
    exact = (_deterministic(columns["status"]) & ~apart) | ((low == estimate) & (high == estimate) & computed)
    unbounded = np.isnan(low) | np.isnan(high)
    floor = np.asarray(columns.get("null_floor", np.full(len(estimate), np.nan)), dtype=float)
    below = np.abs(estimate) <= floor
    judged: list[tuple[NDArray[np.bool_], str]] = [
        (np.isnan(estimate), "none"),
        (exact & least, "faint"),
        (exact & below, "floor"),
        (exact, "exact"),
        ((low <= 0) & (high >= 0), "zero"),
        (below, "floor"),
    ]
    judged += [((computed | unbounded) & least, "small"), (unbounded, "open")]
    if "significant" in columns:
        judged.append((~np.asarray(columns["significant"]).astype(bool), "corrected"))
    codes = [CERTAINTIES.index(name) for _, name in judged]
    return np.select([mask for mask, _ in judged], codes, CERTAINTIES.index("clear")).astype(np.uint8)


def may_be_nothing(result: Result) -> NDArray[np.bool_]:
    """Whether each estimate may be no effect at all, or is too small to be looked at, bool [rows]."""
    return np.isin(certainty(result), [CERTAINTIES.index(name) for name in _NOTHING])


def below_least(estimates: NDArray[np.float64], scale_unit: str) -> NDArray[np.bool_]:
    """Whether each estimate is smaller than the least effect of its unit that is worth a colour, bool [rows]."""
    return np.abs(estimates) < LEAST.get(scale_unit, 0.0)


def why_hollow(result: Result) -> str:
    """Why estimates that may be nothing are hollow: "below 0.1 nats", "not clear of zero", both, or "" if none are."""
    found = {CERTAINTIES[code] for code in np.unique(certainty(result))}
    reasons = ["not clear of zero"] if found & (set(_NOTHING) - set(_SMALL)) else []
    if found & set(_SMALL):
        reasons.append(least_words(result.scale_unit))
    return " or ".join(reasons)


def least_words(scale_unit: str) -> str:
    """ "below 0.1 nats"."""
    return f"below {LEAST[scale_unit]:g} {scale_unit}"


def _deterministic(status: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.array([str(words).startswith("exact") for words in status], dtype=bool)
