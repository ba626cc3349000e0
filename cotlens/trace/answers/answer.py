"""What an answer is, and what reads one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was read.

    Args:
        text: the value in its normal form, so that equal answers are equal strings ("7.0" and "7"). It groups answers;
            what is scored, shown or replaced is the surface.
        start, end: the characters it was read from, in the text that was given to the reader.
        surface: the value as it stands there ("70,000" where `text` is "70000"); what a model is asked to score.
        form: name of the `AnswerForm` in which it was given; "" where the reader knows none.
    """

    text: str
    start: int
    end: int
    surface: str = field(default="", compare=False)
    form: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """A way to write an answer down: what leads to the value, and what normally follows it.

    Args:
        name: one lower-case word ("boxed", "said").
        suffix: text after the closed thought that leads to the value.
        terminator: what normally follows the value; "" if nothing does.
    """

    name: str
    suffix: str
    terminator: str


def unread(reader: AnswerReader | None, finished: bool = True) -> str:
    """Why an answer's text has none that can be read, in words: who read it, and what it looks for.

    Args:
        finished: whether the text was ended rather than cut off.
    """
    if reader is None:
        return "the answer could not be read: no reader was given"
    sought = getattr(reader, "seeks", None)
    looks = f"the reader {reader.name!r}" + (f" looks for {sought}" if sought else "")
    cut = "" if finished else "; the text was cut off, and only an answer that it states in full counts"
    return f"the answer could not be read: {looks}{cut}"


@runtime_checkable
class AnswerReader(Protocol):
    """What reads an answer, and what to write to force one."""

    @property
    def name(self) -> str:
        """One lower-case word."""
        ...

    @property
    def suffix(self) -> str:
        """Text after the closed thought that leads to the value."""
        ...

    @property
    def terminator(self) -> str:
        """What normally follows the value; "" if nothing does."""
        ...

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The forms in which this reader can force an answer, its own first."""
        ...

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """The answer in `text`, None where there is none.

        Args:
            finished: whether the model ended the text itself. Where it was cut off, a value that reaches the end of the
                text, or could go on there, is not an answer.
        """
        ...

    def normal(self, surface: str) -> str:
        """The normal form of a value, however it is written, so that it can be compared with `Answer.text`.

        `normal(answer.surface) == answer.text` for what the reader has read, and `normal(normal(s)) == normal(s)`.
        """
        ...
