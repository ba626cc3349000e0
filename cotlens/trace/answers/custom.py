"""Readers of the user's own making: a regular expression, or any function."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from cotlens._core.errors import InputError
from cotlens.trace.answers.answer import Answer, AnswerForm


@dataclass(frozen=True)
class Regex:
    """The last match of a regular expression: its group "answer", else its first group, else all of it."""

    pattern: str
    suffix: str = ""
    terminator: str = ""
    name: ClassVar[str] = "regex"

    @property
    def seeks(self) -> str:
        """What it looks for, in words."""
        return f"a match of {self.pattern!r}"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def normal(self, surface: str) -> str:
        """The value without surrounding whitespace."""
        return surface.strip()

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise InputError(f"{self.pattern!r} is not a regular expression: {error}.") from error

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """The last match in `text`, without surrounding whitespace; none that reaches the end of a text cut off."""
        last = deque(re.finditer(self.pattern, text), maxlen=1)
        if not last or (not finished and last[0].end() == len(text)):
            return None
        return self._answer(last[0])

    def _answer(self, last: re.Match[str]) -> Answer | None:
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
    seeks: ClassVar[str] = "what its function finds"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def normal(self, surface: str) -> str:
        """The value as it is: what it means is the function's affair."""
        return surface

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """What the function makes of `text`; nothing that reaches the end of a text cut off there."""
        value = self.fn(text)
        if value is None:
            return None
        if not isinstance(value, Answer):
            found = text.rfind(str(value))
            start, end = (found, found + len(str(value))) if found >= 0 else (0, len(text))
            value = Answer(str(value), start, end, text[start:end], self.name)
        return value if finished or value.end < len(text) else None
