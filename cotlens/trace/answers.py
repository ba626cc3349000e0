"""Answer readers: how the answer is found in the text after the thought.

A reader also knows how to force an answer: after the thought is closed, `suffix` is what leads to the value and
`terminator` what normally follows it, so that models can score `suffix + value + terminator`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol, runtime_checkable

from cotlens._core.errors import InputError
from cotlens.trace.values import NUMBER, number_value, tex_value


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


def _last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = deque(pattern.finditer(text), maxlen=1)
    return last[0] if last else None


@dataclass(frozen=True)
class Number:
    """The last number; thousands separators and trailing zeros don't count: "1,234.50" reads as "1234.5"."""

    suffix: str = "The answer is "
    terminator: str = "."
    name: ClassVar[str] = "number"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """The last number in `text`."""
        last = _last_match(NUMBER, text)
        return None if last is None else Answer(number_value(last.group()), *last.span(), last.group(), self.name)


@dataclass(frozen=True)
class Boxed:
    r"""The content of the last `\boxed{}` whose braces balance, with TeX spacing and sizing taken out."""

    suffix: str = "The final answer is \\boxed{"
    terminator: str = "}"
    name: ClassVar[str] = "boxed"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    _brace: ClassVar[re.Pattern[str]] = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        r"""The last complete `\boxed{...}` in `text`; one that was cut off is passed over."""
        last: tuple[int, int] | None = None
        opened: list[int | None] = []  # where the content of each open box begins, None for other braces
        for brace in self._brace.finditer(text):
            if brace.group() == "}":
                start = opened.pop() if opened else None
                if start is not None and (last is None or start > last[0]):
                    last = (start, brace.start())
            elif brace.group().endswith("{") and brace.group() != "\\{":
                opened.append(None if brace.group() == "{" else brace.end())
        return None if last is None else Answer(tex_value(text[slice(*last)]), *last, text[slice(*last)], self.name)


@dataclass(frozen=True)
class Choice:
    """The letter of a multiple choice.

    A letter right after "answer", "choice" or "option", or in a box, counts first; otherwise one that stands apart:
    before punctuation, in brackets or bold, or at the end of its line. The last of them is the answer. The article "A"
    at the beginning of a sentence counts as neither.
    """

    letters: str = "ABCD"
    suffix: str = "The answer is "
    terminator: str = "."
    name: ClassVar[str] = "choice"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def __post_init__(self) -> None:
        if not self.letters or len(set(self.letters)) != len(self.letters) or not self.letters.isalnum():
            raise InputError(
                f"Choice letters must be different letters or digits, such as 'ABCD'; {self.letters!r} was given."
            )

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """The chosen letter in `text`."""
        letter = f"([{self.letters}])(?![A-Za-z0-9])"
        lead = r"(?i:answer|choice|option)(?i:\s+is|\s+would\s+be)?[\s:*_$(\[]*"
        said = rf"{lead}(?:\\(?:boxed|text)\{{)*\(?{letter}"
        boxed = rf"\\boxed\{{(?:\\text\{{)?\(?{letter}"
        apart = rf"(?<![A-Za-z0-9'’]){letter}(?=[\s*_$]*(?:[).,:;!?\]}}*]|\Z|\n))"
        for pattern in (f"{said}|{boxed}", apart):
            last = _last_match(re.compile(pattern), text)
            if last is not None and last.lastindex is not None:
                return Answer(
                    last.group(last.lastindex), *last.span(last.lastindex), last.group(last.lastindex), self.name
                )
        return None


@dataclass(frozen=True)
class Regex:
    """The last match of a regular expression: its group "answer", else its first group, else all of it."""

    pattern: str
    suffix: str = ""
    terminator: str = ""
    name: ClassVar[str] = "regex"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise InputError(f"{self.pattern!r} is not a regular expression: {error}.") from error

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """The last match in `text`, without surrounding whitespace."""
        last = _last_match(re.compile(self.pattern), text)
        if last is None:
            return None
        group: int | str = "answer" if "answer" in last.re.groupindex else min(last.re.groups, 1)
        if last.group(group) is None:
            return None
        return Answer(last.group(group).strip(), *last.span(group), last.group(group), self.name)


@dataclass(frozen=True)
class Function:
    """Any function of the answer text that returns the value, an `Answer`, or None.

    A value that stands in the text is placed where it last stands there; any other covers the whole text. Functions
    can't be saved with a trace.
    """

    fn: Callable[[str], Any]
    suffix: str = ""
    terminator: str = ""
    name: ClassVar[str] = "function"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """What the function makes of `text`."""
        value = self.fn(text)
        if value is None or isinstance(value, Answer):
            return value
        found = text.rfind(str(value))
        start, end = (found, found + len(str(value))) if found >= 0 else (0, len(text))
        return Answer(str(value), start, end, text[start:end], self.name)


_SAVED: dict[str, type[Number] | type[Boxed] | type[Choice] | type[Regex]] = {
    kind.name: kind for kind in (Number, Boxed, Choice, Regex)
}


def reader_to_data(reader: AnswerReader) -> dict[str, Any]:
    """A reader as JSON data: name and fields, or the name alone where code would be needed to restore it."""
    if type(reader) is not _SAVED.get(reader.name):
        return {"name": reader.name}
    return {"name": reader.name, "fields": {field.name: getattr(reader, field.name) for field in fields(reader)}}


def reader_from_data(data: dict[str, Any]) -> AnswerReader | None:
    """The reader that `reader_to_data` wrote down; None for one that was saved by name alone."""
    kind = _SAVED.get(data["name"])
    return kind(**data["fields"]) if kind is not None and "fields" in data else None
