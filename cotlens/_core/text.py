"""Text as it may be kept: any characters, but no halves of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_HALVES = re.compile("[\ud800-\udfff]")


def without_halves(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate, which no encoding, table, page or file can hold."""
    return text if text.isascii() else _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def data_without_halves(data: Any) -> Any:
    """The same for all text in lists and mappings, names included."""
    if isinstance(data, str):
        return without_halves(data)
    if isinstance(data, Mapping):
        return {data_without_halves(name): data_without_halves(item) for name, item in data.items()}
    if isinstance(data, (list, tuple)):
        return [data_without_halves(item) for item in data]
    return data
