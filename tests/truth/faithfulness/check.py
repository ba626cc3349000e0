"""A sample of the confusion matrix, measured again: does the battery still say of these cells what is recorded?"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.truth.check import Checked
from tests.truth.faithfulness.cells import CELLS
from tests.truth.faithfulness.run import kept, measured

SAMPLE = 2  # cells; each takes some 15 seconds
ALLOWED = 0.1  # of a share: rollouts that part at a rounding error go on differently


def verdicts(seed: int = 0, most: int = SAMPLE) -> Iterator[Checked]:
    """Some of the cells, again with all of their problems."""
    cells = kept()
    for key in random.Random(seed).sample(sorted(cells), min(most, len(cells))):
        (cell,) = (one for one in CELLS if key.startswith(f"{one.key}, seed "))
        found = re.search(r", seed (\d+), n (\d+)\Z", key)
        assert found is not None
        now = measured(cell, int(found[2]), int(found[1]))
        yield Checked("battery", key, off(cells[key], now))


def off(stored: dict[str, Any], now: dict[str, Any]) -> float:
    """The largest difference of a signature as a share of what is allowed; without end where the verdict is another."""
    if stored["verdict"] != now["verdict"] or stored["rows"].keys() != now["rows"].keys():
        return np.inf
    pairs = [(stored["rows"][name][0], now["rows"][name][0]) for name in stored["rows"]]
    if any((before is None) != (after is None) for before, after in pairs):
        return np.inf
    return float(max(abs(before - after) for before, after in pairs if before is not None) / ALLOWED)
