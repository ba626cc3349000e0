"""Columns that results of every method have: where a row stands in a trace, and numbers that are exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cotlens.trace import Span, Trace


def placed(trace: Trace, unit: str, spans: Sequence[Span]) -> dict[str, Any]:
    """A row per span: its unit ("role" for a whole answer among sentences), its tokens and its text."""
    return {
        "unit": [span.unit if span.unit == "role" else unit for span in spans],
        "start": [span.start for span in spans],
        "end": [span.end for span in spans],
        "text": [trace.text[span.char_start : span.char_end] for span in spans],
    }


def exact(estimates: Any) -> dict[str, Any]:
    """Estimates whose interval is themselves."""
    return {"estimate": estimates, "low": estimates, "high": estimates}
