"""Where thought and answer begin and end in a sequence of tokens.

Works on ids with character offsets, never on re-tokenised text. Copes with thoughts that were opened in the prompt,
never opened, never closed, empty, or taken up again after they were closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cotlens.models.families import Family
from cotlens.trace.align import char_offsets, tokens_covering

Marker = tuple[int, int, str]  # first token, end token, "open" | "close" | "answer"


@dataclass(frozen=True)
class Segments:
    """Half-open token ranges; None where there is none.

    Args:
        thought, answer: without markers and the whitespace around them.
        closed: whether the thought was ended.
    """

    thought: tuple[int, int] | None
    answer: tuple[int, int] | None
    closed: bool


def markers_by_id(family_ids: Mapping[str, Sequence[int]], ids: Sequence[int], start: int) -> list[Marker]:
    """Where the id sequences of the markers ("open", "close", "answer") occur from `start` on, in order."""
    found: list[Marker] = []
    index = start
    while index < len(ids):
        for kind, marker in family_ids.items():
            if marker and tuple(ids[index : index + len(marker)]) == tuple(marker):
                found.append((index, index + len(marker), kind))
                index += len(marker) - 1
                break
        index += 1
    return found


def markers_by_text(family: Family, pieces: Sequence[bytes], start: int) -> list[Marker]:
    """Where the texts of the markers occur from token `start` on; a token with a part of a marker belongs to it."""
    text, offsets = char_offsets(pieces[start:])
    found: list[Marker] = []
    for kind, marker in (("open", family.open), ("close", family.close)):
        at = text.find(marker)
        while at >= 0:
            first, last = tokens_covering(offsets, at, at + len(marker))
            found.append((start + first, start + last, kind))
            at = text.find(marker, at + len(marker))
    return sorted(found)


def segment(markers: Sequence[Marker], begin: int, end: int, own_answer: bool) -> Segments:
    """Thought and answer by their markers.

    Args:
        begin: first token that is not template.
        end: just after the last token that is neither template nor end-of-turn.
        own_answer: whether the answer has a marker of its own.
    """
    thought = answer = last = None
    inside = False
    for first, after, kind in markers:
        if kind == "open" and not inside:
            thought = after if thought is None else thought
            inside, answer = True, None
        elif kind == "close" and (inside or (thought is None and first >= begin and not own_answer)):
            thought = begin if thought is None else thought
            last, inside = first, False
            answer = None if own_answer else after
        elif kind == "answer":
            if inside:
                last, inside = first, False
            answer = after
    if thought is None:
        start = begin if answer is None else answer
        return Segments(None, (min(start, end), end), False)
    if inside or last is None:
        return Segments((min(thought, end), end), None, False)
    return Segments((thought, max(thought, last)), None if answer is None else (min(answer, end), end), True)


def trim(pieces: Sequence[bytes], span: tuple[int, int], tail: bool = True) -> tuple[int, int]:
    """The span without tokens of nothing but whitespace at its beginning and (`tail`) its end."""
    start, end = span
    while start < end and not pieces[start].strip():
        start += 1
    while tail and start < end and not pieces[end - 1].strip():
        end -= 1
    return start, end


def split_at_answer(pieces: Sequence[bytes], start: int, end: int, lead: str) -> Segments:
    """Without markers all is thought, up to where `lead` ("The answer is") last begins, if it is there."""
    text, offsets = char_offsets(pieces[start:end])
    at = text.rfind(lead) if lead else -1
    if at < 0:
        return Segments((start, end), None, False)
    first, _ = tokens_covering(offsets, at, at + 1)
    return Segments((start, start + first), (start + first, end), True)
