"""Where thought and answer begin and end in a sequence of tokens.

Works on ids with character offsets, never on re-tokenised text. Copes with thoughts that were opened in the prompt,
never opened, never closed, empty, or taken up again after they were closed. A marker that is ordinary text may share a
token with what stands beside it: the token is the marker's, the characters are whose they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cotlens.models.chat_formats.families import Family
from cotlens.trace.align import char_offsets, tokens_covering

Range = tuple[int, int]


class Edge(NamedTuple):
    """Where something begins or ends: before a character, and before a token."""

    char: int
    token: int


class Marker(NamedTuple):
    """A marker of one kind ("open", "close", "answer"): where it begins, and where it has ended."""

    first: Edge
    after: Edge
    kind: str


@dataclass(frozen=True)
class Segments:
    """Half-open token ranges; None where there is none.

    Args:
        thought, answer: without markers and the whitespace around them.
        closed: whether the thought was ended.
        chars: characters of "thought" or "answer" where they aren't those of its tokens.
        notes: what should be known of how they were found.
    """

    thought: Range | None
    answer: Range | None
    closed: bool
    chars: Mapping[str, Range] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenText:
    """Tokens as text.

    Args:
        pieces: n byte strings.
        chars: all characters.
        offsets: int64 [n + 1].
    """

    pieces: Sequence[bytes]
    chars: str
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, pieces: Sequence[bytes]) -> TokenText:
        """Decode `pieces`."""
        return cls(pieces, *char_offsets(pieces))

    def edge(self, token: int) -> Edge:
        """The border before a token."""
        return Edge(int(self.offsets[token]), token)


def markers_by_id(
    family_ids: Mapping[str, Sequence[int]], ids: Sequence[int], text: TokenText, start: int
) -> list[Marker]:
    """Where the id sequences of the markers ("open", "close", "answer") occur from `start` on, in order."""
    found: list[Marker] = []
    index = start
    while index < len(ids):
        for kind, marker in family_ids.items():
            if marker and tuple(ids[index : index + len(marker)]) == tuple(marker):
                found.append(Marker(text.edge(index), text.edge(index + len(marker)), kind))
                index += len(marker) - 1
                break
        index += 1
    return found


def markers_by_text(family: Family, text: TokenText, floor: int, start: int, end: int) -> list[Marker]:
    """Where the texts of the markers stand in tokens up to `end`: those that are completed after token `start`.

    What stands before it is known, but for the beginning of a marker, which may reach back to token `floor`.
    """
    kinds = {family.open: "open", family.close: "close", family.answer: "answer"}
    longest_first = sorted(filter(None, kinds), key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(marker) for marker in longest_first))
    known, found = int(text.offsets[start]), list[Marker]()
    floor_char = max(int(text.offsets[floor]), known - len(longest_first[0]) + 1)
    for match in pattern.finditer(text.chars, floor_char, int(text.offsets[end])):
        if match.end() > known:
            first, after = tokens_covering(text.offsets, *match.span())
            found.append(Marker(Edge(match.start(), first), Edge(match.end(), after), kinds[match[0]]))
    return found


def without_quoted(markers: Sequence[Marker], closed: bool, opening: str | None = None) -> list[Marker]:
    """The markers without those that open nothing: never closed, and written after a thought had been.

    Args:
        closed: whether a thought had been closed before.
        opening: the text before the first marker, where a thought can only begin at the very beginning.
    """
    closes = [place for place, marker in enumerate(markers) if marker.kind == "close"]
    last = closes[-1] if closes else -1
    quoted = closed or last >= 0 or bool(opening and opening.strip())
    return [marker for place, marker in enumerate(markers) if not (quoted and marker.kind == "open" and place > last)]


def segment(
    markers: Sequence[Marker], text: TokenText, begin: int, end: int, own_answer: bool, known: Segments | None = None
) -> Segments:
    """Thought and answer by their markers.

    Args:
        begin: first token that is not template.
        end: just after the last token that is neither template nor end-of-turn.
        own_answer: whether the answer has a marker of its own.
        known: what is known from before the first marker.
    """
    thought, last, answer = known_edges(text, known)
    inside = thought is not None and last is None
    opening, stop = text.edge(begin), text.edge(end)
    for first, after, kind in markers:
        if kind == "open" and not inside:
            thought = after if thought is None or _nothing_yet(text, thought, last, answer, first) else thought
            inside, answer = True, None
        elif kind == "close" and (inside or (thought is None and first.token >= begin and not own_answer)):
            thought = opening if thought is None else thought
            last, inside = first, False
            answer = None if own_answer else after
        elif kind == "answer":
            if inside:
                last, inside = first, False
            answer = after
    if thought is None:
        return trimmed(text, None, (min(answer or opening, stop), stop), False)
    if inside or last is None:
        return trimmed(text, (min(thought, stop), stop), None, False)
    return trimmed(text, (thought, max(thought, last)), None if answer is None else (min(answer, stop), stop), True)


def _nothing_yet(text: TokenText, thought: Edge, last: Edge | None, answer: Edge | None, first: Edge) -> bool:
    """Whether a closed thought held nothing and nothing came after it: it isn't taken up again, another one begins.

    A template that is told not to think writes such an empty thought itself.
    """
    if last is None or answer is None:
        return False
    return not (text.chars[thought.char : last.char] + text.chars[answer.char : first.char]).strip()


def split_at_answer(text: TokenText, start: int, end: int, lead: str, known: Segments | None = None) -> Segments:
    """Without markers all is thought, up to where `lead` ("The answer is") last begins, if it is there.

    Args:
        start: from where `lead` is looked for; what stands before it is known.
    """
    thought, _, answer = known_edges(text, known)
    thought, stop = thought or text.edge(start), text.edge(end)
    at = text.chars.rfind(lead, max(thought.char, int(text.offsets[start]) - len(lead) + 1), stop.char) if lead else -1
    if at >= 0:
        answer = text.edge(tokens_covering(text.offsets, at, at + 1)[0])
    if answer is None:
        return trimmed(text, (thought, stop), None, False)
    return trimmed(text, (thought, max(thought, answer)), (answer, stop), True)


def known_edges(text: TokenText, known: Segments | None) -> tuple[Edge | None, Edge | None, Edge | None]:
    """Where a known thought begins and, if it was closed, ends, and where the answer begins."""
    if known is None:
        return None, None, None

    def edge(role: str, place: Range | None, which: int) -> Edge | None:
        if place is None:
            return None
        chars = known.chars.get(role)
        return Edge(chars[which], place[which]) if chars else text.edge(place[which])

    last = edge("thought", known.thought, 1) if known.closed else None
    return edge("thought", known.thought, 0), last, edge("answer", known.answer, 0)


def trimmed(
    text: TokenText, thought: tuple[Edge, Edge] | None, answer: tuple[Edge, Edge] | None, closed: bool
) -> Segments:
    """Segments without whitespace around them; an open thought keeps what it has at its end."""
    places: dict[str, Range] = {}
    chars: dict[str, Range] = {}
    for role, edges, tail in (("thought", thought, closed), ("answer", answer, True)):
        if edges is not None:
            start, end = _trim(text, *edges, tail)
            places[role] = start.token, end.token
            if start != text.edge(start.token) or end != text.edge(end.token):
                chars[role] = start.char, end.char
    found = places.get("answer")
    if not closed and thought is None and found is not None and found[0] == found[1]:
        found = None
    return Segments(places.get("thought"), found, closed, chars)


def _trim(text: TokenText, start: Edge, end: Edge, tail: bool) -> tuple[Edge, Edge]:
    """The edges without tokens of nothing but whitespace at the beginning and (`tail`) at the end."""
    first, last = start.token, max(start.token, end.token)
    lead = text.chars[start.char : min(int(text.offsets[first]), end.char)]  # what a marker's token holds of it
    rest = text.chars[int(text.offsets[last]) : end.char]
    if not lead.strip():
        while first < last and _blank(text.pieces[first]):
            first += 1
        start = text.edge(first)
    if tail and not rest.strip():
        while first < last and _blank(text.pieces[last - 1]):
            last -= 1
        end = text.edge(last)
        if first == last and lead.strip():
            end = Edge(start.char + len(lead.rstrip()), last)
    return start, Edge(max(start.char, end.char), last)


def _blank(piece: bytes) -> bool:
    """Whether a token is whitespace; one without any text is a latent, or what only a later token completes."""
    return bool(piece) and not piece.strip()
