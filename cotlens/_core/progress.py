"""The progress bar of work that was started from a script or a cell and that nobody else shows."""

from __future__ import annotations

import sys
import time
from typing import Any

PATIENCE_S = 1.0  # quicker work shows no bar
DETAIL = ", "
"""What stands in a label between the stage of the work and what changes on the way, such as how much was found."""


def stage(label: str) -> str:
    """The part of a label that stays the same while one count goes on."""
    return label.split(DETAIL, 1)[0]


class Bar:
    """A bar on stderr (a widget in notebooks), drawn once work has gone on for a second, gone when it ends."""

    def __init__(self) -> None:
        self._stage, self._began = "", 0.0
        self._drawn: Any = None

    def report(self, done: int, total: int | None, label: str) -> None:
        """Show `done` of `total`; a new stage, or `done` of 0, begins a new bar."""
        if stage(label) != self._stage or done == 0:
            self._close()
            self._stage, self._began = stage(label), time.monotonic()
        if self._drawn is None and total and done < total and time.monotonic() - self._began > PATIENCE_S:
            self._drawn = _tqdm()(total=total, desc=label, leave=False, file=sys.stderr)
        if self._drawn is not None:
            self._drawn.set_description(label, refresh=False)
            self._drawn.update(done - self._drawn.n)
            if done == total:
                self._close()

    def _close(self) -> None:
        if self._drawn is not None:
            self._drawn.close()
        self._drawn, self._stage = None, ""


def _tqdm() -> Any:
    from tqdm.auto import tqdm

    return tqdm
