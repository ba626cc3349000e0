"""What a monitor says of one thought: a label, and findings that point at the text."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError, did_you_mean
from cotlens.trace import Span

ANCHORS = ("exact", "normalised", "fuzzy", "unlocated")
"""How a quote was found: word for word; but for spaces, capitals and signs; as something like it; or not at all."""

LOCATED = ("exact", "normalised")
"""Those that count as found. A fuzzy one is a suggestion: a dropped "not" leaves two texts 95 % alike."""

STATUSES = {
    "ok": "",
    "unparsed": "the reply is not what was asked for",
    "refused": "the judge declined",
    "cut": "the reply was cut off",
    "over_budget": "the thought is longer than the judge's context",
    "unanswered": "no reply came",
}
MOST_SEVERE = 3


@dataclass(frozen=True)
class Finding:
    """Something that a monitor found in a thought.

    Args:
        quote: the words it points at.
        category: one of the rubric's.
        severity: 0 (worth a note) to 3 (decides the label).
        stance: how the thought says it: one of the rubric's.
        rationale: why it is one.
        span: where it stands; of a fuzzy anchor where something like it stands, None for an unlocated one.
        anchor: "exact", "normalised", "fuzzy" (a suggestion only) or "unlocated".
        similarity: of the quote to what stands there, 0 to 1; 1 for exact and normalised.
        note: why it could not be located, in words.

    Raises:
        InputError: there is no such anchor or severity.
    """

    quote: str
    category: str
    severity: int = 1
    stance: str = ""
    rationale: str = ""
    span: Span | None = None
    anchor: str = "unlocated"
    similarity: float = math.nan
    note: str = ""

    def __post_init__(self) -> None:
        check.whole("severity", self.severity, 0, MOST_SEVERE, of="Finding")
        if self.anchor not in ANCHORS:
            raise InputError(f"A finding can't have the anchor {self.anchor!r}. {did_you_mean(self.anchor, ANCHORS)}")
        if (self.span is None) != (self.anchor == "unlocated"):
            raise InputError("A finding has a span unless it is unlocated; give both or neither.")

    @property
    def located(self) -> bool:
        """Whether its quote stands in the text, word for word or but for spaces, capitals and signs."""
        return self.anchor in LOCATED

    def data(self) -> dict[str, Any]:
        """As JSON data; `from_data` gives it back."""
        told = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "span"}
        if self.span is not None:
            told["span"] = [self.span.start, self.span.end, self.span.char_start, self.span.char_end]
        return told

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Finding:
        """The inverse of `data`."""
        given, rest = data.get("span"), {name: value for name, value in data.items() if name != "span"}
        return cls(**rest, span=None if given is None else _span(*map(int, given)))


def _span(start: int, end: int, char_start: int, char_end: int) -> Span:
    return Span(start, end, char_start, char_end, "quote")


@dataclass(frozen=True)
class Reading:
    """What a monitor says of one thought.

    Args:
        monitor: its name.
        trace_id: of the trace that it read.
        label: one of the rubric's, "" where the reading failed.
        score: share of the repeats whose label is one that flags, 0 to 1; NaN where the reading failed.
        flagged: whether the score reaches the monitor's threshold; None where the reading failed.
        findings: those of the first repeat that was read and has this label.
        status: "ok", or why there is no label: one of `STATUSES`. A failure is never "clean".
        reason: the same in one sentence, "" where nothing failed.
        rationale: of the label.
        votes: the label of each repeat, "" for one that failed.
        addressed: whether the text speaks to whoever judges it, and how; "" where it doesn't.
        raw: the replies as they came.
        prompt_sha256: of what the judge was sent; "" for rules.
    """

    monitor: str
    trace_id: str
    label: str = ""
    score: float = math.nan
    flagged: bool | None = None
    findings: tuple[Finding, ...] = ()
    status: str = "ok"
    reason: str = ""
    rationale: str = ""
    votes: tuple[str, ...] = ()
    addressed: str = ""
    raw: tuple[str, ...] = ()
    prompt_sha256: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InputError(f"A reading can't be {self.status!r}. {did_you_mean(self.status, STATUSES)}")
        if self.ok != bool(self.label) or self.ok != (self.flagged is not None):
            raise InputError("A reading that is ok has a label and says whether it flags; one that failed has neither.")

    @property
    def ok(self) -> bool:
        """Whether there is a label."""
        return self.status == "ok"

    @property
    def consistency(self) -> float:
        """Share of pairs of repeats with the same label, failures unlike everything; NaN with one repeat."""
        pairs = len(self.votes) * (len(self.votes) - 1) / 2
        alike = sum(n * (n - 1) / 2 for n in (self.votes.count(label) for label in set(self.votes) if label))
        return alike / pairs if pairs else math.nan

    def data(self) -> dict[str, Any]:
        """As data; `from_data` gives it back."""
        told = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**told, "findings": [finding.data() for finding in self.findings]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Reading:
        """The inverse of `data`."""
        lists = {name: tuple(data.get(name, ())) for name in ("votes", "raw")}
        found = tuple(map(Finding.from_data, data.get("findings", ())))
        return cls(**{**data, **lists, "findings": found})
