"""The traits and messages of the bar of a workbench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Width = Literal["half", "full"]

# One panel at a time, and never the set of them: what a person sees may be older than what was asked for since.
REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "open": {"panel": str},
    "close": {"panel": str},
    "widen": {"panel": str},
}
"""Kind of request -> its fields. To "widen" gives an open panel the whole line, or half of it again."""
