"""From readings to what the panel shows, and from a person's labels back to what can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import traitlets as t

from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure.monitors import Finding, Reading, Readings
from cotlens.results.code import making_all, script
from cotlens.results.summary import escaped, fitted, table
from cotlens.trace import Span, Trace
from cotlens.widgets.monitor_panel import MonitorPanelView
from cotlens.widgets.protocol.monitor_panel import Panel, PanelFinding, PanelReading, PanelThought
from cotlens.widgets.shared.encoding import to_utf16

if TYPE_CHECKING:
    import pandas as pd

MOST = 2000
"""Thoughts that a panel shows."""


class MonitorPanel(MonitorPanelView):
    """Thoughts as rows, what monitors found on their text, and a person's own label beside theirs.

        panel = cl.MonitorPanel(readings, others)  # one monitor, or two side by side
        panel.own                                  # your labels in the order of the readings, None where there is none
        cl.monitors.agreement([readings, panel.own])

    What the two disagree on stands first, then what one of them could not read. The number keys give a label.

    Args:
        first, second: readings of the same thoughts.
        labels: yours so far, by trace id; of thoughts that are alike to the last word, and so have one id, the second
            is "id #2", and so on. Can be set later, too.

    Raises:
        InputError: the readings are of different thoughts, of none or of more than 2,000, or a label is none of theirs,
            or of a thought that isn't among them.
        WidgetsNotBuilt: the front end was not built.
    """

    def __init__(
        self, first: Readings, second: Readings | None = None, *, labels: Mapping[str, str] | None = None, **traits: Any
    ) -> None:
        given = [first] if second is None else [first, second]
        _check(given)
        self.readings = tuple(given)
        super().__init__(panel=payload(given), labels=dict(labels or {}), **traits)
        self._write_code()
        self.observe(self._write_code, "labels")

    @property
    def own(self) -> list[str | None]:
        """A person's labels in the order of the readings; None where none was given."""
        return [self.labels.get(key) for key in _keys(self.readings[0])]

    def _write_code(self, _: Any = None) -> None:
        """Python that reads the thoughts again, and shows it beside the labels."""
        traces = self.readings[0].traces
        calls = [one.provenance.call or f"# {one!r}: by {one.provenance.method}" for one in self.readings]
        said = f", labels={dict(self.labels)!r}" if self.labels else ""
        self.code = script(
            *making_all(traces),
            *(f"{name} = {call}" for name, call in zip(("readings", "others"), calls, strict=False)),
            f"cl.MonitorPanel(readings{', others' if len(calls) > 1 else ''}{said})",
        )

    def frame(self) -> pd.DataFrame:
        """A row per thought: trace_id, the label of each monitor ("" where it failed), and own."""
        import pandas as pd

        names = self.panel["monitors"]
        said = {name: [one.label for one in found] for name, found in zip(names, self.readings, strict=True)}
        return pd.DataFrame({"trace_id": [one.trace_id for one in self.readings[0]], **said, "own": self.own})

    def summary(self, *, markdown: bool = False) -> str:
        """How often each label was given, and what was said of each thought, disagreements first."""
        say = escaped if markdown else str
        thoughts, names = self.panel["thoughts"], self.panel["monitors"]
        counts = [
            f"{say(name)}: {', '.join(f'{count} {say(label)}' for label, count in Counter(labels).most_common())}"
            for name, labels in zip(names, zip(*map(_said, thoughts), strict=True), strict=True)
        ]
        cells = ((one["id"], *_said(one), *self._found(one)) for one in thoughts)
        columns, rows = table(["thought", *map(say, names), "found", "quote"], cells, say)
        head = [f"**MonitorPanel**, {len(thoughts)} thoughts", *counts, "", *columns]
        rest = "panel.frame() has a row for each, panel.readings the findings with their reasons, panel.own your labels"
        return fitted(head, rows, lambda shown: f"{shown} of {len(thoughts)} thoughts; {rest}")

    @t.validate("labels")
    def _known(self, proposal: Any) -> dict[str, str]:
        """The labels, each one of these for a thought that is shown."""
        keys, labels = [one["key"] for one in self.panel["thoughts"]], self.panel["labels"]
        for key, label in proposal.value.items():
            if key not in keys:
                raise InputError(f"No thought of this panel is {key!r}; give labels by the trace ids of the readings.")
            if label not in labels:
                raise InputError(f"There is no label {label!r}. {did_you_mean(str(label), labels)}")
        return dict(proposal.value)

    def _found(self, thought: PanelThought) -> tuple[int, str]:
        found = thought["findings"]
        return len(found), found[0]["quote"] if found else ""

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget."""
        return f"<CoTLens monitor panel: {' and '.join(self.panel['monitors'])} on {len(self.readings[0])} thoughts>"


def _said(thought: PanelThought) -> list[str]:
    """The label of each monitor; of one that failed, why."""
    return [one["label"] or f"failed: {one['reason']}" for one in thought["readings"]]


def _keys(readings: Readings) -> list[str]:
    """What each thought's label is kept by: its id, with a number where others before it have the same."""
    count: Counter[str] = Counter()
    keys = []
    for one in readings:
        count[one.trace_id] += 1
        times = count[one.trace_id]
        keys.append(one.trace_id if times == 1 else f"{one.trace_id} #{times}")
    return keys


