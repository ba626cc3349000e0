"""Parts of a trace that was edited or written on: what stands before the thought stays, what follows moves or goes."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from cotlens._core.errors import InputError
from cotlens.trace.parts.part import STATUSES, Part, thoughts
from cotlens.trace.record import TraceRecord
from cotlens.trace.spans import Span

T = TypeVar("T", bound=TraceRecord)


def check_verbatim(trace: TraceRecord) -> None:
    """Raise InputError, saying why, where the thought in focus, or the only one, isn't what the model wrote."""
    reason = STATUSES[_status(trace)]
    if not reason:
        return
    better = [number for number, part in enumerate(thoughts(trace.parts)) if part.status == "verbatim"]
    what = f"take trace.focus({better[-1]})" if better else "take one of a model that returns what it thinks"
    raise InputError(f"The thought of this trace {reason}, so nothing can be measured on it or edited; {what}.")


def _status(trace: TraceRecord) -> str:
    """How the thought came; where none can be in focus, the last that a provider gave something else for."""
    instead = [part.status for part in thoughts(trace.parts)] if "thought" not in trace.roles else []
    return instead[-1] if instead else trace.status


def edited(before: T, after: T) -> T:
    """`after`, an edit of the thought of `before`, with the parts where they are now."""
    if not before.given_parts:
        return after
    old, new = before.roles["thought"], after.roles["thought"]
    tokens, chars = new.end - old.end, new.char_end - old.char_end
    kept = len(after.text) > new.char_end or "answer" in after.roles  # a truncation leaves nothing behind the thought

    def moved(part: Part) -> Part:
        span = part.span
        if part.order == before.focus_order:
            return dataclasses.replace(part, span=new, text=after.text[new.char_start : new.char_end])
        if span is None or part.order < (before.focus_order or 0):
            return part
        ends = span.start + tokens, span.end + tokens, span.char_start + chars, span.char_end + chars
        return dataclasses.replace(part, span=Span(*ends, span.unit) if kept else None)

    return dataclasses.replace(after, given_parts=tuple(map(moved, before.given_parts)))


def written_on(before: TraceRecord, after: T) -> T:
    """`after`, which a model wrote on from `before`, with the parts before its thought, its thought and its answer."""
    if not before.given_parts or before.focus_order is None:
        return after
    parts = list(before.given_parts[: before.focus_order])
    thought = before.given_parts[before.focus_order]
    for kind in ("thought", "answer"):
        span = after.roles.get(kind)
        if span is not None:
            text = after.text[span.char_start : span.char_end]
            named = {"status": "verbatim", "id": thought.id} if kind == "thought" else {}
            parts.append(Part(kind, text, thought.turn, len(parts), span=span, **named))
    order = before.focus_order if "thought" in after.roles else None
    return dataclasses.replace(after, given_parts=tuple(parts), focus_order=order)
