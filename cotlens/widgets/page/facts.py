"""What a reader without Python is told about numbers: where they come from."""

from __future__ import annotations

import dataclasses
from typing import Any

from cotlens.results import Result

_LONGEST = 300  # characters of one value


def provenance(result: Result) -> tuple[str, str]:
    """(heading, text): the method, and its provenance a line each; what is empty is left out."""
    origin = result.provenance
    lines = [f"{field.name}: {_words(getattr(origin, field.name))}" for field in dataclasses.fields(origin)]
    filled = [line for line in lines if not line.endswith((": ", ": None", ": {}"))]
    return f"{result.method} per {result.unit}: provenance", "\n".join(filled)


def _words(value: Any) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    text = ", ".join(f"{name}={item}" for name, item in value.items()) if hasattr(value, "items") else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
