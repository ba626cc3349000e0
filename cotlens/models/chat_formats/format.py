"""A family's format bound to one tokenizer: from a prompt to ids, and from ids to prompt, thought and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cotlens._core.errors import InputError
from cotlens.models.chat_formats import segments as seg
from cotlens.models.chat_formats import templates
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.endings import Endings
from cotlens.models.chat_formats.families import TURN_ENDS, Family, first_tokens
from cotlens.models.chat_formats.markers import KnownSegments, Markers
from cotlens.trace.align import tokens_covering
from cotlens.trace.plain import unmarked
from cotlens.trace.prompts import Conversation, Prompt, conversation
from cotlens.trace.spans import Span

_WORD = "The"  # how an answer may begin


@dataclass(frozen=True)
class Opening:
    """A prompt in the model's format, up to where the model goes on.

    Args:
        ids: all tokens so far.
        prompt: half-open range of the tokens that hold the user's own text.
        begin: first token that is not template.
        known: thought and answer in `ids`, as far as they are there.
        span: the user's own text to the character.
        meta: what the trace keeps of the prompt: its messages, notes.
    """

    ids: list[int]
    prompt: tuple[int, int]
    begin: int
    known: seg.Segments
    span: Span
    meta: Mapping[str, Any] = field(default_factory=dict)


class Format:
    """The chat format of one model: its template, its tokens, how it marks a thought.

    Args:
        codec: of its tokenizer.
        family: its markers, the system prompt and the variables of its chat template.
        eos: ids that end a sequence, as the model declares them.
    """

    def __init__(self, codec: HFCodec, family: Family, eos: Sequence[int] = ()) -> None:
        self.codec = codec = codec.reserving(first_tokens(family))
        self.family, self.markers = family, Markers(codec, family)
        texts = [text for text in (*TURN_ENDS, *family.stops) if codec.is_control_text(text)]
        stops = {token for text in texts for token in codec.encode_template(text)} | set(eos)
        self.stop_ids = frozenset(stops - {marker[0] for marker in self.markers.ids.values() if marker}) - codec.silent

    @property
    def name(self) -> str:
        """The family's name."""
        return self.family.name

    @property
    def special(self) -> bool:
        """Whether the markers are special tokens rather than text."""
        return self.markers.special

    @property
    def close_text(self) -> str:
        """What is written to end a thought: whitespace, marker, whitespace."""
        family = self.family
        marker = "" if self.plain else family.close
        return f"{family.before_close}{marker}{family.to_answer}{family.after_close}"

    @property
    def plain(self) -> bool:
        """Whether there are no markers that the model is known to use."""
        return self.markers.plain

    @cached_property
    def templated(self) -> bool:
        """Whether the tokenizer has a chat template."""
        return bool(getattr(self.codec.tokenizer, "chat_template", None))

    @cached_property
    def end(self) -> list[int]:
        """The token that ends an answer, as a list; empty if there is none."""
        eos = self.codec.tokenizer.eos_token_id
        return [int(eos)] if eos is not None and not self.plain else []

    @cached_property
    def endings(self) -> Endings:
        """With which tokens values end."""
        return Endings(self.codec)

    def open(self, prompt: Prompt, prefill: str = "", thinking: bool = False) -> Opening:
        """`prompt` as a user's turn, and the beginning of a thought where one is given or nothing else would elicit it.

        Args:
            thinking: whether a thought is begun also if nothing of it is given.

        Raises:
            InputError: the prompt is empty, or neither a text nor messages that end with a question.
            BackendError: the chat template failed.
        """
        asked = conversation(prompt)
        if not isinstance(prefill, str):
            raise InputError(f"prefill={prefill!r} is not a text; give the first words of the thought.")
        if not asked.text.strip():
            raise InputError(f"The prompt {prompt!r} is empty; give the question that the model should think about.")
        ids, span, notes = self._asked(asked)
        begin, text = len(ids), seg.TokenText.of(self.codec.pieces(ids))
        known = self.markers.in_template(ids, text, span.end, begin)
        opened = known.thought is not None and not known.closed
        if not self.plain and not opened and (thinking or prefill or not self.templated):
            lead = "" if self.templated or self.family.before_open is not None else "\n"
            ids = ids + self._mixed(lead, self.family.open, self.family.after_open + prefill)
            known = self.markers.begun(ids, begin)
        elif prefill:
            ids = ids + self.codec.encode(prefill)
            known = self.markers.going_on(ids, known) if opened else seg.Segments((begin, len(ids)), None, False)
        meta = {**asked.meta, "notes": list(notes)} if notes else asked.meta
        return Opening(ids, (span.start, span.end), begin, known, span, meta)

    def _asked(self, asked: Conversation) -> tuple[list[int], Span, Sequence[str]]:
        """Ids of a conversation up to where the model goes on, where the prompt is in them, and notes."""
        if self.templated:
            rendered, before = templates.render(self.codec, self.family, asked), []
        elif len(asked.messages) > 1:
            raise InputError(
                "This tokenizer has no chat template, so it can't take several messages; give the prompt as one text."
            )
        else:
            notes = (templates.SPELLED.format("prompt"),) if self.codec.holds_control_text(asked.text) else ()
            parts = [(asked.text, False), *([(self.family.before_open, True)] if self.family.before_open else [])]
            rendered, before = templates.Rendered(parts, 0, notes), self.codec.bos
        ids, (first, last) = self.codec.encode_holding(rendered.parts, rendered.asked)
        ids, first, last = [*before, *ids], first + len(before), last + len(before)
        text, prompt = seg.TokenText.of(self.codec.pieces(ids)), rendered.parts[rendered.asked][0]
        return ids, _span(text, first, last, prompt), rendered.notes

    def compose(
        self, prompt: Prompt, thought: str, answer: str | None
    ) -> tuple[Opening, list[int], seg.Segments | None]:
        """Given texts as ids: the opening, all ids, and where things are if there are no special tokens to tell.

        Without an answer the thought stays open. A thought that was given between its markers is taken out of them.
        """
        thought, answer, notes = self._given(thought, answer)
        opening = self.open(prompt) if self.plain else self.open(prompt, thought or self.family.before_close, True)
        meta = {**opening.meta, "notes": [*opening.meta.get("notes", ()), *notes]} if notes else opening.meta
        opening = replace(opening, meta=meta)
        if self.plain:
            return opening, *self._plainly(opening, conversation(prompt).text, thought, answer)
        if answer is None:
            return opening, opening.ids, None if self.special else opening.known
        ids = [*opening.ids, *self.closing(thought or "\n", answer)]
        if self.special:
            return opening, ids + self.end, None
        return opening, ids + self.end, self.markers.given(ids, opening.known, len(opening.ids), len(ids))

    def _given(self, thought: str, answer: str | None) -> tuple[str, str | None, list[str]]:
        """Thought and answer without the markers around them, and notes."""
        family, before = self.family, answer
        thought, answer, notes = unmarked(thought, answer, family.open, family.close)
        if before is None and answer is not None:
            answer = answer.removeprefix(family.to_answer).strip()
            for stop in self.codec.pieces(sorted(self.stop_ids)):
                answer = answer.removesuffix(stop.decode("utf-8", "replace"))
        for role, text in (("thought", thought), ("answer", answer or "")):
            if self.codec.holds_control_text(text):
                notes.append(templates.SPELLED.format(role))
        return thought, answer, notes

    def _plainly(
        self, opening: Opening, prompt: str, thought: str, answer: str | None
    ) -> tuple[list[int], seg.Segments]:
        """A thought and an answer after a prompt, with nothing to mark them."""
        gap = [] if self.templated or prompt[-1:].isspace() else self.codec.encode("\n")
        start = len(opening.ids) + len(gap)
        ids = opening.ids + gap + self.codec.encode(thought)
        middle = len(ids)
        if answer is None:
            return ids, seg.Segments((start, middle), None, False)
        ids += self.closing(thought)
        written = self.codec.encode(answer)
        return ids + written, seg.Segments((start, middle), (len(ids), len(ids) + len(written)), True)

    def closing(self, text: str, then: str = "") -> list[int]:
        """Tokens that end a thought whose last characters are `text`, then `then`, tokenised together.

        Where the answer is still to be written they are cut as before a word: many tokenizers split two line ends
        before text, and make one token of them at an end, which no model writes there.
        """
        if not then:
            ids = self.closing(text, _WORD)
            return ids[:-1] if self.codec.pieces(ids[-1:]) == [_WORD.encode()] else self._closing(text, "")
        return self._closing(text, then)

    def _closing(self, text: str, then: str) -> list[int]:
        family = self.family
        empty = text.endswith(family.open + family.after_open)  # the line of an empty thought is still to be written
        before = "" if text.endswith("\n") and family.before_close == "\n" and not empty else family.before_close
        if self.plain:
            gap = "" if text.endswith("\n") else family.after_close
            return self.codec.encode(gap + then)
        return self._mixed(before, family.close + family.to_answer, family.after_close + then)

    def segment(
        self, ids: Sequence[int], prompt_end: int, begin: int, lead: str = "", known: KnownSegments | None = None
    ) -> seg.Segments:
        """Thought and answer in `ids`.

        Args:
            prompt_end: just after the user's text; the template after it may open the thought.
            begin: first token that is not template.
            lead: what begins an answer where there are no markers.
            known: what is remembered of the first tokens; where markers are text, none is looked for in these.
        """
        end = len(ids)
        while end > begin and ids[end - 1] in self.stop_ids:
            end -= 1
        text = seg.TokenText.of(self.codec.pieces(ids))
        return self.markers.segment(ids, text, prompt_end, begin, end, lead, known)

    def thinking(self, ids: Sequence[int], start: int) -> bool:
        """Whether a template that ends with `ids` has opened a thought after token `start`."""
        found = self.markers.in_template(ids, seg.TokenText.of(self.codec.pieces(ids)), start, len(ids))
        return found.thought is not None and not found.closed

    def _mixed(self, before: str, marker: str, after: str) -> list[int]:
        if self.special:
            return self.codec.encode(before) + self.codec.encode_template(marker) + self.codec.encode(after)
        return self.codec.encode(before + marker + after)


def _span(text: seg.TokenText, first: int, last: int, wanted: str) -> Span:
    """Where a text stands to the character, of which it is known that tokens [first, last) hold it.

    Whitespace around it may be in the tokens beside them, or lost to a special token that takes it along. A tokenizer
    that changes what it reads leaves nothing to be found: then all characters of the tokens are taken.
    """
    for form in dict.fromkeys((wanted, wanted.lstrip(), wanted.rstrip(), wanted.strip())):
        at = text.chars.find(form, max(0, int(text.offsets[first]) - len(form) + len(form.lstrip())))
        if 0 <= at <= text.offsets[last]:
            return Span(*tokens_covering(text.offsets, at, at + len(form)), at, at + len(form), "role")
    return Span(first, last, int(text.offsets[first]), int(text.offsets[last]), "role")


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
