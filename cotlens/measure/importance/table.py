"""The table every importance method returns: a row per unit of the thought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.importance.forced import METRIC_WORDS, METRICS
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace


def units(trace: Trace, unit: str) -> list[Span]:
    """The units of the thought.

    Raises:
        InputError: there is none.
    """
    spans = trace.spans(unit) if "thought" in trace.roles else []
    if not spans:
        raise InputError(
            f"This trace has no {unit} in its thought, so nothing can be measured: give one with a thought."
        )
    return spans


def result(
    method: Any,
    trace: Trace,
    spans: Sequence[Span],
    estimates: NDArray[np.float64],
    answer: str,
    provenance: Provenance,
    extras: dict[str, Any],
) -> Result:
    """Rows for deterministic scores: low = high = estimate, n = 1, status "exact"; NaN rows say "not measured"."""
    measured = np.isfinite(estimates)
    columns: dict[str, Any] = {
        "unit": [method.unit] * len(spans),
        "start": np.array([span.start for span in spans], dtype=np.int32),
        "end": np.array([span.end for span in spans], dtype=np.int32),
        "text": [trace.text[span.char_start : span.char_end] for span in spans],
        "estimate": estimates,
        "low": estimates,
        "high": estimates,
        "n": measured.astype(np.int32),
        "status": ["exact" if ok else "not measured: cancelled before it was reached" for ok in measured],
    }
    return Result(
        kind="importance",
        method=type(method).__name__,
        metric=method.metric,
        unit=method.unit,
        columns=columns,
        sign=f"+ = supports the answer {answer!r}",
        zero="no effect",
        scale_unit=METRICS[method.metric],
        provenance=provenance,
        extras={
            "metric_words": METRIC_WORDS[method.metric].format(answer=answer),
            "edit_type": method.edit_type,
            **extras,
        },
    )
