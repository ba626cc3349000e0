"""The readings of one monitor on many thoughts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cotlens._core import files
from cotlens._core.errors import InputError
from cotlens.measure.monitors.finding import ANCHORS, Reading
from cotlens.results import Provenance
from cotlens.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "cotlens-readings/1"


@dataclass(frozen=True, repr=False)
class Readings(Sequence[Reading]):
    """What one monitor says of n thoughts, in their order.

    Args:
        monitor: its name.
        labels: all it could have said.
        traces: the n traces that were read.
        items: the n readings.
        provenance: the monitor's settings, who judged, and how often.

    Raises:
        InputError: readings and traces don't belong together.
    """

    monitor: str
    labels: tuple[str, ...]
    traces: tuple[Trace, ...]
    items: tuple[Reading, ...]
    provenance: Provenance = field(default_factory=lambda: Provenance("monitor"))

    def __post_init__(self) -> None:
        if [one.trace_id for one in self.items] != [trace.id for trace in self.traces]:
            raise InputError(
                f"{len(self.items)} readings were given with {len(self.traces)} traces that aren't those they are of; "
                "give the traces that were read, in their order."
            )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: Any) -> Any:
        return self.items[at]

    def __iter__(self) -> Iterator[Reading]:
        return iter(self.items)

    def __repr__(self) -> str:
        counts = {name: sum(one.label == name for one in self) for name in self.labels}
        told = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
        return f"<Readings of {len(self)} thoughts by {self.monitor}: {told or 'none read'}, {self.failures} failed>"

    @property
    def failures(self) -> int:
        """How many thoughts have no label."""
        return sum(not one.ok for one in self)

    @property
    def quote_fidelity(self) -> float:
        """Share of all quotes that stand in the text (exact or normalised); NaN without a quote."""
        found = [finding.located for one in self for finding in one.findings]
        return float(np.mean(found)) if found else math.nan

    @property
    def consistency(self) -> float:
        """Mean over thoughts of the share of pairs of repeats with the same label; NaN with one repeat."""
        found = [one.consistency for one in self if not math.isnan(one.consistency)]
        return float(np.mean(found)) if found else math.nan

    def frame(self) -> pd.DataFrame:
        """A row per thought: trace_id, label, score, flagged, status, reason, findings, severity (the greatest),
        unlocated, consistency, addressed, rationale.
        """
        import pandas as pd

        return pd.DataFrame([_row(one) for one in self], columns=list(_row(Reading("", "", "-", flagged=False))))

    def findings(self) -> pd.DataFrame:
        """A row per finding: trace_id, start, end (tokens; -1 where unlocated), quote, category, severity, stance,
        anchor, similarity, rationale, note.
        """
        import pandas as pd

        names = ("quote", "category", "severity", "stance", "anchor", "similarity", "rationale", "note")
        rows = [
            {
                "trace_id": one.trace_id,
                "start": -1 if finding.span is None else finding.span.start,
                "end": -1 if finding.span is None else finding.span.end,
                **{name: getattr(finding, name) for name in names},
            }
            for one in self
            for finding in one.findings
        ]
        return pd.DataFrame(rows, columns=["trace_id", "start", "end", *names])

    def anchors(self) -> dict[str, int]:
        """How many quotes were found in which way."""
        found = [finding.anchor for one in self for finding in one.findings]
        return {anchor: found.count(anchor) for anchor in ANCHORS}

    def save(self, path: files.PathLike) -> None:
        """Write the readings to one JSON file; the traces have files of their own (`Traces.save`).

        Raises:
            InputError: the file can't be written.
        """
        files.write(path, FORMAT, self.data())

    def data(self) -> dict[str, Any]:
        """The readings as JSON data, without the traces; `from_data` gives them back."""
        told = [one.data() for one in self]
        words = {"monitor": self.monitor, "labels": list(self.labels)}
        return dict(files.plain({**words, "items": told, "provenance": self.provenance.data()}, "readings"))

    @classmethod
    def load(cls, path: files.PathLike, traces: Sequence[Trace]) -> Readings:
        """Readings that `save` wrote, with the traces that they are of, in any order and among others.

        Raises:
            InputError: the file is missing, damaged or something else, or one of the traces isn't among those given.
        """
        return cls.from_data(files.read(path, FORMAT, "file of readings"), str(path), traces)

    @classmethod
    def from_data(cls, data: Mapping[str, Any], path: str, traces: Sequence[Trace]) -> Readings:
        """Readings of their data; `path` says where those are from. Raises as `load`."""
        payload = files.revive(dict(data))
        try:
            items = tuple(map(Reading.from_data, payload["items"]))
            monitor, labels = str(payload["monitor"]), tuple(map(str, payload["labels"]))
            provenance = Provenance(**payload["provenance"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} is a damaged file of readings ({error}); save them again.") from error
        known = {trace.id: trace for trace in traces}
        missing = [one.trace_id for one in items if one.trace_id not in known]
        if missing:
            raise InputError(f"{path} has a reading of trace {missing[0]}, which isn't among those given; add it.")
        return cls(monitor, labels, tuple(known[one.trace_id] for one in items), items, provenance)


def listed(traces: Any) -> tuple[Trace, ...]:
    """The traces that a monitor is given, one or several; raises InputError where something else is."""
    given = (traces,) if isinstance(traces, Trace | str) or not isinstance(traces, Iterable) else tuple(traces)
    for number, trace in enumerate(given):
        if not isinstance(trace, Trace):
            raise InputError(f"Item {number} is a {type(trace).__name__}; a monitor reads traces.")
    return given


def untold(value: Any) -> bool:
    """Whether a label, or a truth, says nothing: None, an empty text, or what tables put where nothing is (NaN, NA)."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas' NA is neither equal nor unequal to anything
        return True


def _row(one: Reading) -> dict[str, Any]:
    return {
        "trace_id": one.trace_id,
        "label": one.label,
        "score": one.score,
        "flagged": one.flagged,
        "status": one.status,
        "reason": one.reason,
        "findings": len(one.findings),
        "severity": max((finding.severity for finding in one.findings), default=math.nan),
        "unlocated": sum(not finding.located for finding in one.findings),
        "consistency": one.consistency,
        "addressed": one.addressed,
        "rationale": one.rationale,
    }
