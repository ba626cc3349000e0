"""What occlusion has found so far: kept row by row, so that cancelled work leaves a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.importance.sampled.alternatives import Alternative
from cotlens.measure.importance.shared.table import CANCELLED

NAN = float("nan")


class OcclusionRows:
    """The metric of every row after its edit, and why some have none.

    Args:
        count: how many rows there are.
        measured: the status of rows that were measured: "exact", or "ok" where something was drawn.
    """

    def __init__(self, count: int, measured: str = "exact") -> None:
        self.baseline, self._off = NAN, 0.0
        self.after = np.full(count, NAN)
        self._measured = measured
        self._reasons: dict[int, str] = {}
        self._swaps: dict[int, Alternative] = {}
        self._surprise = np.full(count, NAN)
        self._error = np.zeros(count)

    def skip(self, reasons: Mapping[int, str]) -> None:
        """Rows that are not to be measured, and why."""
        self._reasons.update(reasons)

    def set_alternatives(self, swaps: Mapping[int, Alternative]) -> None:
        """What is to stand in place of rows; rows without an alternative are skipped."""
        self._swaps.update(swaps)
        self.skip({row: swap.status for row, swap in swaps.items() if swap.status})

    def alternative(self, row: int) -> Alternative:
        """What is to stand in place of a row."""
        return self._swaps[row]

    @property
    def pending(self) -> list[int]:
        """Rows that are to be measured and aren't yet."""
        return [row for row in np.flatnonzero(np.isnan(self.after)).tolist() if row not in self._reasons]

    def record(self, row: int, value: float, error: float, logprobs: NDArray[np.float32]) -> None:
        """The metric of a row after its edit, by how much it may be off, and the log-probabilities of what was run."""
        self.after[row], self._error[row] = value, error
        if row in self._swaps:
            # What was run is the swapped tokens, then the answer that is forced after them.
            self._surprise[row] = -float(logprobs[: len(self._swaps[row].tokens)].mean())

    def set_baseline(self, value: float, error: float) -> None:
        """The metric before any edit, and by how much it may be off."""
        self.baseline, self._off = value, error

    @property
    def errors(self) -> NDArray[np.float64]:
        """By how much each effect may be off."""
        return self._error + self._off

    @property
    def effects(self) -> NDArray[np.float64]:
        """Before less after, NaN where unmeasured."""
        return self.baseline - self.after

    @property
    def status(self) -> list[str]:
        """Of every row: measured, or why not."""
        measured = np.isfinite(self.after)
        return [self._measured if ok else self._reasons.get(row, CANCELLED) for row, ok in enumerate(measured.tolist())]

    def columns(self) -> dict[str, Any]:
        """What was put in place of each row and how surprising it is; nothing where nothing was swapped."""
        if not self._swaps:
            return {}
        swaps = [self._swaps.get(row) for row in range(len(self.after))]
        return {
            "alternative": ["" if swap is None else swap.text for swap in swaps],
            "surprise": self._surprise.copy(),
            "surprise_was": np.array([NAN if swap is None else swap.surprise_was for swap in swaps]),
        }

    def extras(self) -> dict[str, Any]:
        """The metric before and after, and the tokens that were put in place of rows."""
        found: dict[str, Any] = {"baseline": np.array([self.baseline]), "hidden": self.after.copy()}
        if self._swaps:
            found["alternatives"] = [
                list(self._swaps[row].tokens) if row in self._swaps else [] for row in range(len(self.after))
            ]
        return found