def payload(given: list[Readings]) -> Panel:
    """What the front end is told; what monitors disagree on stands first."""
    first, names = given[0], [one.monitor for one in given]
    if len(names) == 2 and names[0] == names[1]:
        names[1] = f"{names[1]} #2"
    labels = list(dict.fromkeys(label for one in given for label in one.labels))
    order = sorted(range(len(first)), key=lambda at: (_rank([one[at] for one in given]), at))
    keys = _keys(first)
    return {
        "monitors": names,
        "labels": labels,
        "thoughts": [_thought(first.traces[at], keys[at], [one[at] for one in given]) for at in order],
    }


def _rank(readings: list[Reading]) -> int:
    said = {one.label for one in readings}
    failed = any(not one.ok for one in readings)
    return 1 if failed else 0 if len(said) > 1 else 2


def _thought(trace: Trace, key: str, readings: list[Reading]) -> PanelThought:
    """A thought and its answer as one text, with a blank line between."""
    gap = "\n\n" if trace.answer else ""
    text = trace.thought + gap + trace.answer
    shifts: list[tuple[str, Span]] = [
        (role, trace.roles[role]) for role in ("thought", "answer") if role in trace.roles
    ]
    starts = {"thought": 0, "answer": len(trace.thought) + len(gap)}
    places = {role: (span.char_start, span.char_end, starts[role]) for role, span in shifts}
    found = [_finding(one, monitor, text, places) for monitor, each in enumerate(readings) for one in each.findings]
    return {
        "id": trace.id,
        "key": key,
        "text": text,
        "answer": int(to_utf16(text, starts["answer"])),
        "readings": [_reading(one) for one in readings],
        "findings": found,
    }


def _reading(one: Reading) -> PanelReading:
    return {
        "label": one.label,
        "flagged": one.flagged,
        "status": one.status,
        "reason": one.reason,
        "rationale": one.rationale,
    }


def _finding(one: Finding, monitor: int, text: str, places: Mapping[str, tuple[int, int, int]]) -> PanelFinding:
    start = end = -1
    if one.span is not None:
        for low, high, shift in places.values():
            if low <= one.span.char_start and one.span.char_end <= high:
                ends = [one.span.char_start - low + shift, one.span.char_end - low + shift]
                start, end = map(int, to_utf16(text, ends))
    return {
        "monitor": monitor,
        "start": start,
        "end": end,
        "tokens": (0, 0) if one.span is None else (one.span.start, one.span.end),
        "quote": one.quote,
        "category": one.category,
        "severity": one.severity,
        "stance": one.stance,
        "anchor": one.anchor,
        "rationale": one.rationale,
        "note": one.note,
    }


def _check(given: list[Any]) -> None:
    for one in given:
        if not isinstance(one, Readings):
            raise InputError(f"MonitorPanel shows Readings of a monitor; it was given a {type(one).__name__}.")
    if not 0 < len(given[0]) <= MOST:
        raise InputError(f"A panel shows 1 to {MOST} thoughts; these are {len(given[0])}.")
    ids = [[one.trace_id for one in each] for each in given]
    if ids[-1] != ids[0]:
        raise InputError("The two monitors read different thoughts; give readings of the same ones.")
