"""The truth about a thought, as `label` gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cotlens.organisms.truth import table
from cotlens.organisms.truth.facts import Facts

if TYPE_CHECKING:
    import pandas


class Truth(Facts):
    """The truth about one thought; its parts are described at `Facts`."""

    def frame(self, unit: Literal["sentence", "token"] = "sentence") -> pandas.DataFrame:
        """One row per sentence or token of the thought; see `table.frame` for the columns."""
        return table.frame(self, unit)
