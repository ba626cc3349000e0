"""Text as it may be kept: any characters, but no halves of them."""

from __future__ import annotations

import re

_HALVES = re.compile("[\ud800-\udfff]")


def without_halves(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate, which no encoding, table, page or file can hold."""
    return text if text.isascii() else _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)
