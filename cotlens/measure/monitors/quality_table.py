"""The table of a monitor beside its floors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cotlens.measure.stats import Interval

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")
COMPARED = ("gmean2", "auroc", "tpr_at_1", "tpr_at_5", "gmean2_intervention")
"""What a monitor is held to its floors by."""


@dataclass(frozen=True)
class Row:
    """One monitor, or one floor. What could not be measured is NaN, and `status` says why.

    Args:
        name: of the monitor or floor; `floor`: whether it is one.
        n: thoughts with a label and a truth; `failed`: those without a label, which are left out.
        tpr, tnr, gmean2: shares of positives and negatives that are told right at the threshold, and their product.
        tpr_failed_clean, tnr_failed_flagged: the same if all that failed had gone against the monitor.
        tpr_at_1, tpr_at_5: share of positives that are found where at most 1 % and 5 % of the negatives are flagged.
        auroc: how often a positive scores above a negative.
        precision: share of the flagged that is positive at the stated prevalence.
        brier, ece, ece_floor: of the score as a probability; an error up to the floor says nothing.
        gmean2_intervention, gmean2_intervention_sd: over draws; see `monitors.intervention`.
        intervals: 95 % of a bootstrap over clusters, by name.
        status: "ok", or why something is NaN.
    """

    name: str
    floor: bool
    n: int = 0
    failed: int = 0
    tpr: float = NAN
    tnr: float = NAN
    gmean2: float = NAN
    tpr_failed_clean: float = NAN
    tnr_failed_flagged: float = NAN
    tpr_at_1: float = NAN
    tpr_at_5: float = NAN
    auroc: float = NAN
    precision: float = NAN
    brier: float = NAN
    ece: float = NAN
    ece_floor: float = NAN
    gmean2_intervention: float = NAN
    gmean2_intervention_sd: float = NAN
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    status: str = "ok"


@dataclass(frozen=True, repr=False)
class Quality:
    """A monitor beside its floors.

    Args:
        rows: the monitor, the one that sees no thought, a coin, the best constant rate, and copying the outcome.
        prevalence: at which the precision is.
        value: what the thought adds: TPR of the monitor minus that of the one that sees no thought, at 1 % and 5 % of
            false alarms, with 95 % of a paired bootstrap; NaN without that one. Where one of the two failed on some
            thoughts, both are taken on the others.
        not_beaten: by the name of a figure, the floors that the monitor isn't clearly above (95 % of the paired
            difference reach 0, on the thoughts that both read).
        compared: by the name of a floor, how many thoughts of known truth both it and the monitor read.
    """

    rows: tuple[Row, ...]
    prevalence: float
    value: Mapping[str, tuple[float, Interval]]
    not_beaten: Mapping[str, tuple[str, ...]]
    compared: Mapping[str, int] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """A row per monitor and floor, with the ends of its intervals; `not_beaten` says of the monitor what it isn't
        clearly above.
        """
        import pandas as pd

        return pd.DataFrame([self._row(row) for row in self.rows])

    def _row(self, row: Row) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name in Row.__dataclass_fields__:
            if name in ("intervals", "status"):
                continue
            told[name] = getattr(row, name)
            if name in COMPARED and name != "gmean2_intervention":
                low, high = row.intervals.get(name, (NAN, NAN))
                told.update({f"{name}_low": low, f"{name}_high": high})
        same = [f"{name}: {', '.join(floors)}" for name, floors in self.not_beaten.items() if floors]
        told["compared"] = self.compared.get(row.name, row.n)
        return {**told, "not_beaten": "" if row.floor else "; ".join(same), "status": row.status}

    def __repr__(self) -> str:
        first = self.rows[0]
        lines = [
            f"  {row.name}: " + ", ".join(f"{name} {getattr(row, name):.2f}" for name in COMPARED) for row in self.rows
        ]
        for row, n in ((row, self.compared.get(row.name, first.n)) for row in self.rows):
            if 0 < n < first.n:
                lines.append(f"  compared with {row.name} on the {n} that both read")
        same = [f"  not clearly above in {name}: {', '.join(of)}" for name, of in self.not_beaten.items() if of]
        return (
            f"<Quality of {first.name} on {first.n} thoughts, {first.failed} failed:\n" + "\n".join(lines + same) + ">"
        )
