"""What came back of a survey: one table, with a row of its own for each cell that failed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cotlens.measure.survey.plan import Cell, Plan
from cotlens.measure.survey.worker import CellOutcome
from cotlens.results import Provenance, Result
from cotlens.results.result import from_data
from cotlens.results.table import COLUMNS
from cotlens.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

NOT_RUN = "not run: the survey was stopped before"


@dataclass(frozen=True, repr=False)
class Surveyed:
    """The outcomes of a plan. Results stay in the store until they are looked at.

    Args:
        plan: what was surveyed.
        outcomes: number of a cell -> what became of it.
        store: that holds the results.
    """

    plan: Plan
    outcomes: Mapping[int, CellOutcome]
    store: Any

    def __len__(self) -> int:
        return len(self.plan)

    def __repr__(self) -> str:
        stored = sum(one.stored for one in self.outcomes.values())
        return f"<survey: {len(self)} cells, {stored} of them from the store, {len(self.failures)} without a result>"

    @property
    def failures(self) -> dict[int, str]:
        """Number of a cell -> why it has no result."""
        told = {cell.number: self._outcome(cell).status for cell in self.plan.cells()}
        return {number: status for number, status in told.items() if status != "ok"}

    def result(self, number: int) -> Result | None:
        """The result of a cell, as its method returned it; None where it failed."""
        outcome = self.outcomes.get(number)
        found = self.store.find_cell(bytes.fromhex(outcome.key)) if outcome is not None and outcome.key else None
        return None if found is None else from_data(json.loads(found), f"Cell {number} of {self.store.path}")

    @property
    def results(self) -> Iterator[Result | None]:
        """The results of all cells in their order, read from the store one by one."""
        return (self.result(number) for number in range(len(self)))

    def table(self) -> Result:
        """All results as one: the rows of every cell, and for each that failed one row with the reason.

        Columns beside those of any result: `cell`, `trace` (id, or number of a prompt), `method`, `model`, `seed`,
        `metric`, `scale_unit`, `tries`. The extras hold `cells`, the provenance of each; None where it failed.
        """
        columns: dict[str, list[Any]] = {name: [] for name in (*COLUMNS, *_ABOUT)}
        provenances: list[Any] = []
        for cell in self.plan.cells():
            result = self.result(cell.number)
            provenances.append(None if result is None else result.provenance.data())
            for name, values in self._rows(cell, result).items():
                columns[name] += values
        settings = {"cells": len(self), "methods": [type(method).__name__ for method in self.plan.methods]}
        return Result(
            kind="survey",
            method="Survey",
            metric="of each row: see the column metric",
            unit="cell",
            columns=columns,
            sign="of each row: as its method says",
            zero="as its method says",
            scale_unit="see the column scale_unit",
            provenance=Provenance.record(method="Survey", settings=settings),
            extras={"cells": provenances},
        )

    def frame(self) -> pd.DataFrame:
        """`table()` as a pandas frame."""
        return self.table().frame()

    def _outcome(self, cell: Cell) -> CellOutcome:
        return self.outcomes.get(cell.number, CellOutcome(cell.number, status=NOT_RUN, tries=0))

    def _rows(self, cell: Cell, result: Result | None) -> dict[str, list[Any]]:
        if result is None:
            nan, status = math.nan, self._outcome(cell).status
            given: dict[str, list[Any]] = dict(zip(COLUMNS, ([one] for one in _FAILED), strict=True))
            given |= {"estimate": [nan], "low": [nan], "high": [nan], "status": [status]}
        else:
            given = {name: result.columns[name].tolist() for name in COLUMNS}
        count = len(given["estimate"])
        told = (
            cell.number,
            cell.source.id if isinstance(cell.source, Trace) else f"prompt {self.plan.prompts.index(cell.source)}",
            cell.method["method"],
            cell.model["name"],
            cell.seed,
            "" if result is None else result.metric,
            "" if result is None else result.scale_unit,
            self._outcome(cell).tries,
        )
        return {**given, **{name: [one] * count for name, one in zip(_ABOUT, told, strict=True)}}


_ABOUT = ("cell", "trace", "method", "model", "seed", "metric", "scale_unit", "tries")
_FAILED = ("cell", 0, 0, "", math.nan, math.nan, math.nan, 0, "")
