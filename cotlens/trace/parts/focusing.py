"""A focus: one thought, with what stands before it as the prompt and what follows up to the next turn as the answer.

Every measure, edit and view reads a trace by these three roles; so what holds for a trace of one thought holds for each
thought of a long one.
"""

from __future__ import annotations

import dataclasses
import operator
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cotlens._core.errors import InputError, did_you_mean
from cotlens.trace.parts.composing import composed
from cotlens.trace.parts.layout import Recorded, laid_out
from cotlens.trace.parts.part import Part, arranged, thoughts
from cotlens.trace.record import TraceRecord
from cotlens.trace.spans import Span

T = TypeVar("T", bound=TraceRecord)

_WRITTEN = ("thought", "answer", "tool_call")
ENDED = "ended"  # meta key: how the last turn ended, which `finish` says of what is focused on


@dataclass(frozen=True)
class Origin:
    """What a focus was taken from, so that another can be taken: the trace as it was read, and in whose format.

    Args:
        trace: of all parts, without roles.
        model: a weak reference, for a trace must not keep a model in memory; None where it was read without one.
    """

    trace: Any
    model: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"trace": self.trace, "model": None}  # references don't travel to other processes


def from_parts(
    kind: type[T],
    parts: Sequence[Part],
    *,
    recorded: Mapping[int, Recorded] | None = None,
    meta: Mapping[str, Any] | None = None,
    model: Any = None,
    **fields: Any,
) -> T:
    """A trace of parts, focused on the last thought of the last turn that the model wrote.

    Where that turn has none, its text is the answer to all that stands before it, and there is no thought.

    Args:
        parts: in the order in which they were read and written.
        recorded: turn -> the tokens that came along with it.
        meta: of the trace; `finish` says how the last turn ended.
        model: in whose format the text is tokenised; without one the tokens are words.
        fields: others of the trace, such as `reader`.

    Raises:
        InputError: there are no parts, two thoughts have one id, or the model's format can't hold them.
    """
    placed = arranged(parts)
    if not placed:
        raise InputError("There is no message to make a trace of; give at least a question.")
    about = {"finish": "given", **(meta or {})}
    about[ENDED] = about["finish"]
    return _focused(laid_out(kind, placed, recorded or {}, about, **fields), _last(placed), model)


def focus(trace: T, which: int | str, model: Any = None) -> T:
    """See `Trace.focus`."""
    if not trace.given_parts:
        _number(trace, which)
        return trace
    root = trace.path()[0]
    order = _number(root, which)
    if order == trace.focus_order and trace is root and model is None:
        return trace
    origin = root.origin or Origin(_unfocused(root))
    if model is None and origin.model is not None:
        model = origin.model()
        if model is None:
            raise InputError("The model in whose format this trace was is gone; give one with focus(k, model=model).")
    return _focused(origin.trace, order, model)


def _number(trace: TraceRecord, which: int | str) -> int:
    """The order of the thought that is meant: by its place among thoughts, or by its id."""
    found = thoughts(trace.parts)
    if isinstance(which, str):
        named = {part.id: part.order for part in found if part.id}
        if which not in named:
            raise InputError(f"No thought has the id {which!r}. {did_you_mean(which, named)}")
        return named[which]
    try:
        place = operator.index(which)
    except TypeError:
        raise InputError(f"A thought is named by its number or its id; {which!r} was given.") from None
    if not -len(found) <= place < len(found):
        raise InputError(f"There is no thought {place}: the trace has {len(found)}, counted from 0.")
    return found[place].order


def _last(parts: Sequence[Part]) -> int | None:
    """The thought that a trace is about as it is read: the last turn's last that holds text, None without one."""
    turn = next((part.turn for part in reversed(parts) if part.kind in _WRITTEN), None)
    found = [part for part in thoughts(parts) if part.turn == turn]
    told = [part for part in found if part.text.strip()]
    return (told or found)[-1].order if found else None


def _unfocused(trace: T) -> T:
    """A loaded trace as it was read; where its text doesn't hold all parts, they are laid out anew."""
    about = {**trace.meta, "finish": trace.meta.get(ENDED, "given")}
    if all(part.span is not None for part in trace.given_parts):
        return dataclasses.replace(trace, roles={}, focus_order=None, meta=about)
    return laid_out(type(trace), arranged(trace.given_parts), {}, about, reader=trace.reader)


def _focused(whole: T, order: int | None, model: Any) -> T:
    """The trace of all parts with the roles of a focus, in the format of `model` if one is given."""
    parts = whole.given_parts
    roles = _roles(parts, order)
    last = roles.get("answer", roles.get("thought"))
    at = -1 if order is None else order  # a thought that can't be read has a place, but no text
    later = [part for part in parts if part.kind in _WRITTEN and part.order > at and part.span]
    at_end = last is None or not [part for part in later if part.span and part.span.start >= last.end]
    finish = whole.meta[ENDED] if at_end else "stop"
    meta = {**whole.meta, "finish": finish, "thought_closed": "answer" in roles}
    origin = Origin(whole, None if model is None else weakref.ref(model))
    plain = dataclasses.replace(whole, roles=roles, focus_order=order, meta=meta, origin=origin)
    return plain if model is None else composed(plain, model)


def _roles(parts: Sequence[Part], order: int | None) -> dict[str, Span]:
    if order is None:
        turn = next((part.turn for part in reversed(parts) if part.kind in _WRITTEN), None)
        before = [part for part in parts if turn is None or part.turn < turn]
        after = [part for part in parts if part.turn == turn]
        found = {"prompt": before, "answer": after}
    else:
        after = [part for part in parts[order + 1 :] if part.turn == parts[order].turn]
        found = {"prompt": list(parts[:order]), "thought": [parts[order]], "answer": after}
    return {role: _stretch(these) for role, these in found.items() if these}


def _stretch(parts: Sequence[Part]) -> Span:
    first, last = parts[0].span, parts[-1].span
    assert first is not None
    assert last is not None
    return Span(first.start, last.end, first.char_start, last.char_end, "role")
