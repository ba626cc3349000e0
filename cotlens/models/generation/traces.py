"""From tokens to traces: roles by the format, measurements in tables, what was asked for in `meta`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.format import Format
from cotlens.models.chat_formats.markers import KnownSegments
from cotlens.models.chat_formats.segments import Segments
from cotlens.models.generation.samples import TOP, TokenMeasurements
from cotlens.trace import Span, Trace
from cotlens.trace.answers import AnswerReader
from cotlens.trace.latents import among
from cotlens.trace.notes import CUT_OPEN, ENDED_OPEN, NO_ANSWER, NO_THOUGHT
from cotlens.trace.parts.carrying import written_on
from cotlens.trace.splitting.splitters import sentence_starts

BEGIN = "begin"  # meta key: index of the first token that is not template


def begin_of(trace: Trace) -> int:
    """Index of the first token of a trace that is not prompt or template."""
    prompt = trace.roles.get("prompt")
    return int(trace.meta.get(BEGIN, prompt.end if prompt is not None else 0))


def prompt_of(trace: Trace) -> Span:
    """The prompt; empty at 0 if there is none."""
    return trace.roles.get("prompt") or Span(0, 0, 0, 0, "role")


def text_before(trace: Trace, at: int, reach: int | None = None) -> str:
    """The text before token `at`, or the last characters of it; none behind a latent, which ends no line of text."""
    end = int(trace.offsets[at])
    if among(trace, at - 1, at):
        return ""
    return trace.text[0 if reach is None else max(0, end - reach) : end]


def known_at(trace: Trace, at: int) -> KnownSegments | None:
    """What a trace remembers of its first `at` tokens; None where its thought hasn't begun there.

    Where `at` lies between thought and answer, what is written there is still to be read.
    """
    thought, answer = trace.roles.get("thought"), trace.roles.get("answer")
    if thought is None or at < thought.start:
        return None
    chars = {role: (span.char_start, span.char_end) for role, span in trace.roles.items() if role != "prompt"}
    place = (thought.start, thought.end)
    if answer is None or at <= thought.end or at < answer.start:
        return KnownSegments(Segments(place, None, False, chars), min(at, thought.end))
    return KnownSegments(Segments(place, (answer.start, answer.end), True, chars), at)


class Measured:
    """Log-probabilities and alternatives of n tokens, unknown unless put in.

    Args:
        k: alternatives per token.
    """

    def __init__(self, n: int, k: int = TOP) -> None:
        self.logprobs = np.full(n, np.nan, np.float32)
        self.top_ids = np.full((n, k), -1, np.int32)
        self.top_logprobs = np.full((n, k), np.nan, np.float32)

    @classmethod
    def of(cls, trace: Trace, upto: int, n: int) -> Measured:
        """What `trace` knows about its first `upto` tokens, in a table for n tokens."""
        k = max(TOP, trace.top_ids.shape[1])
        table = cls(n, k)
        table.logprobs[:upto] = trace.logprobs[:upto]
        old = trace.top_ids.shape[1]
        table.top_ids[:upto, :old] = trace.top_ids[:upto]
        table.top_logprobs[:upto, :old] = trace.top_logprobs[:upto]
        return table

    def put(self, notes: TokenMeasurements) -> None:
        """Enter what was noted."""
        if notes.at:
            k = len(notes.top_ids[0])
            self.logprobs[notes.at] = notes.logprobs
            self.top_ids[notes.at, :k] = np.stack(notes.top_ids)
            self.top_logprobs[notes.at, :k] = np.stack(notes.top_logprobs)

    def fields(self, codec: HFCodec) -> dict[str, Any]:
        """As fields of a Trace."""
        texts = {
            int(i): codec.pieces([int(i)])[0].decode("utf-8", "replace") for i in np.unique(self.top_ids) if i >= 0
        }
        texts[-1] = ""
        known = [bool(row.any()) for row in self.top_ids >= 0]
        pieces = [
            tuple(texts[i] for i in row) if has else () for row, has in zip(self.top_ids.tolist(), known, strict=True)
        ]
        return {
            "logprobs": self.logprobs,
            "top_ids": self.top_ids,
            "top_logprobs": self.top_logprobs,
            "top_pieces": tuple(pieces),
        }


def build(
    form: Format,
    reader: AnswerReader,
    ids: Sequence[int],
    prompt: Span,
    begin: int,
    meta: Mapping[str, Any],
    found: Segments | None = None,
    known: KnownSegments | None = None,
    **parts: Any,
) -> Trace:
    """A trace of `ids`, with thought and answer found by the format.

    Args:
        prompt: the user's text.
        begin: first token that is not template.
        found: thought and answer where they are known already.
        known: the same of the first tokens.
        parts: further fields of the trace.
    """
    found = found or form.segment(ids, prompt.end, begin, _lead(form, reader, ids[begin:]), known)
    roles: dict[str, Any] = {"prompt": prompt if prompt.end else None}
    for role, place in (("thought", found.thought), ("answer", found.answer)):
        roles[role] = None if place is None else (*place, *found.chars.get(role, ()))
    described = {**meta, BEGIN: begin, "format": form.name, "thought_closed": found.closed}
    notes = [*meta.get("notes", ()), *found.notes, *_remarks(described, found)]
    if notes:
        described["notes"] = notes
    trace = Trace.build(
        ids,
        form.codec.pieces(ids),
        {role: place for role, place in roles.items() if place is not None},
        meta=described,
        reader=reader,
        codec=form.codec,
        **parts,
    )
    return trace if trace.parent is None else written_on(trace.parent, trace)


def _lead(form: Format, reader: AnswerReader, ids: Sequence[int]) -> str:
    """With which words the answer begins where no markers tell.

    That is what the reader forces an answer with, where it stands in the text, else the beginning of the sentence in
    which the text states one.
    """
    suffix = reader.suffix.strip()
    if not form.plain or not suffix:
        return suffix
    text = b"".join(form.codec.pieces(ids)).decode("utf-8", "replace")
    last = max(filter(None, (one.suffix.strip() for one in reader.forms)), key=text.rfind)
    if last in text:
        return last
    answer = reader.read(f"{text}\n", finished=False)  # nothing but what is stated: the last number may be any
    if answer is None:
        return suffix
    return text[max(sentence_starts(text[: answer.start])) : answer.end]


def _remarks(meta: Mapping[str, Any], found: Segments) -> list[str]:
    if meta["format"] == "plain" or meta.get("finish") not in ("stop", "length"):
        return []
    if found.closed:
        empty = found.answer is None or (found.answer[0] == found.answer[1] and "answer" not in found.chars)
        return [NO_ANSWER] if empty else []
    if found.thought is None:
        return [NO_THOUGHT]
    return [ENDED_OPEN if meta["finish"] == "stop" else CUT_OPEN]
