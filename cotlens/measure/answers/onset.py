"""From where on something stays: the onset of what a model knows, along the cuts of a thought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def onset(known: NDArray[Any], cuts: Sequence[int]) -> int:
    """The first cut from which on `known` holds at every later one; -1 for none."""
    lost = np.flatnonzero(~np.asarray(known, bool))
    first = int(lost[-1]) + 1 if len(lost) else 0
    return int(cuts[first]) if first < len(cuts) else -1
