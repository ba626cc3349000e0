"""A family's format bound to one tokenizer: from a prompt to ids, and from ids to prompt, thought and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cotlens._core.errors import InputError
from cotlens.models import segment as seg
from cotlens.models import templates
from cotlens.models.codec import HFCodec
from cotlens.models.endings import Endings
from cotlens.models.families import PLAIN, TURN_ENDS, Family, first_tokens
from cotlens.trace.align import char_offsets, tokens_covering


@dataclass(frozen=True)
class Opening:
    """A prompt in the model's format, up to where the model goes on.

    Args:
        ids: all tokens so far.
        prompt: half-open token range of the user's own text.
        begin: first token that is not template.
    """

    ids: list[int]
    prompt: tuple[int, int]
    begin: int


class Format:
    """How one model is spoken to.

    Markers that hold special tokens are looked for as ids, others as text.

    Args:
        codec: of its tokenizer.
        family: its markers, the system prompt and the variables of its chat template.
        eos: ids that end a sequence, as the model declares them.
    """

    def __init__(self, codec: HFCodec, family: Family, eos: Sequence[int] = ()) -> None:
        self.codec = codec
        self.family = family
        self.special = all(codec.special(token) for token in first_tokens(family))
        stops = {token for text in (*TURN_ENDS, *family.stops) if codec.special(text) for token in self._ids(text)}
        stops |= set(eos)
        stops -= {marker[0] for marker in self._markers.values() if marker}
        self.stop_ids = frozenset(stops)

    @property
    def name(self) -> str:
        """The family's name."""
        return self.family.name

    @property
    def close_text(self) -> str:
        """What is written to end a thought: whitespace, marker, whitespace."""
        family = self.family
        marker = "" if self.plain else family.close
        return f"{family.before_close}{marker}{family.to_answer}{family.after_close}"

    @property
    def plain(self) -> bool:
        """Whether there are no markers that the model is known to use."""
        return self.family.name == PLAIN.name

    @cached_property
    def templated(self) -> bool:
        """Whether the tokenizer has a chat template."""
        return bool(getattr(self.codec.tokenizer, "chat_template", None))

    @cached_property
    def _markers(self) -> dict[str, list[int]]:
        family = self.family
        parts = {"open": family.open, "close": family.close, "answer": family.answer}
        return {kind: self._ids(text) for kind, text in parts.items()} if self.special else {}

    @cached_property
    def endings(self) -> Endings:
        """With which tokens values end."""
        return Endings(self.codec)

    def _ids(self, text: str) -> list[int]:
        return self.codec.encode_template(text)

    def open(self, prompt: str, prefill: str = "") -> Opening:
        """`prompt` as a user's turn, and the beginning of a thought where one is given or nothing else would elicit it.

        Raises:
            InputError: the prompt is empty or not a string.
            BackendError: the chat template failed.
        """
        return self._open(prompt, prefill, bool(prefill))

    def _open(self, prompt: str, prefill: str, thinking: bool) -> Opening:
        """The same; with `thinking` the thought is begun also if nothing of it is given."""
        if not isinstance(prompt, str) or not prompt.strip():
            raise InputError(f"The prompt {prompt!r} is empty; give the question that the model should think about.")
        head, tail = templates.around_prompt(self.codec.tokenizer, self.family) if self.templated else ("", "")
        ids, start, end = self._around(head, prompt, tail)
        begin = len(ids)
        opened = not self.plain and self.thinking(ids, end)
        if not self.plain and not opened and (thinking or not self.templated):
            lead = "" if self.templated else "\n"
            ids = ids + self._mixed(lead, self.family.open, self.family.after_open + prefill)
        elif prefill:
            ids = ids + self.codec.encode(prefill)
        return Opening(ids, (start, end), begin)

    def compose(self, prompt: str, thought: str, answer: str | None) -> tuple[Opening, list[int], seg.Segments | None]:
        """Given texts as ids: the opening, all ids, and where things are if there are no markers to tell.

        Without an answer the thought stays open.
        """
        if not self.plain:
            opening = self._open(prompt, thought or self.family.before_close, True)
            rest = [] if answer is None else self.closing(thought or "\n", answer) + self.end
            return opening, opening.ids + rest, None
        opening = self.open(prompt)
        gap = [] if self.templated or prompt[-1:].isspace() else self.codec.encode("\n")
        start = len(opening.ids) + len(gap)
        middle = start + len(self.codec.encode(thought))
        ids = opening.ids + gap + self.codec.encode(thought)
        if answer is None:
            return opening, ids, seg.Segments((start, middle), None, False)
        ids += self.closing(thought)
        found = seg.Segments((start, middle), (len(ids), len(ids) + len(self.codec.encode(answer))), True)
        return opening, ids + self.codec.encode(answer), found

    def closing(self, text: str, then: str = "") -> list[int]:
        """Tokens that end a thought whose last characters are `text`, then `then`, tokenised together."""
        family = self.family
        empty = text.endswith(family.open + family.after_open)  # the line of an empty thought is still to be written
        before = "" if text.endswith("\n") and family.before_close == "\n" and not empty else family.before_close
        if self.plain:
            gap = "" if text.endswith("\n") else family.after_close
            return self.codec.encode(gap + then)
        return self._mixed(before, family.close + family.to_answer, family.after_close + then)

    def segment(self, ids: Sequence[int], prompt_end: int, begin: int, lead: str = "") -> seg.Segments:
        """Thought and answer in `ids`.

        Args:
            prompt_end: just after the user's text; the template after it may open the thought.
            begin: first token that is not template.
            lead: what begins an answer where there are no markers.
        """
        pieces = self.codec.pieces(ids)
        end = len(ids)
        while end > begin and ids[end - 1] in self.stop_ids:
            end -= 1
        markers = self._find(ids[:end], pieces[:end], prompt_end)
        if self.plain and not markers:
            found = seg.split_at_answer(pieces, begin, end, lead)
        else:
            found = seg.segment(markers, begin, end, bool(self.family.answer))
        thought = found.thought and seg.trim(pieces, found.thought, tail=found.closed)
        answer = found.answer and seg.trim(pieces, found.answer)
        if not found.closed and thought is None and answer is not None and answer[0] == answer[1]:
            answer = None
        return seg.Segments(thought, answer, found.closed)

    @cached_property
    def end(self) -> list[int]:
        """The token that ends an answer, as a list; empty if there is none."""
        eos = self.codec.tokenizer.eos_token_id
        return [int(eos)] if eos is not None and not self.plain else []

    def thinking(self, ids: Sequence[int], start: int) -> bool:
        """Whether a thought that began after token `start` is open at the end of `ids`."""
        kinds = [kind for *_, kind in self._find(ids, self.codec.pieces(ids), start)]
        return bool(kinds) and kinds[-1] == "open"

    def _find(self, ids: Sequence[int], pieces: Sequence[bytes], start: int) -> list[seg.Marker]:
        if self.special:
            return seg.markers_by_id(self._markers, ids, start)
        return seg.markers_by_text(self.family, pieces, start)

    def _mixed(self, before: str, marker: str, after: str) -> list[int]:
        if self.special:
            return self.codec.encode(before) + self._ids(marker) + self.codec.encode(after)
        return self.codec.encode(before + marker + after)

    def _around(self, head: str, prompt: str, tail: str) -> tuple[list[int], int, int]:
        """Ids of head + prompt + tail and the prompt's token range.

        Tokenised as one text where the prompt holds nothing that would be read as a special token, else in three parts.
        """
        codec = self.codec
        before = codec.bos if not self.templated else []
        first = before + codec.encode_template(head)
        middle = codec.encode(prompt)
        parts = first + middle + codec.encode_template(tail)
        if self.templated and not codec.holds_special(prompt):
            whole = codec.encode_template(head + prompt + tail)
            if whole != parts:
                text, offsets = char_offsets(codec.pieces(whole))
                at = text.find(prompt, max(0, len(head) - 1))
                if at >= 0:
                    return whole, *tokens_covering(offsets, at, at + len(prompt))
        return parts, len(first), len(first) + len(middle)


def find(
    codec: HFCodec,
    eos: Sequence[int] = (),
    given: templates.GivenFormat = None,
    *,
    model: str = "",
    system: str | None = None,
    template: Mapping[str, Any] | None = None,
) -> Format:
    """The format of a tokenizer; see `templates.choose`."""
    return Format(codec, templates.choose(codec, given, model=model, system=system, template=template), eos)
