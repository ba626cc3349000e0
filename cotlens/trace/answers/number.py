"""The reader of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cotlens.trace.answers.answer import Answer, AnswerForm
from cotlens.trace.answers.search.clauses import SEVERAL, reckoned, stated_number
from cotlens.trace.answers.search.order import Search
from cotlens.trace.answers.search.statements import UNCLEAR, Place
from cotlens.trace.values.arithmetic import computed
from cotlens.trace.values.fold import fold, seen
from cotlens.trace.values.numbers import last_numeral, number, numerals
from cotlens.trace.values.relations import answer_side
from cotlens.trace.values.words import number_words


@dataclass(frozen=True)
class Number:
    """The number that a text gives: in its last box, else the one that it states last, else its last.

    Signs, separators of all countries, exponents, fractions and mixed numbers are read; units, percent and currency
    signs are left out (`cotlens.trace.values.numbers` says how). "1,234.50" reads as "1234.5", "1/3" as "1/3".
    """

    suffix: str = "The answer is "
    terminator: str = "."
    name: ClassVar[str] = "number"
    seeks: ClassVar[str] = "a number: in a box, after words such as 'the answer is', or the last one"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def normal(self, surface: str) -> str:
        """A number without separators, units and needless zeros; what holds no number stays as it is."""
        known = number(surface) or number_words(surface) or computed(fold(seen(surface)[0]))
        return known or next((one.text for one in numerals(surface)), surface.strip())

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """The number in `text`."""
        search = Search.of(text, finished)
        place = search.upheld(number_in, stated_number) or search.stated(stated_number) or search.last_number()
        return search.answer(place, self.name, self.normal)


def number_in(text: str, start: int, end: int) -> Place | None:
    """The last number in a stretch of `text`, or what it comes to; unclear where there are several."""
    begin, end = answer_side(text, start, end)
    if reckoned(text[begin:end]):
        return Place(begin, end)
    last = last_numeral(text[begin:end])
    if last is None:
        return None
    kind = UNCLEAR if SEVERAL.search(text, begin, end) else "number"
    return Place(begin + last.start, begin + last.end, kind)
