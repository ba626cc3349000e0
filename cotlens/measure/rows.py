"""Columns that results of every method have: where a row stands in a trace, and numbers that are exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cotlens.trace import Span, Trace
from cotlens.trace.latents import name_of


def placed(trace: Trace, unit: str, spans: Sequence[Span]) -> dict[str, Any]:
    """A row per span: its unit ("role" for a whole answer among sentences), its tokens and its text.

    Of a latent, which has none, the text says which it is ("latent 3").
    """
    return {
        "unit": [span.unit if span.unit == "role" else unit for span in spans],
        "start": [span.start for span in spans],
        "end": [span.end for span in spans],
        "text": [name_of(trace, span) for span in spans],
    }


def exact(estimates: Any) -> dict[str, Any]:
    """Estimates whose interval is themselves."""
    return {"estimate": estimates, "low": estimates, "high": estimates}
