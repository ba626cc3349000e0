"""A family's markers in the tokens of one tokenizer: what the template has opened, what the model has written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from cotlens._core.errors import InputError
from cotlens.models.chat_formats import harmony
from cotlens.models.chat_formats import segments as seg
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.families import PLAIN, Family, first_tokens

NOTHING = seg.Segments(None, None, False)


class KnownSegments(NamedTuple):
    """Thought and answer in the tokens before `upto`: remembered from where they were given or written."""

    found: seg.Segments
    upto: int


class Markers:
    """Where a model's thoughts begin and end.

    Markers that are special tokens are looked for as ids: no text is ever encoded as one. Others are text, and count
    only where the model wrote them: what it was given is known.

    Args:
        codec: of its tokenizer; to it the markers are control tokens.
        family: whose markers they are.
    """

    def __init__(self, codec: HFCodec, family: Family) -> None:
        self.codec, self.family = codec, family
        self.special = all(codec.is_control_text(token) for token in first_tokens(family))

    @property
    def plain(self) -> bool:
        """Whether there are none that the model is known to use."""
        return self.family.name == PLAIN.name

    @cached_property
    def ids(self) -> dict[str, list[int]]:
        """Ids of the markers by kind ("open", "close", "answer"), where they are special."""
        family = self.family
        parts = {"open": family.open, "close": family.close, "answer": family.answer}
        return {kind: self.codec.encode_template(text) for kind, text in parts.items()} if self.special else {}

    def in_template(self, ids: Sequence[int], text: seg.TokenText, start: int, begin: int) -> seg.Segments:
        """What the template has left open, or closed, in tokens [start, begin) after the prompt.

        Only the model's own turn counts: what stands after the last special token that is no marker. Where a template
        has none, only a marker at its very end does.
        """
        if self._channels:
            last = harmony.messages(self._controls(ids), text, start, begin, begin)[-1:]
            opened = [text.edge(one.first) for one in last if one.role == "thought" and not one.ended]
            return seg.trimmed(text, (opened[0], text.edge(begin)), None, False) if opened else NOTHING
        mine = {token for marker in self.ids.values() for token in marker}
        ends = [at + 1 for at in range(start, begin) if self.codec.is_control(ids[at]) and ids[at] not in mine]
        turn = ends[-1] if ends else start
        found, stop = self._find(ids, text, turn, turn, begin), text.edge(begin)
        if not found:
            return NOTHING
        opener, closer = found[-2:][0], found[-1]
        rest = text.chars[closer.after.char : stop.char].strip()
        if closer.kind == "open":
            return seg.trimmed(text, (closer.after, stop), None, False) if ends or not rest else NOTHING
        if opener.kind != "open" or rest or text.chars[opener.after.char : closer.first.char].strip():
            return NOTHING
        return seg.trimmed(text, (opener.after, closer.first), (closer.after, stop), True)

    def begun(self, ids: Sequence[int], start: int) -> seg.Segments:
        """A thought of which the marker was written after token `start`, and all that follows it given."""
        text = seg.TokenText.of(self.codec.pieces(ids))
        first = self._written(ids, text, start, len(ids), "open")
        return seg.trimmed(text, (first.after, text.edge(len(ids))), None, False)

    def going_on(self, ids: Sequence[int], known: seg.Segments) -> seg.Segments:
        """A known open thought with all that was given after it."""
        text = seg.TokenText.of(self.codec.pieces(ids))
        start, _, _ = seg.known_edges(text, known)
        assert start is not None, "the thought is open"
        return seg.trimmed(text, (start, text.edge(len(ids))), None, False)

    def given(self, ids: Sequence[int], known: seg.Segments, middle: int, end: int) -> seg.Segments:
        """A thought that was given up to token `middle`, then closed, and an answer up to token `end`."""
        text = seg.TokenText.of(self.codec.pieces(ids))
        start, _, _ = seg.known_edges(text, known)
        assert start is not None, "a composed thought was begun"
        mark = self._written(ids, text, middle, end, "answer" if self.family.answer else "close")
        return seg.trimmed(text, (start, text.edge(middle)), (mark.after, text.edge(end)), True)

    def segment(
        self,
        ids: Sequence[int],
        text: seg.TokenText,
        prompt_end: int,
        begin: int,
        end: int,
        lead: str,
        known: KnownSegments | None,
    ) -> seg.Segments:
        """Thought and answer in tokens up to `end`; see `chat_formats.format.Format.segment`."""
        if self._channels:
            return harmony.segments(
                harmony.messages(self._controls(ids), text, prompt_end, begin, end), text, begin, end
            )
        if known is None or self.special:
            known = KnownSegments(self.in_template(ids, text, prompt_end, begin), begin)
        found, upto = known
        edges = [edge.token for edge in seg.known_edges(text, found) if edge is not None]
        markers = self._find(ids, text, max(edges, default=begin), min(upto, end), end)
        if not self.special:
            opening = text.chars[int(text.offsets[begin]) : markers[0].first.char] if markers and self.plain else None
            markers = seg.without_quoted(markers, found.closed, opening)
        if self.plain and not markers:
            start = begin if found.thought is None else upto
            return seg.split_at_answer(text, start, end, lead, found)
        return seg.segment(markers, text, begin, end, bool(self.family.answer), found)

    def _written(self, ids: Sequence[int], text: seg.TokenText, start: int, end: int, kind: str) -> seg.Marker:
        """The first marker of a kind after token `start`, where it was written on the model's behalf."""
        found = next((one for one in self._find(ids, text, start, start, end) if one.kind == kind), None)
        if found is None:
            raise InputError(
                f"The marker {getattr(self.family, kind)!r} can't be written with this model's tokenizer, which "
                "changes it; give format= with two markers that it leaves as they are, in lower case for instance."
            )
        return found

    @property
    def _channels(self) -> bool:
        return self.family.channels and self.special

    def _controls(self, ids: Sequence[int]) -> list[bool]:
        return [self.codec.is_control(token) for token in ids]

    def _find(self, ids: Sequence[int], text: seg.TokenText, floor: int, start: int, end: int) -> list[seg.Marker]:
        if self.special:
            return seg.markers_by_id(self.ids, ids[:end], text, start)
        return seg.markers_by_text(self.family, text, floor, start, end)
