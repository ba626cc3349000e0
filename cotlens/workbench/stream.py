"""Text that is being written right now, sent to the view in batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cotlens.trace import Trace
from cotlens.widgets.utf16 import to_utf16

FLUSH_S = 0.07


class Stream:
    """Collects tokens as they are written and shows them at most fifteen times a second.

    Args:
        show: takes the view's `stream`.
        shown: the trace that the view shows meanwhile.
        start: the character of it at which the new text begins.
        text: what stands there already, of an edit.
        request_id: the request that this answers.

    Attributes:
        count: tokens written so far.
    """

    def __init__(
        self, show: Callable[[dict[str, Any]], None], shown: Trace, start: int, text: str, request_id: int
    ) -> None:
        self.count = 0
        self._show, self._id, self._text = show, request_id, text
        self._from = int(to_utf16(shown.text, [min(start, len(shown.text))])[0])
        self._told = 0.0
        self._flush()

    def add(self, _: int, piece: str) -> None:
        """One more token."""
        self.count += 1
        self._text += piece
        if time.monotonic() - self._told >= FLUSH_S:
            self._flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._show({})

    def _flush(self) -> None:
        self._told = time.monotonic()
        self._show({"request_id": self._id, "from": self._from, "text": self._text})
