"""Answer readers: how the answer is found in the text after the thought.

A reader also knows how to force an answer: after the thought is closed, `suffix` is what leads to the value and
`terminator` what normally follows it, so that models can score `suffix + value + terminator`.

To add a reader, write a module as `number`, export it here, and give it a line in `saved`, so that files keep it, and
one in `cotlens.workbench.editor.readers`, so that the editor offers it.

Open `answer` first, then `final`, the default. How a text is searched is `search`.
"""

from cotlens.trace.answers.answer import Answer, AnswerForm, AnswerReader, unread
from cotlens.trace.answers.boxed import Boxed
from cotlens.trace.answers.choice import Choice
from cotlens.trace.answers.custom import Function, Regex
from cotlens.trace.answers.final import FinalAnswer
from cotlens.trace.answers.number import Number
from cotlens.trace.answers.saved import reader_from_data, reader_to_data

__all__ = [
    "Answer",
    "AnswerForm",
    "AnswerReader",
    "Boxed",
    "Choice",
    "FinalAnswer",
    "Function",
    "Number",
    "Regex",
    "reader_from_data",
    "reader_to_data",
    "unread",
]
