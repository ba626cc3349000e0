"""The traits of the monitor panel."""

from __future__ import annotations

from typing import TypedDict


class PanelFinding(TypedDict):
    """A finding of one monitor; characters start..end of the thought's text, -1 where its quote stands nowhere."""

    monitor: int
    start: int
    end: int
    tokens: tuple[int, int]
    """Of the trace, the first and the one after the last; (0, 0) where its quote stands nowhere."""
    quote: str
    category: str
    severity: int
    stance: str
    anchor: str
    rationale: str
    note: str


class PanelReading(TypedDict):
    """What one monitor says; `label` is "" where it failed, and `reason` says why."""

    label: str
    flagged: bool | None
    status: str
    reason: str
    rationale: str


class PanelThought(TypedDict):
    """A thought with its answer, which begins at `answer`; readings stand in the order of the monitors."""

    id: str
    key: str
    """By which a person's label is kept: the id, with a number from the second thought of this id on."""
    text: str
    answer: int
    readings: list[PanelReading]
    findings: list[PanelFinding]


class Panel(TypedDict):
    """One or two monitors on the same thoughts."""

    monitors: list[str]
    labels: list[str]
    thoughts: list[PanelThought]
