"""Stretches of a thought that are taken away together: single units, and sets such as all copies of a value.

Leaving one copy of a value out shows nothing where another stands, so copies are offered as one group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure.importance.shared import units
from cotlens.measure.importance.shared.units import Place
from cotlens.trace import Span, Trace
from cotlens.trace.latents import name_of
from cotlens.trace.values.numbers import numerals

VALUES = "values"
GROUP = "group"
"""The unit of groups."""

Groups = str | tuple[tuple[Place, ...], ...]


@dataclass(frozen=True)
class Group:
    """Spans that share no token, in the order of the text; a single unit is a group of one."""

    spans: tuple[Span, ...]
    text: str

    @property
    def start(self) -> int:
        """First token of the first span."""
        return self.spans[0].start

    @property
    def end(self) -> int:
        """Just after the last token of the last span."""
        return self.spans[-1].end

    @property
    def tokens(self) -> tuple[int, ...]:
        """All its tokens, rising."""
        return tuple(token for span in self.spans for token in range(span.start, span.end))


def singles(trace: Trace, spans: Sequence[Span]) -> list[Group]:
    """A group per span."""
    return [Group((span,), name_of(trace, span)) for span in spans]


def as_groups(method: str, given: Any) -> Groups:
    """The setting `groups` as it is kept: "values", or a tuple of tuples of places.

    Raises:
        InputError: anything else.
    """
    if isinstance(given, str):
        if given != VALUES:
            raise InputError(f"{method} was given groups={given!r}. {did_you_mean(given, (VALUES,))}")
        return given
    if not isinstance(given, Iterable):
        raise InputError(f"{method} was given groups={given!r}: give 'values', or a list of lists of spans.")
    groups = tuple(units.as_places(method, group) or () for group in given)
    if not groups:
        raise InputError(f"{method} was given no groups: give at least one list of spans.")
    return groups


def find(trace: Trace, groups: Groups) -> list[Group]:
    """The groups of a trace.

    Raises:
        InputError: the thought holds no number, or a span is empty, leaves the thought or overlaps one of its group.
    """
    if isinstance(groups, str):
        return values(trace)
    return [_group(trace, [units.located(trace, place) for place in places]) for places in groups]


def values(trace: Trace) -> list[Group]:
    """A group per number in the thought with all its copies, in the order of their first ones.

    Numbers that mean the same are copies ("1,200" and "1200"); their text is the value.

    Raises:
        InputError: there is no number.
    """
    thought = trace.roles.get("thought")
    found: dict[str, list[Span]] = {}
    for number in numerals(trace.thought) if thought is not None else ():
        place = (thought.char_start + number.start, thought.char_start + number.end)  # type: ignore[union-attr]
        copies = found.setdefault(number.text, [])
        span = units.located(trace, place)
        # Two copies in one token are one place: it can be hidden only once.
        if not copies or copies[-1].end <= span.start:
            copies.append(span)
    if not found:
        raise InputError("This thought holds no number, so it has no values to group: give groups as lists of spans.")
    return [Group(tuple(spans), f"{value} ({len(spans)}×)") for value, spans in found.items()]


def _group(trace: Trace, spans: Sequence[Span]) -> Group:
    ordered = units.disjoint(spans)
    return Group(tuple(ordered), " … ".join(name_of(trace, span) for span in ordered))
