"""The values that stand in a text, and the sentences of a thought that state the answer; for any reader."""

from __future__ import annotations

from itertools import pairwise

from cotlens.measure.answers.forced import Target
from cotlens.trace import Span, Trace
from cotlens.trace.answers import AnswerReader
from cotlens.trace.splitting.splitters import sentence_starts
from cotlens.trace.values.numbers import numerals


def values_in(reader: AnswerReader | None, text: str) -> list[str]:
    """Values as they are written in `text`, in order: what the reader reads in each sentence, and every number."""
    found: dict[tuple[int, int], str] = {}
    for start, end in pairwise([*sentence_starts(text), len(text)]):
        sentence = text[start:end].rstrip()
        for number in numerals(sentence):
            found[start + number.start, start + number.end] = sentence[number.start : number.end]
        answer = None if reader is None else reader.read(sentence)
        if answer is not None and (surface := answer.surface.strip()):
            found[start + answer.start, start + answer.end] = surface
    return [found[place] for place in sorted(found)]


def answer_lines(trace: Trace, target: Target, reader: AnswerReader | None = None) -> list[Span]:
    """The sentences of the thought that state the target: those that hold a value of its normal form.

    Without a reader, those that hold it as it is.
    """
    reader = trace.reader if trace.reader is not None else reader
    found = []
    for span in trace.spans("sentence"):
        text = trace.text[span.char_start : span.char_end]
        if reader is None:
            stated = target.surface in text
        else:
            stated = any(target.group in (value, reader.normal(value)) for value in values_in(reader, text))
        if stated:
            found.append(span)
    return found
