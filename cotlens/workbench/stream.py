"""Text that is being written right now, sent to the view in batches."""

from __future__ import annotations

import time

from cotlens.trace import Trace
from cotlens.widgets.editor import EditorView
from cotlens.widgets.utf16 import to_utf16

FLUSH_S = 0.07


class Stream:
    """Collects tokens as they are written and shows them at most fifteen times a second.

    Args:
        edited: the trace that is resumed; the text shown begins with its new words.
        request_id: the request that this answers.
    """

    def __init__(self, view: EditorView, edited: Trace, request_id: int) -> None:
        edit = edited.edit
        start = edit.start if edit is not None else len(edited.text)
        self._view, self._id = view, request_id
        self._from = int(to_utf16(edited.text, [min(start, len(edited.text))])[0])
        self._text = edit.new if edit is not None else ""
        self._shown = 0.0
        self._flush()

    def add(self, _: int, piece: str) -> None:
        """One more token."""
        self._text += piece
        if time.monotonic() - self._shown >= FLUSH_S:
            self._flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._view.stream = {}

    def _flush(self) -> None:
        self._shown = time.monotonic()
        self._view.stream = {"request_id": self._id, "from": self._from, "text": self._text}
