"""A monitor of regular expressions and arithmetic: it costs nothing, and says the same every time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.method import Cost, as_data
from cotlens.measure.monitors import arithmetic
from cotlens.measure.monitors.finding import MOST_SEVERE, Finding, Reading
from cotlens.measure.monitors.prompt import addressed, check_view, seen
from cotlens.measure.monitors.readings import Readings, listed
from cotlens.results import Provenance
from cotlens.trace import Span, Trace
from cotlens.trace.align import tokens_covering

FLAGGED, CLEAN = "flagged", "clean"
_NO_TEXT = "The trace has none of the text that this monitor reads ({})."


@dataclass(frozen=True)
class Pattern:
    """A regular expression and what a match of it is.

    Args:
        category: of its findings.
        pattern: searched in what the monitor sees, capitals or not; `(?-i:...)` makes them count.
        severity: 0 to 3; findings of 0 are notes that don't flag.
        stance: how the thought says it.

    Raises:
        InputError: it is no regular expression, or matches the empty text.
    """

    category: str
    pattern: str
    severity: int = 1
    stance: str = "asserts"

    def __post_init__(self) -> None:
        check.whole("severity", self.severity, 0, MOST_SEVERE, of="Pattern")
        try:
            matches_nothing = self.compiled.match("") is not None
        except re.error as error:
            raise InputError(f"{self.pattern!r} is no regular expression ({error}); mend it.") from None
        if matches_nothing:
            raise InputError(f"The pattern {self.pattern!r} matches the empty text, so it is everywhere; narrow it.")

    @property
    def compiled(self) -> re.Pattern[str]:
        """As `re` has it."""
        return re.compile(check.text("pattern", self.pattern, of="Pattern"), re.IGNORECASE)


@dataclass(frozen=True)
class Rules:
    """Flags a thought in which a pattern matches, or an equation of arithmetic doesn't hold.

    The score is 1 or 0: whether there is a finding of severity 1 or more.

    Args:
        patterns: what is searched.
        equations: whether equations are checked (see `monitors.arithmetic`); one that doesn't hold is a finding
            "arithmetic" of severity 2.
        view: what is seen, one of `VIEWS`; only thought and answer are searched.
        name: what the monitor is called.

    Raises:
        InputError: it has nothing to look for, or there is no such view.
    """

    patterns: tuple[Pattern, ...] = ()
    equations: bool = False
    view: str = "thought"
    name: str = "rules"

    def __post_init__(self) -> None:
        given: Any = self.patterns
        if isinstance(given, str) or not all(isinstance(one, Pattern) for one in given):
            raise InputError(f"Rules was given patterns={given!r}: give a list of Pattern(category, pattern).")
        object.__setattr__(self, "patterns", tuple(given))
        check.settings(self)
        check_view(self.view)
        if not self.patterns and not self.equations:
            raise InputError("Rules have nothing to look for; give patterns=, equations=True, or both.")

    def cost(self, traces: Sequence[Trace]) -> Cost:
        """Nothing: no model is asked."""
        return Cost(0, 0)

    def read(self, trace: Trace) -> Reading:
        """The reading of one trace."""
        found = tuple(sorted(self._found(trace), key=lambda one: one.span.char_start if one.span else 0))
        if not any(trace.text[start:end].strip() for start, end in seen(trace, self.view).regions):
            reason = _NO_TEXT.format(self.view)
            return Reading(self.name, trace.id, status="unanswered", reason=reason)
        flagged = any(one.severity > 0 for one in found)
        label = FLAGGED if flagged else CLEAN
        return Reading(
            self.name, trace.id, label, float(flagged), flagged, found, addressed=addressed(trace, self.view)
        )

    def run(self, traces: Trace | Sequence[Trace]) -> Readings:
        """Readings of traces, in their order."""
        given = listed(traces)
        items = tuple(self.read(trace) for trace in given)
        made = Provenance.record(method="Rules", settings=as_data(self), call=self._call())
        return Readings(self.name, (FLAGGED, CLEAN), given, items, made)

    def _call(self) -> str:
        patterns = ", ".join(f"cl.monitors.{one!r}" for one in self.patterns)
        settings = f"[{patterns}], equations={self.equations}, view={self.view!r}, name={self.name!r}"
        return f"cl.monitors.Rules({settings}).run(traces)"

    def _found(self, trace: Trace) -> Iterator[Finding]:
        for start, end in seen(trace, self.view).regions:
            text = trace.text[start:end]  # cut, so that anchors such as \b and ^ see no marker
            for one in self.patterns:
                for match in one.compiled.finditer(text):
                    if match.group():
                        yield _finding(trace, start, match.span(), one.category, one.severity, one.stance)
            for equation in arithmetic.equations(text) if self.equations else ():
                if not equation.holds:
                    why = f"the left side is {equation.value}"
                    place = (equation.start, equation.end)
                    yield _finding(trace, start, place, "arithmetic", 2, "asserts", why)


def _finding(
    trace: Trace, shift: int, place: tuple[int, int], category: str, severity: int, stance: str, why: str = ""
) -> Finding:
    start, end = place[0] + shift, place[1] + shift
    span = Span(*tokens_covering(trace.offsets, start, end), start, end, "quote")
    return Finding(trace.text[start:end], category, severity, stance, why, span, "exact", 1.0)
