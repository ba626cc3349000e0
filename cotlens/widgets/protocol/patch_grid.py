"""The traits and messages of the patch grid; `shared` declares the shape of its grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

Side = Literal["base", "source"]

REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "patch": {
        "side": Side, "layer": int, "first": int, "last": int, "from_layer": int, "from_first": int, "from_last": int,
    },
    "tokens": {"column": int},
    "goto": {"branch": str},
    "cancel": {"job": NotRequired[int | None]},
    "stream": {"of": int},
}  # fmt: skip
"""Kind of request -> its fields. Tokens first..last of `side` after `layer` are given what stands at tokens
from_first..from_last of the other side after `from_layer`. A column is one of the grid's first level."""
