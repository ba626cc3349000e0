"""The table every importance method returns: a row per unit of the thought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.answers.forced import METRIC_WORDS, METRICS
from cotlens.measure.importance.shared.groups import Group
from cotlens.measure.importance.shared.units import units
from cotlens.measure.stats import position_baseline
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace
from cotlens.trace.latents import name_of
from cotlens.trace.notes import with_text

__all__ = ["CANCELLED", "result", "units"]

CANCELLED = "not measured: cancelled before it was reached"
UNBOUNDED = "not measured: the server tells too few tokens to say whether the value ends"
BOUNDED = "the server tells its likeliest tokens only: off by at most"


def result(
    method: Any,
    trace: Trace,
    spans: Sequence[Span | Group],
    estimates: NDArray[np.float64],
    answer: str,
    provenance: Provenance,
    extras: Mapping[str, Any],
    *,
    status: Sequence[str] | None = None,
    errors: NDArray[np.float64] | None = None,
    columns: Mapping[str, Any] | None = None,
) -> Result:
    """A row per span or group.

    Deterministic scores have low = high = estimate, n = 1 and the status "exact". Extras `rho_position` and
    `rho_position_size` are Spearman's rho of the estimates, and of their sizes, with the index: what position alone
    would explain.

    Args:
        status: why rows aren't "exact"; by default rows without an estimate were cancelled.
        errors: by how much estimates may be off, in either direction: those rows have an interval, or are not measured
            where nothing bounds them (infinite). By default rows that are "exact" aren't off, and others have no
            interval.
        columns: further columns.
    """
    off = np.zeros(len(estimates)) if errors is None else np.where(np.isfinite(estimates), errors, 0.0)
    unbounded = ~np.isfinite(off)
    estimates = np.where(unbounded, np.nan, estimates)
    measured = np.isfinite(estimates)
    if status is None:
        status = ["exact" if ok else CANCELLED for ok in measured]
    status = [
        UNBOUNDED if wide else f"{BOUNDED} {error:.2g}" if error > 0 and one == "exact" else one
        for one, wide, error in zip(status, unbounded, off, strict=True)
    ]
    bounded = measured & (off > 0)
    exact = np.array([one == "exact" for one in status], dtype=bool)
    position = position_baseline(estimates)
    rows: dict[str, Any] = {
        "unit": [method.unit] * len(spans),
        "start": np.array([span.start for span in spans], dtype=np.int32),
        "end": np.array([span.end for span in spans], dtype=np.int32),
        "text": [span.text if isinstance(span, Group) else name_of(trace, span) for span in spans],
        "estimate": estimates,
        "low": np.where(exact | bounded, estimates - off, np.nan),
        "high": np.where(exact | bounded, estimates + off, np.nan),
        "n": measured.astype(np.int32),
        "status": list(status),
        **(columns or {}),
    }
    return Result(
        kind="importance",
        method=type(method).__name__,
        metric=method.metric,
        unit=method.unit,
        columns=rows,
        sign=f"+ = supports the answer {answer!r}",
        zero="no effect",
        scale_unit=METRICS[method.metric],
        provenance=provenance,
        extras={
            "metric_words": with_text(METRIC_WORDS[method.metric].format(answer=answer), trace.awaits_rerun),
            "edit_type": method.edit_type,
            "rho_position": position.rho,
            "rho_position_size": position.rho_size,
            **extras,
        },
    )
