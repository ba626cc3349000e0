"""The progress bar of work that was started from a script or a cell and that nobody else shows."""

from __future__ import annotations

import sys
import time
from typing import Any

PATIENCE_S = 1.0  # quicker work shows no bar


class Bar:
    """A bar on stderr (a widget in notebooks), drawn once work has gone on for a second, gone when it ends."""

    def __init__(self) -> None:
        self._label, self._began = "", 0.0
        self._drawn: Any = None

    def report(self, done: int, total: int | None, label: str) -> None:
        """Show `done` of `total`; a new label, or `done` of 0, begins a new bar."""
        if label != self._label or done == 0:
            self._close()
            self._label, self._began = label, time.monotonic()
        if self._drawn is None and total and done < total and time.monotonic() - self._began > PATIENCE_S:
            self._drawn = _tqdm()(total=total, desc=label, leave=False, file=sys.stderr)
        if self._drawn is not None:
            self._drawn.update(done - self._drawn.n)
            if done == total:
                self._close()

    def _close(self) -> None:
        if self._drawn is not None:
            self._drawn.close()
        self._drawn, self._label = None, ""


def _tqdm() -> Any:
    from tqdm.auto import tqdm

    return tqdm
