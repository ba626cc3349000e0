"""The text of a reasoning model: traces, spans, edits, sentence splitting and answer reading.

Nothing here needs a model, torch or a network. A `Trace` is immutable; edits make new traces that know their parent.

Open `trace` first, then `editing`. `answers`: what was answered, read from a text. `values`: how numbers are written.
`splitting`: sentences and paragraphs. `parts`: turns, tools and several thoughts. `collection`: many traces. `readers`:
what others wrote.

A format of files, of a provider or of a data set is added in `readers`, a way to find an answer in a text in `answers`,
a way to write a number in `values`.
"""

from cotlens.trace.answers import Answer, AnswerReader, Boxed, Choice, FinalAnswer, Function, Number, Regex
from cotlens.trace.codec import Codec
from cotlens.trace.edit import Edit
from cotlens.trace.spans import Span
from cotlens.trace.splitting.splitters import chunk_texts, split
from cotlens.trace.trace import Trace

__all__ = [
    "Answer",
    "AnswerReader",
    "Boxed",
    "Choice",
    "Codec",
    "Edit",
    "FinalAnswer",
    "Function",
    "Number",
    "Regex",
    "Span",
    "Trace",
    "chunk_texts",
    "split",
]
