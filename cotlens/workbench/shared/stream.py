"""Text that is being written right now, sent to the view in pieces: each says where it belongs, and is sent once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from cotlens.trace import Trace
from cotlens.widgets.shared.encoding import to_utf16

FLUSH_S = 0.05
_NUMBERS = itertools.count(1)


class Stream:
    """Collects tokens as they are written and shows what came at most twenty times a second, the first one at once.

    What is shown is a piece, with the place in the text written so far where it belongs, in UTF-16 units. A view that
    missed one asks for all of it.

    Args:
        show: takes the view's `stream`.
        about: further fields of every piece.

    Attributes:
        id: no other stream has it.
        count: tokens written so far.
    """

    def __init__(self, show: Callable[[dict[str, Any]], None], **about: Any) -> None:
        self.id, self.count = next(_NUMBERS), 0
        self._show, self._about = show, {**about, "id": self.id}
        self._text, self._new, self._at, self._told = "", "", 0, 0.0

    def begin(self, source: Trace, start: int, text: str = "", *, limit: int, expected: str = "") -> None:
        """New text begins at a character of the trace that the view shows.

        Args:
            text: what of it stands there already, of an edit.
            limit: the most tokens that are written.
            expected: what the model will write first, where that is known; shown until it comes.
        """
        start = int(to_utf16(source.text, [min(start, len(source.text))])[0])
        self._about |= {"source": source.id, "from": start, "limit": limit}
        self._new = text
        if expected:
            self._show(self._piece(0, expected))
        else:
            self._flush()

    def add(self, _: int, piece: str) -> None:
        """One more token."""
        self.count += 1
        self._new += piece
        if self.count == 1 or time.monotonic() - self._told >= FLUSH_S:
            self._flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._show({})

    def whole(self) -> dict[str, Any]:
        """All that was shown so far, as one piece."""
        return self._piece(0, self._text)

    def _flush(self) -> None:
        self._told = time.monotonic()
        at, new = self._at, self._new
        self._text, self._at, self._new = self._text + new, at + _units(new), ""
        self._show(self._piece(at, new))

    def _piece(self, at: int, text: str) -> dict[str, Any]:
        return {**self._about, "at": at, "text": text, "tokens": self.count}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
