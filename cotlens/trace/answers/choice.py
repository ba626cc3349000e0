"""The reader of multiple choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cotlens._core.errors import InputError
from cotlens.trace.answers.answer import Answer, AnswerForm
from cotlens.trace.answers.search.options import options
from cotlens.trace.answers.search.order import Search
from cotlens.trace.values.fold import fold, seen


@dataclass(frozen=True)
class Choice:
    """The letter of a multiple choice.

    A letter that is stated ("the answer is", "the correct option is", "I choose", "B is correct") or boxed counts
    first, and the last of them; then one that stands apart: before punctuation, in brackets or bold, or at the end of
    its line. Options that are rejected ("not A", "option B is wrong"), the lines of a list of options, the article "A"
    and the pronoun "I" are passed over. Small letters count where they can be nothing else ("answer: b", "(b)").
    """

    letters: str = "ABCD"
    suffix: str = "The answer is "
    terminator: str = "."
    name: ClassVar[str] = "choice"

    @property
    def seeks(self) -> str:
        """What it looks for, in words."""
        return f"one of the letters {self.letters}, stated or standing apart"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def __post_init__(self) -> None:
        if not self.letters or len(set(self.letters)) != len(self.letters) or not self.letters.isalnum():
            raise InputError(
                f"Choice letters must be different letters or digits, such as 'ABCD'; {self.letters!r} was given."
            )

    def normal(self, surface: str) -> str:
        """The letter as it stands in `letters`."""
        return options(self.letters).letter(fold(seen(surface)[0])) or surface.strip()

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """The chosen letter in `text`."""
        search, found = Search.of(text, finished), options(self.letters)
        place = found.stated(search) or found.apart(search)
        return search.answer(place, self.name, self.normal)
