"""Units that stood out, measured again on rollouts of their own: what was large by luck falls back.

The largest of many estimates is too large on average: at n = 30, jumps of .25 that were called significant averaged
.41. An estimate from fresh rollouts of the units that were chosen has no such bias, for it was not chosen by its size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cotlens.measure.importance.sampled.effects import Effect
from cotlens.measure.importance.sampled.settings import Sampled
from cotlens.measure.importance.sampled.table import significant

Remeasure = Callable[[Sequence[int]], Sequence[Effect]]
"""From rows to their effects, measured on fresh rollouts."""


class Confirmation:
    """The second effects of those units that `method.confirm` asks for.

    Args:
        count: how many units there are.
    """

    def __init__(self, method: Sampled, count: int) -> None:
        self._method, self._count = method, count
        self._found: dict[int, Effect] = {}

    def run(self, effects: Sequence[Effect], afresh: Remeasure) -> None:
        """Measure again what stands out among `effects`."""
        rows = self.chosen(effects)
        if rows:
            self._found = dict(zip(rows, afresh(rows), strict=True))

    def chosen(self, effects: Sequence[Effect]) -> list[int]:
        """The rows that are measured again: the significant ones, or those with the largest estimates; in order."""
        confirm = self._method.confirm
        if confirm is True:
            return np.flatnonzero(significant([one.p_value for one in effects])).tolist()
        sizes = np.abs([one.estimate for one in effects])
        largest = np.argsort(-np.nan_to_num(sizes, nan=-1.0), kind="stable")[: int(confirm)]
        return sorted(int(row) for row in largest if np.isfinite(sizes[row]))

    def columns(self) -> dict[str, Any]:
        """`confirmed` with its interval and n; NaN and 0 for units that were not measured again."""
        if not self._method.confirm:
            return {}
        rows = [self._found.get(row, Effect()) for row in range(self._count)]
        return {
            "confirmed": np.array([one.estimate for one in rows], dtype=np.float64),
            "confirmed_low": np.array([one.low for one in rows], dtype=np.float64),
            "confirmed_high": np.array([one.high for one in rows], dtype=np.float64),
            "confirmed_n": np.array([one.n for one in rows], dtype=np.int32),
            "confirmed_status": [
                one.status if row in self._found else "not drawn again" for row, one in enumerate(rows)
            ],
        }
