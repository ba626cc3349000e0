"""One part of a conversation: a text with its kind, its turn, and, for a thought, whether the model wrote it so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.text import without_halves
from cotlens.trace.spans import Span

KINDS = ("system", "user", "thought", "answer", "tool_call", "tool_result")
STATUSES = {
    "verbatim": "",
    "summary": "is a summary that the provider wrote, not the tokens that the model thought with",
    "encrypted": "came encrypted, so nobody but the provider can read it",
    "redacted": "was redacted by the provider",
    "stripped": "was left out of what the provider returned",
}
"""How a thought came, and why nothing can be measured on it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a trace, in the order in which it was read or written.

    Args:
        kind: "system", "user", "thought", "answer", "tool_call" or "tool_result".
        text: its text; "" for a thought that can't be read. A call of a tool is `name(arguments)`.
        turn: which message it is of, from 0; a turn is one message of one speaker.
        order: its place among all parts, from 0.
        channel: what its source calls the place it came from ("reasoning_content", "analysis"); "" where it has none.
        status: of a thought: "verbatim", "summary", "encrypted", "redacted" or "stripped"; "" for other kinds.
        id: what its source calls it; a result has the id of its call.
        name: of the tool.
        arguments: of a call, as JSON text.
        span: where it stands in the trace's text; None where it doesn't, for it follows what is focused on, or the
            model's template leaves it out.

    Raises:
        InputError: there is no such kind or status.
    """

    kind: str
    text: str = ""
    turn: int = 0
    order: int = 0
    channel: str = ""
    status: str = ""
    id: str = ""
    name: str = ""
    arguments: str = ""
    span: Span | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"A part can't be a {self.kind!r}. {did_you_mean(self.kind, KINDS)}")
        if self.kind == "thought" and not self.status:
            object.__setattr__(self, "status", "verbatim")
        if self.status and (self.kind != "thought" or self.status not in STATUSES):
            raise InputError(f"A {self.kind} can't have the status {self.status!r}; thoughts have {list(STATUSES)}.")
        object.__setattr__(self, "text", without_halves(self.text))


def arranged(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts numbered in the order given, and without spans.

    Raises:
        InputError: two thoughts have one id.
    """
    found = tuple(dataclasses.replace(part, order=order, span=None) for order, part in enumerate(parts))
    known: dict[str, int] = {}
    for part in thoughts(found):
        if part.id and part.id in known:
            raise InputError(
                f"Parts {known[part.id]} and {part.order} are two thoughts with the id {part.id!r}, so it names "
                "neither; give each its own, or leave ids out."
            )
        known[part.id] = part.order
    return found


def thoughts(parts: Sequence[Part]) -> list[Part]:
    """Those of them that are thoughts."""
    return [part for part in parts if part.kind == "thought"]


def unmeasured(status: str) -> str:
    """Why nothing can be measured on a thought that came like this, as a sentence; "" where it can."""
    reason = STATUSES.get(status)
    return f"This thought {reason}, so nothing can be measured on it or edited." if reason else ""


def of_roles(roles: Mapping[str, Span], text: str) -> tuple[Part, ...]:
    """The parts of a trace that has a prompt, a thought and an answer, and no more is known of it."""
    kinds = {"prompt": ("user", 0), "thought": ("thought", 1), "answer": ("answer", 1)}
    found = [(*kinds[role], roles[role]) for role in kinds if role in roles]
    return tuple(
        Part(kind, text[span.char_start : span.char_end], turn, order, span=span)
        for order, (kind, turn, span) in enumerate(found)
    )


def check_parts(parts: Sequence[Part], tokens: int, characters: int) -> None:
    """Raise InputError unless every span lies inside a trace of so many tokens and characters."""
    for part in parts:
        span = part.span
        if span is None:
            continue
        inside = 0 <= span.start <= span.end <= tokens and 0 <= span.char_start <= span.char_end <= characters
        if not inside:
            raise InputError(
                f"Part {part.order} ({part.kind}) can't be tokens {span.start} to {span.end} of a trace of {tokens}."
            )


def part_to_data(part: Part) -> dict[str, Any]:
    """A part as JSON data, without what is empty; a span is four numbers."""
    data = {field.name: getattr(part, field.name) for field in dataclasses.fields(part) if field.name != "span"}
    data = {name: value for name, value in data.items() if value != ""}
    if part.span is not None:
        data["span"] = [part.span.start, part.span.end, part.span.char_start, part.span.char_end]
    return data


def part_from_data(data: Mapping[str, Any]) -> Part:
    """The inverse; TypeError or ValueError where the data are none."""
    span = None
    if data.get("span") is not None:
        start, end, char_start, char_end = map(int, data["span"])
        span = Span(start, end, char_start, char_end, "role")
    values = {name: value for name, value in data.items() if name != "span"}
    if not all(isinstance(value, int if name in ("turn", "order") else str) for name, value in values.items()):
        raise ValueError("its parts are not what they should be")
    return Part(**values, span=span)
