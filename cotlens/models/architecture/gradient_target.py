"""What a gradient is taken of: a metric of an answer, and the tokens it is read off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GradientTarget:
    """A metric of an answer, and the sequence it is read off.

    Args:
        ids: int64 [b, q]: the sequence, then tokens after which it is asked whether the value has ended.
        positions: int64 [q].
        visible: bool [q, q], who sees whom; None for what came before.
        n: tokens of text and answer.
        first: the first of them that is scored.
        ask: what `tracing.gradients` is asked: "metric", "targets", and of the ending "sets", "pending" and "places".
    """

    ids: Tensor
    positions: NDArray[np.int64]
    visible: Tensor | None
    n: int
    first: int
    ask: dict[str, Any]

    @property
    def keep(self) -> NDArray[np.int64]:
        """Rows of logits that are wanted: the last one only where something is asked after the answer."""
        return np.arange(self.first - 1, self.ids.shape[1] - (not self.ask["sets"]))
