"""The trait of the pair matrix."""

from __future__ import annotations

from cotlens.widgets.protocol.shared import Estimates


class Matrix(Estimates):
    """A pairs result. Numbers stand row by row: cell (target, source) at target * count + source."""

    texts: list[str]
