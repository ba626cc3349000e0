"""Where an edit takes place: from what the user points at to characters and tokens of the thought."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.trace.align import tokens_covering
from cotlens.trace.latents import UNIT
from cotlens.trace.record import TraceRecord
from cotlens.trace.spans import Span

Place = Span | tuple[int, int] | str
"""A stretch of a trace: a span, the (start, end) characters of its text, or a text that its thought says once."""

_MOST_NAMED = 5  # places that an error names
_EXACT = ("token", "role", UNIT)
"""Units whose spans are cut by tokens; those of the others are cut by text."""


@dataclass(frozen=True)
class Cut:
    """Characters [start, end) of a trace to be taken out, and the tokens [first, last) that hold them."""

    start: int
    end: int
    first: int
    last: int


def thought_of(trace: TraceRecord) -> Span:
    """The thought's span; InputError if the trace has none."""
    if "thought" not in trace.roles:
        raise InputError("This trace has no thought, so there is nothing to edit in it.")
    return trace.roles["thought"]


def token_index(trace: TraceRecord, at: int | Span | str) -> int:
    """The token index that `at` means; InputError outside the thought."""
    thought = thought_of(trace)
    if isinstance(at, Span):
        _check_span(trace, at)
        return at.start
    if isinstance(at, str):
        return tokens_covering(trace.offsets, *_said_once(trace, at))[0]
    try:
        index = operator.index(at)
    except TypeError:
        raise InputError(f"A place in a trace is a token index or a Span; {at!r} was given.") from None
    if not 0 <= index <= len(trace.token_ids):
        raise InputError(f"Token index {index} is out of range: the trace has {len(trace.token_ids)} tokens.")
    if not thought.start <= index <= thought.end:
        raise InputError(
            f"Token {index} is outside the thought, which is tokens {thought.start} to {thought.end}; "
            "only the thought can be edited."
        )
    return index


def replacement(trace: TraceRecord, place: Place, whole: NDArray[np.bool_]) -> Cut:
    """The cut that replaces `place`: its characters without the whitespace around them, or its very tokens."""
    if not isinstance(place, Span):
        return _by_chars(trace, *_char_pair(trace, place))
    _check_span(trace, place)
    if place.unit in _EXACT:
        return _by_tokens(trace, place, whole)
    return _by_chars(trace, place.char_start, place.char_end)


def deletion(trace: TraceRecord, place: Place, whole: NDArray[np.bool_]) -> Cut:
    """The cut that deletes `place`.

    Text units take the whitespace among their tokens along, unless their neighbours would then touch.
    """
    if not isinstance(place, Span) or place.unit in _EXACT:
        return replacement(trace, place, whole)
    _check_span(trace, place)
    return _by_chars(trace, *_with_whitespace(trace, place))


def insertion(trace: TraceRecord, at: int | Place) -> Cut:
    """The empty cut before `at`."""
    if isinstance(at, Span):
        _check_span(trace, at)
        if at.unit not in _EXACT:
            return _by_chars(trace, at.char_start, at.char_start)
        at = at.start
    if isinstance(at, tuple | list | str):
        start, _ = _char_pair(trace, at)
        return _by_chars(trace, start, start)
    index = token_index(trace, at)
    char = int(trace.offsets[index])
    return Cut(char, char, index, index)


def _by_tokens(trace: TraceRecord, span: Span, whole: NDArray[np.bool_]) -> Cut:
    """A cut of very tokens; a character that the last of them begins and doesn't finish goes with them."""
    end = span.char_end
    if span.start < span.end and not whole[span.end]:
        end = min(end + 1, thought_of(trace).char_end)
    return Cut(span.char_start, end, span.start, span.end)


def _by_chars(trace: TraceRecord, start: int, end: int) -> Cut:
    """A cut of characters, with the tokens that hold them; those that hold nothing of the thought are never touched."""
    thought, offsets = thought_of(trace), trace.offsets
    least = thought.start - int(thought.char_start < offsets[thought.start])
    most = thought.end + int(thought.char_end > offsets[thought.end])
    first, last = tokens_covering(offsets, start, end)
    first = min(max(first, least), most)
    while first < most and np.isin(
        first, trace.latent_tokens
    ):  # without text, they aren't meant: it stands behind them
        first += 1
    return Cut(start, end, first, min(max(last, first), most))


def _char_pair(trace: TraceRecord, place: Any) -> tuple[int, int]:
    if isinstance(place, str):
        return _said_once(trace, place)
    try:
        start, end = map(operator.index, place)
    except (TypeError, ValueError):
        raise InputError(
            "A stretch of a trace is a Span, (start, end) characters of its text, or a text that its thought says "
            f"once; {place!r} was given."
        ) from None
    thought = thought_of(trace)
    if not 0 <= start <= end <= len(trace.text):
        raise InputError(f"Characters {start} to {end} are out of range: the text has {len(trace.text)} characters.")
    if not thought.char_start <= start <= end <= thought.char_end:
        raise InputError(
            f"Characters {start} to {end} are outside the thought, which is characters {thought.char_start} to "
            f"{thought.char_end}; only the thought can be edited."
        )
    return start, end


def _said_once(trace: TraceRecord, words: str) -> tuple[int, int]:
    """Characters of a text in the thought; InputError where it isn't there, or more than once."""
    thought = thought_of(trace)
    places: list[tuple[int, int]] = []
    at = trace.text.find(words, thought.char_start, thought.char_end) if words else -1
    while at >= 0 and len(places) < _MOST_NAMED:
        places.append((at, at + len(words)))
        at = trace.text.find(words, at + 1, thought.char_end)
    if len(places) == 1:
        return places[0]
    if not places:
        raise InputError(f"The thought doesn't say {words[:80]!r}; give a text that stands in it, or a Span.")
    more = " and further on" if at >= 0 else ""
    raise InputError(
        f"The thought says {words[:80]!r} more than once, at characters {', '.join(map(str, places))}{more}; give one "
        "of these in its place, or a longer text."
    )


def _check_span(trace: TraceRecord, span: Span) -> None:
    thought = thought_of(trace)
    inside = thought.start <= span.start <= span.end <= thought.end
    if not (inside and thought.char_start <= span.char_start <= span.char_end <= thought.char_end):
        raise InputError(
            f"The {span.unit} at tokens {span.start} to {span.end} is outside the thought, which is tokens "
            f"{thought.start} to {thought.end}; only the thought can be edited."
        )
    chars = (trace.offsets[span.start], trace.offsets[span.end])
    if span.unit in _EXACT and (span.char_start, span.char_end) != chars:
        raise InputError(
            f"The {span.unit} at tokens {span.start} to {span.end} is of another trace; take spans from this one."
        )


def _with_whitespace(trace: TraceRecord, span: Span) -> tuple[int, int]:
    """Characters of a sentence, paragraph or step with the whitespace that goes with it.

    That is what its tokens hold of the whitespace on both sides. The first piece leaves the whitespace before it; a
    later one leaves the whitespace after it, or else before it, if nothing would part its neighbours otherwise.
    """
    text, thought = trace.text, thought_of(trace)
    before, after = text[thought.char_start : span.char_start], text[span.char_end : thought.char_end]
    gap_start = thought.char_start + len(before.rstrip())
    gap_end = thought.char_end - len(after.lstrip())
    start = min(max(int(trace.offsets[span.start]), gap_start), span.char_start)
    end = max(min(int(trace.offsets[span.end]), gap_end), span.char_end)
    if gap_start == thought.char_start:
        return span.char_start, end
    if gap_start < start or end < gap_end:
        return start, end
    return (start, span.char_end) if end > span.char_end else (span.char_start, end)
