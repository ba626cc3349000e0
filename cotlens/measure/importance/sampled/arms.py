"""Where rollouts begin: the two arms of a unit, and the boundaries of a trace in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cotlens.trace import Span, Trace


@dataclass(frozen=True)
class Arm:
    """Where rollouts of one kind begin: after `trace.token_ids[:at]`."""

    trace: Trace
    at: int


def kept(trace: Trace, span: Span) -> Arm:
    """The arm with a unit as it is."""
    return Arm(trace, span.end)


def without(trace: Trace, span: Span) -> Arm:
    """The arm in which the model writes a unit anew."""
    return Arm(trace, span.start)


def chain(trace: Trace, spans: Sequence[Span]) -> list[list[Arm]]:
    """The boundaries of units, those of neighbouring units shared, in runs without a gap."""
    runs: list[list[Arm]] = []
    for span in spans:
        if not runs or runs[-1][-1] != without(trace, span):
            runs.append([without(trace, span)])
        runs[-1].append(kept(trace, span))
    return runs
