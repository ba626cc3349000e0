"""The table every importance method returns: a row per unit of the thought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.importance.forced import METRIC_WORDS, METRICS
from cotlens.measure.importance.groups import Group
from cotlens.measure.importance.units import units
from cotlens.measure.stats import position_baseline
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace

__all__ = ["CANCELLED", "result", "units"]

CANCELLED = "not measured: cancelled before it was reached"


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
        errors: how far off a row's estimate may be, in either direction: its interval; by default rows that are
            "exact" aren't, and others get no interval.
        columns: further columns.
    """
    measured = np.isfinite(estimates)
    if status is None:
        status = ["exact" if ok else CANCELLED for ok in measured]
    if errors is None:
        errors = np.where([one == "exact" for one in status], 0.0, np.nan)
    position = position_baseline(estimates)
    rows: dict[str, Any] = {
        "unit": [method.unit] * len(spans),
        "start": np.array([span.start for span in spans], dtype=np.int32),
        "end": np.array([span.end for span in spans], dtype=np.int32),
        "text": [
            span.text if isinstance(span, Group) else trace.text[span.char_start : span.char_end] for span in spans
        ],
        "estimate": estimates,
        "low": estimates - errors,
        "high": estimates + errors,
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
            "metric_words": METRIC_WORDS[method.metric].format(answer=answer),
            "edit_type": method.edit_type,
            "rho_position": position.rho,
            "rho_position_size": position.rho_size,
            **extras,
        },
    )
