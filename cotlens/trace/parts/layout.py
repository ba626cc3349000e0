"""Parts laid out as one text, without a model: tokens are words, except where a turn came with tokens of its own."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from cotlens._core.errors import InputError
from cotlens.trace.align import char_offsets
from cotlens.trace.parts.part import Part
from cotlens.trace.record import TraceRecord
from cotlens.trace.spans import Span

T = TypeVar("T", bound=TraceRecord)
NOTE = "Read without a model: tokens are words, and nothing can be measured or edited."
UNUSED = "The tokens that came along with turn {} spell another text than its parts, so they are not used."
UNKNOWN = -1  # the id of a token whose id didn't come along with those of others

_WORD = re.compile(r"\s*\S+|\s+")
_GAP = "\n\n"


@dataclass(frozen=True)
class Recorded:
    """Tokens that came along with a turn, as the model wrote them: n of them, and what is known of each.

    Args:
        pieces: n byte strings.
        ids: n token ids; empty where they are unknown.
        logprobs: n log-probabilities in nats; empty where they are unknown.
        top: per token (text, id, log-probability) of each alternative; empty where they are unknown.

    Raises:
        InputError: they are not as many as each other.
    """

    pieces: tuple[bytes, ...]
    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    top: tuple[tuple[tuple[str, int, float], ...], ...] = ()

    def __post_init__(self) -> None:
        for name, values in (("ids", self.ids), ("log-probabilities", self.logprobs), ("alternatives", self.top)):
            if values and len(values) != len(self.pieces):
                raise InputError(
                    f"A turn came with {len(self.pieces)} tokens and {len(values)} {name}; they must be as many."
                )

    @property
    def text(self) -> str:
        """What they spell."""
        return char_offsets(self.pieces)[0]


@dataclass
class _Line:
    """The text as it grows: its pieces, what is known of each, and where parts are, in characters."""

    pieces: list[bytes] = field(default_factory=list)
    ids: dict[int, int] = field(default_factory=dict)
    logprobs: dict[int, float] = field(default_factory=dict)
    top: dict[int, tuple[tuple[str, int, float], ...]] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    length: int = 0

    def say(self, text: str) -> None:
        """Words at the end."""
        self.pieces += [word.encode() for word in _WORD.findall(text)]
        self.length += len(text)

    def part(self, part: Part) -> None:
        """A part at the end, parted from what stands before it."""
        if self.length and part.text:
            self.say(_GAP)
        self.places[part.order] = (self.length, self.length + len(part.text))
        self.say(part.text)

    def recorded(self, tokens: Recorded, places: Mapping[int, tuple[int, int]]) -> None:
        """Tokens as they came, with the parts that they hold."""
        if self.length:
            self.say(_GAP)
        base, at = self.length, len(self.pieces)
        self.pieces += tokens.pieces
        self.length += len(tokens.text)
        for found, values in ((self.ids, tokens.ids), (self.logprobs, tokens.logprobs), (self.top, tokens.top)):
            found.update(enumerate(values, at))  # type: ignore[arg-type]
        self.places.update({order: (base + start, base + end) for order, (start, end) in places.items()})


def laid_out(
    kind: type[T], parts: Sequence[Part], recorded: Mapping[int, Recorded], meta: Mapping[str, Any], **fields: Any
) -> T:
    """A trace of all parts, one after the other, with no roles yet.

    Args:
        parts: numbered in their order.
        recorded: turn -> the tokens that came along with it.
    """
    line, notes = _Line(), [NOTE, *meta.get("notes", ())]
    for turn, group in groupby(parts, key=lambda part: part.turn):
        said = list(group)
        held = _held(said, recorded[turn]) if turn in recorded else {}
        if turn in recorded and not held:
            notes.append(UNUSED.format(turn))
        for part in said:
            if part.order in held and part.order == min(held):
                line.recorded(recorded[turn], held)
            elif part.order not in held:
                line.part(part)
    count = len(line.pieces)
    trace = kind.build(_ids(line), line.pieces, {}, meta={**meta, "notes": notes}, **_measured(line, count), **fields)
    spans = {order: _span(trace.offsets, *place) for order, place in line.places.items()}
    placed = tuple(dataclasses.replace(part, span=spans[part.order]) for part in parts)
    return dataclasses.replace(trace, given_parts=placed)


def _held(parts: Sequence[Part], tokens: Recorded) -> dict[int, tuple[int, int]]:
    """Characters of the parts within the text that came as tokens: of all, or of those after some first one."""
    whole = tokens.text
    for first in range(len(parts)):
        at, places = 0, {}
        for part in parts[first:]:
            said = part.text if part.text in whole[at:] else part.text.strip()
            start = whole.find(said, at)
            if start < 0:
                break
            at = start + len(said)
            places[part.order] = (start, at)
        if len(places) == len(parts) - first and any(start < end for start, end in places.values()):
            return places
    return {}


def _ids(line: _Line) -> list[int]:
    if line.ids:
        return [line.ids.get(at, UNKNOWN) for at in range(len(line.pieces))]
    numbers = {piece: number for number, piece in enumerate(dict.fromkeys(line.pieces))}
    return [numbers[piece] for piece in line.pieces]


def _measured(line: _Line, count: int) -> dict[str, Any]:
    """Log-probabilities and alternatives as fields of a trace; unknown where none came along."""
    if not line.logprobs and not line.top:
        return {}
    width = max((len(row) for row in line.top.values()), default=0)
    logprobs = np.array([line.logprobs.get(at, np.nan) for at in range(count)], np.float32)
    top_ids, top_logprobs = np.full((count, width), UNKNOWN, np.int32), np.full((count, width), np.nan, np.float32)
    pieces: list[tuple[str, ...]] = [()] * count
    for at, row in line.top.items():
        if row:
            top_ids[at, : len(row)] = [number for _, number, _ in row]
            top_logprobs[at, : len(row)] = [value for _, _, value in row]
            pieces[at] = (*(text for text, _, _ in row), *[""] * (width - len(row)))
    return {"logprobs": logprobs, "top_ids": top_ids, "top_logprobs": top_logprobs, "top_pieces": tuple(pieces)}


def _span(offsets: np.ndarray, char_start: int, char_end: int) -> Span:
    """The tokens that lie wholly in a stretch of characters; a token that holds a part of a marker is none of them."""
    start = int(np.searchsorted(offsets, char_start, side="left"))
    end = max(start, int(np.searchsorted(offsets, char_end, side="right")) - 1)
    return Span(start, end, char_start, char_end, "role")
