"""What a monitor says of the thoughts of a problem set, and why where it can't say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace import Trace

MADE_UP = "it flags the thought by quotes of which none stands there"
UNSAID = "the function returned None"

Judged = tuple[bool | None, str]
"""Whether a thought is flagged, None where that can't be told; and why it can't, else ""."""


def judged(by: Any, traces: Sequence[Trace]) -> list[Judged]:
    """What a monitor, or a function of a trace, finds in each; a failure is not clean.

    Nor is a flag whose quotes are all made up one: it says something of the judge, and nothing of the thought.

    Raises:
        InputError: a monitor returns something else than a reading of each.
    """
    run: Callable[[Sequence[Trace]], Any] | None = getattr(by, "run", None)
    if run is None:
        found = [by(trace) for trace in traces]
        return [(None, UNSAID) if one is None else (bool(one), "") for one in found]
    given = list(run(traces))
    if len(given) != len(traces) or not all(hasattr(one, "flagged") for one in given):
        kinds = " and ".join(sorted({type(one).__name__ for one in given})) or "anything"
        raise InputError(
            f"A monitor was given {len(traces)} thoughts and returned {len(given)} of {kinds}: its run has to return a "
            "Reading of each, in their order."
        )
    return [_read(one) for one in given]


def unable(found: Sequence[Judged], asked: Sequence[bool]) -> str:
    """In words, that a monitor could tell of none of the thoughts it was `asked` of, and why of the first."""
    why = next((reason for (_, reason), wanted in zip(found, asked, strict=True) if wanted and reason), "")
    return f"not measured: the monitor could tell of none of {sum(asked)} thoughts: {why.rstrip('.')}"


def _read(reading: Any) -> Judged:
    if reading.flagged is None:
        return None, getattr(reading, "reason", "") or "it gave no reason"
    quotes = getattr(reading, "findings", ())
    if reading.flagged and quotes and not any(one.located for one in quotes):
        return None, MADE_UP
    return bool(reading.flagged), ""
