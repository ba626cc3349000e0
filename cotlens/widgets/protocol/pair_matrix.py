"""The trait of the pair matrix."""

from __future__ import annotations

from cotlens.widgets.protocol.shared import Meaning


class Matrix(Meaning):
    """A pairs result. Numbers stand row by row: cell (target, source) at target * count + source."""

    base: float
    scale: float
    texts: list[str]
    estimate: bytes
    low: bytes
    high: bytes
    n: bytes
    certainty: bytes
    """1 + the codes of `cotlens.results.certainty`, Uint8; 0 where the result has no such pair."""
    status: dict[str, str]
