"""Which stretches of a thought are measured: cut by a splitter, or given by hand."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from numbers import Integral
from reprlib import repr
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.method import check_setting
from cotlens.trace import Span, Trace
from cotlens.trace.align import tokens_covering
from cotlens.trace.parts.carrying import check_verbatim

CUT = ("token", "sentence", "paragraph", "step")
GIVEN = "span"
"""The unit of spans given by hand."""

Place = Span | tuple[int, int]
"""A stretch of a thought: a Span of the trace, or (start, end) characters of its text."""


def set_units(method: Any, cut: Sequence[str] = CUT) -> None:
    """Check the types of a frozen method's settings, from its `__post_init__`, and store `unit` and `spans`.

    Spans are kept as a tuple, so that settings stay hashable; with spans the unit is "span".

    Raises:
        InputError: a number or text that is none, a unit that isn't among `cut`, or spans that aren't stretches of
            text.
    """
    check.settings(method)
    name = type(method).__name__
    spans = as_places(name, method.spans)
    if spans is None:
        check_setting(name, "unit", method.unit, cut)
    # The only way to set a field of a frozen dataclass, here while it is being made.
    object.__setattr__(method, "spans", spans)
    if spans is not None:
        object.__setattr__(method, "unit", GIVEN)


def as_places(method: str, given: Iterable[Any] | None) -> tuple[Place, ...] | None:
    """Spans as a setting holds them; what the provenance wrote down (lists and dicts) is taken too.

    Raises:
        InputError: none is given, or one is neither a Span nor a pair of characters.
    """
    if given is None:
        return None
    if isinstance(given, str | bytes | Mapping | Span) or not isinstance(given, Iterable):
        raise InputError(f"{method} was given spans={given!r}: give a list of Spans or of (start, end) characters.")
    places = tuple(_place(method, one) for one in given)
    if not places:
        raise InputError(f"{method} was given no spans: give at least one, or a unit to cut the thought by.")
    return places


def _place(method: str, one: Any) -> Place:
    if isinstance(one, Span):
        return one
    try:
        if isinstance(one, Mapping):
            return Span(**one)
        start, end = map(operator.index, one)
    except (TypeError, ValueError):
        raise InputError(
            f"{method} was given the span {one!r}: give a Span of the trace, or (start, end) characters of its text."
        ) from None
    return start, end


def units(trace: Trace, unit: str, spans: Sequence[Place] | None = None) -> list[Span]:
    """The units of the thought, in the order of the text.

    Args:
        unit: "token", "sentence", "paragraph" or "step"; not looked at where spans are given.
        spans: the units themselves; each gets the tokens that hold its characters.

    Raises:
        InputError: there is none, or a span is empty, overlaps another one or leaves the thought.
    """
    if not isinstance(trace, Trace):
        raise InputError(
            f"A measure runs on a Trace; {type(trace).__name__} was given: make one with model.reason(...)."
        )
    if spans is not None:
        return disjoint([located(trace, place) for place in _places(spans)])
    found = trace.spans(unit) if "thought" in trace.roles else []
    if not found:
        check_verbatim(trace)
        raise InputError(
            f"This trace has no {unit} in its thought, so nothing can be measured: give one with a thought."
        )
    return found


def thought_and_answer(trace: Trace, unit: str) -> list[Span]:
    """The units of the thought, then the answer: cut into tokens with unit "token", else as one of unit "role".

    Raises:
        InputError: there is no thought, or an empty one.
    """
    if isinstance(trace, Trace) and "thought" in trace.roles and not trace.thought.strip():
        raise InputError("This trace has no thought, or an empty one, so there is nothing in it to compare.")
    found = [span for span in units(trace, unit) if span.start < span.end]
    answer = trace.roles.get("answer")
    if answer is None or answer.start == answer.end:
        return found
    if unit != "token":
        return [*found, answer]
    chars = trace.offsets
    return [
        *found,
        *(Span(i, i + 1, int(chars[i]), int(chars[i + 1]), unit) for i in range(answer.start, answer.end)),
    ]


def _places(spans: Any) -> list[Place]:
    """Spans as they were given; InputError where one is neither a Span nor two whole numbers."""
    given = list(spans) if isinstance(spans, Iterable) and not isinstance(spans, str) else [spans]
    for place in given:
        pair = isinstance(place, Sequence) and not isinstance(place, str) and len(place) == 2
        if not isinstance(place, Span) and not (pair and all(isinstance(end, Integral) for end in place)):
            raise InputError(
                f"spans= is a list of Spans, or of (start, end) characters of the text; {repr(place)} is neither."
            )
    return given


def located(trace: Trace, place: Place) -> Span:
    """A stretch of the thought with its tokens.

    Raises:
        InputError: it is empty or leaves the thought.
    """
    thought = trace.roles.get("thought")
    if thought is None or thought.start == thought.end:
        raise InputError("This trace has no thought, so no span in it can be measured: give one with a thought.")
    start, end = (place.char_start, place.char_end) if isinstance(place, Span) else place
    if start >= end:
        raise InputError(f"The span of characters {start} to {end} is empty: give its first and just after its last.")
    inside = thought.char_start <= start and end <= thought.char_end
    if isinstance(place, Span):
        inside = inside and thought.start <= place.start < place.end <= thought.end
    if not inside:
        raise InputError(
            f"The span of characters {start} to {end} leaves the thought, which is characters {thought.char_start} to "
            f"{thought.char_end} of the trace's text: only the thought can be measured."
        )
    # A token that reaches over the thought's edge, such as a marker with a line end, stays out.
    first, last = (place.start, place.end) if isinstance(place, Span) else tokens_covering(trace.offsets, start, end)
    return Span(max(first, thought.start), min(last, thought.end), start, end, GIVEN)


def disjoint(spans: Sequence[Span]) -> list[Span]:
    """Spans in the order of the text.

    Raises:
        InputError: two of them share a token.
    """
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            raise InputError(
                f"The spans of characters {before.char_start} to {before.char_end} and {after.char_start} to "
                f"{after.char_end} overlap in token {after.start}: give spans that share no token, or measure them "
                "in two runs."
            )
    return ordered
