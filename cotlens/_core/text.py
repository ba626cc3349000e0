"""Text as it may be kept: any characters, but no halves of them."""

from __future__ import annotations

import re
from typing import Any

_HALVES = re.compile("[\ud800-\udfff]")


def without_halves(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate, which no encoding, table, page or file can hold."""
    return text if text.isascii() else _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def whole(data: Any) -> Any:
    """JSON data with every text in it `without_halves`."""
    if isinstance(data, str):
        return without_halves(data)
    if isinstance(data, list):
        return [whole(item) for item in data]
    if isinstance(data, dict):
        return {without_halves(name): whole(item) for name, item in data.items()}
    return data
