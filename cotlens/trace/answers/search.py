"""Where in a text an answer is looked for, in order: its last box, what it states last, and the rest of it.

Of a text that was cut off only what can't change by going on is taken: complete boxes, and statements whose clause or
value was ended. Where a box or a statement had begun when it was cut, there is no answer yet; nor is there one in the
rest of the text, where the next word might bring another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from cotlens.trace.answers.boxes import Boxes, boxes
from cotlens.trace.answers.fold import fold
from cotlens.trace.answers.numbers import last_numeral
from cotlens.trace.answers.stated import Place, settled
from cotlens.trace.answers.statements import Statement, answered, statements
from cotlens.trace.answers.words import number_words


MOST = 50  # statements and boxes that are looked into, the last ones


@dataclass(frozen=True)
class Search:
    """A folded text, up to where it goes over to another question.

    Args:
        finished: whether the model ended the text itself.
    """

    text: str
    finished: bool

    @classmethod
    def of(cls, text: str, finished: bool) -> Search:
        """The search through a text as it was written."""
        whole = cls(fold(text), finished)
        ends = [end for _, end in whole.boxes.complete[:1]] + [one.end for one in whole.statements if not one.concluding][:1]
        end = answered(whole.text, min(ends)) if ends else len(text)
        return whole if end == len(text) else cls(whole.text[:end], True)

    @cached_property
    def boxes(self) -> Boxes:
        """The boxes of the text."""
        return boxes(self.text)

    @cached_property
    def statements(self) -> list[Statement]:
        """The statements of the text; what one concludes on the way of a text that was cut off is no answer."""
        return [one for one in statements(self.text) if self.finished or not one.concluding]

    @property
    def open(self) -> bool:
        """Whether the text was cut off within a box."""
        return not self.finished and self.boxes.open

    def boxed(self, find: Callable[[str, int, int], Place | None]) -> Place | None:
        """What `find` makes of the content of a box, of the last for which it makes anything."""
        if self.open:
            return None
        found = (find(self.text, start, end) for start, end in reversed(self.boxes.complete[-MOST:]) if self._ended(start, end))
        return next((place for place in found if place is not None), None)

    def _ended(self, start: int, end: int) -> bool:
        r"""Whether what a box holds was ended: by its brace, or where `\boxed 5` has none by a space or a sign of TeX."""
        return self.finished or self.text[start - 1] == "{" or self.text[end : end + 1] in tuple(" \n$\\")

    def stated(self, find: Callable[[str, Statement], Place | None]) -> Place | None:
        """What `find` makes of a statement, of the last for which it makes anything."""
        if self.open:
            return None
        for clause in reversed(self.statements[-MOST:]):
            place = find(self.text, clause)
            if not self.finished and not (clause.closed if place is None else settled(self.text, clause, place)):
                return None
            if place is not None:
                return place
        return None

    def last_number(self) -> Place | None:
        """The last number of a finished text that isn't a label, an ordinal or the like; else the last that is."""
        if not self.finished:
            return None
        chosen = last_numeral(self.text)
        if chosen is not None:
            return Place(chosen.start, chosen.end)
        words = self.text.strip(" \n.*")
        start = self.text.find(words)
        return Place(start, start + len(words)) if number_words(words) is not None else None
