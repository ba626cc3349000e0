"""How far two assignments of categories agree beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.categories.tags import CATEGORIES, Tags
from cotlens.measure.stats.raters import kappa, of_one_label

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 2000


@dataclass(frozen=True, repr=False)
class Agreement:
    """Cohen's kappa of two assignments of categories to the same sentences.

    Args:
        kappa: (observed - expected) / (1 - expected), where `expected` is what two would share who assign categories as
            often as these do, but at random; 1 is agreement, 0 chance. NaN where both know one category only.
        low, high: 95 % of a bootstrap over sentences; sentences of one thought are no independent draws, so it is
            rather too narrow. NaN where one knows one category only.
        observed: share of sentences with the same category.
        n: sentences.
        table: int64 [9, 9], how often the first said a category (row) where the second said another (column).
        status: "ok", or why there is no interval.
    """

    kappa: float
    low: float
    high: float
    observed: float
    n: int
    table: NDArray[np.int64]
    status: str = "ok"

    def frame(self) -> pd.DataFrame:
        """The table, with names."""
        import pandas as pd

        return pd.DataFrame(self.table, index=list(CATEGORIES), columns=list(CATEGORIES))

    def __repr__(self) -> str:
        interval = f"[{self.low:.2f}, {self.high:.2f}]"
        why = "" if self.status == "ok" else f" ({self.status})"
        return f"<Agreement kappa {self.kappa:.2f} {interval}{why}, {self.observed:.0%} of {self.n} sentences alike>"


def agreement(first: Tags | Sequence[Tags], second: Tags | Sequence[Tags], *, seed: int = 0) -> Agreement:
    """Cohen's kappa (1960) between two assignments, of one thought or of several pooled.

    Raises:
        InputError: they are of different sentences, or of none.
    """
    pairs = list(zip(_listed(first), _listed(second), strict=False))
    if len(_listed(first)) != len(_listed(second)) or any(one.spans != two.spans for one, two in pairs):
        raise InputError("Agreement needs two assignments of the same sentences; these are of different ones.")
    index = {name: place for place, name in enumerate(CATEGORIES)}
    said = [both for one, two in pairs for both in zip(one.categories, two.categories, strict=True)]
    codes = np.array([[index[a], index[b]] for a, b in said])
    if not len(codes):
        raise InputError("There are no sentences to agree on; give thoughts that have some.")
    table, rng = _table(codes), np.random.default_rng(check.seed(seed))
    observed, why = float(np.trace(table) / len(codes)), of_one_label(table)
    drawn = [] if why else [kappa(_table(codes[rng.integers(len(codes), size=len(codes))])) for _ in range(DRAWS)]
    known = np.array([float(value) for value in drawn if value == value])
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
    return Agreement(float(kappa(table)), float(low), float(high), observed, len(codes), table, why or "ok")


def _listed(tags: Tags | Sequence[Tags]) -> Sequence[Tags]:
    return [tags] if isinstance(tags, Tags) else list(tags)


def _table(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    found = np.zeros((len(CATEGORIES), len(CATEGORIES)), np.int64)
    np.add.at(found, (codes[:, 0], codes[:, 1]), 1)
    return found
