"""The trait of the pair matrix."""

from __future__ import annotations

from cotlens.widgets.protocol.shared import Estimates


class Matrix(Estimates):
    """A pairs result. Numbers stand row by row: cell (target, source) at target * count + source."""

    texts: list[str]
    trace: str
    """Id of the trace it was measured on."""
    first: bytes
    last: bytes
    """Tokens of each sentence, Uint32; none (0, 0) where the result doesn't tell them."""
