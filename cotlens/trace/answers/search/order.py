"""Where in a text an answer is looked for, in order: its last box, what it states last, and the rest of it.

Of a text that was cut off only what can't change by going on is taken: complete boxes, and statements whose clause or
value was ended. Where a box or a statement had begun when it was cut, there is no answer yet; nor is there one in the
rest of the text, where the next word might bring another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from cotlens.trace.answers.answer import Answer
from cotlens.trace.answers.search.boxes import Boxes, boxes
from cotlens.trace.answers.search.clauses import reckoned, settled
from cotlens.trace.answers.search.corrections import doubted, hesitating, undecided, unstruck, withdrawn
from cotlens.trace.answers.search.fields import NOTHING
from cotlens.trace.answers.search.statements import UNCLEAR, Place, Statement, answered, statements
from cotlens.trace.values.fold import fold, placed, seen
from cotlens.trace.values.numbers import last_numeral, numerals
from cotlens.trace.values.relations import answer_side
from cotlens.trace.values.words import WORDS, number_words

MOST = 50  # statements and boxes that are looked into, the last ones


@dataclass(frozen=True)
class Search:
    """A folded text without what is struck out or can't be seen, up to where it goes over to another question.

    Args:
        finished: whether the model ended the text itself.
        written: the text as it was written.
        kept: where each character of `text` stands in it; None where they are one for one.
        refused: ends of the values found so far that are called wrong right behind them.
    """

    text: str
    finished: bool
    written: str
    kept: list[int] | None = None
    refused: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, finished: bool) -> Search:
        """The search through a text as it was written."""
        visible, kept = seen(text)
        whole = cls(unstruck(fold(visible)), finished, text, kept)
        ends = [end for _, end in whole.boxes.complete[:1]] + [
            one.end for one in whole.statements if not one.concluding
        ][:1]
        end = answered(whole.text, min(ends)) if ends else len(whole.text)
        return whole if end == len(whole.text) else cls(whole.text[:end], True, text, kept)

    @cached_property
    def boxes(self) -> Boxes:
        """The boxes of the text."""
        return boxes(self.text)

    @cached_property
    def statements(self) -> list[Statement]:
        """The statements of the text; what one concludes on the way of a text that was cut off is no answer."""
        return [one for one in statements(self.text) if self.finished or not one.concluding]

    def answer(self, place: Place | None, form: str, normal: Callable[[str], str]) -> Answer | None:
        """What stands at a place, as it was written; None where several values do, of which any might be meant."""
        if place is None or place.kind == UNCLEAR:
            return None
        start, end = placed(place.start, place.end, self.kept)
        surface = self.written[start:end]
        return Answer(normal(surface), start, end, surface, form)

    @property
    def open(self) -> bool:
        """Whether the text was cut off within a box, or in words behind one that may take it back."""
        last = self.boxes.complete[-1:]
        return not self.finished and (
            self.boxes.open or any(undecided(self.text, _behind(self.text, end)) for _, end in last)
        )

    def boxed(self, find: Callable[[str, int, int], Place | None]) -> Place | None:
        """What `find` makes of the content of a box, of the last for which it makes anything."""
        if self.open:
            return None
        found = (find(self.text, start, end) for start, end in reversed(self.standing))
        return next((place for place in found if place is not None), None)

    @cached_property
    def standing(self) -> list[tuple[int, int]]:
        """What the last boxes hold that were ended and aren't called wrong."""
        return [place for place in self.boxes.complete[-MOST:] if self._ended(*place)]

    def upheld(
        self, find: Callable[[str, int, int], Place | None], said: Callable[[str, Statement], Place | None]
    ) -> Place | None:
        """What `boxed` finds, unless the text corrects it right behind it and `stated` finds another value there."""
        place = self.boxed(find)
        if place is None or not doubted(self.text, _behind(self.text, place.end)):
            return place
        other = self.stated(said)
        return None if other is not None and other.start > place.end else place

    def _ended(self, start: int, end: int) -> bool:
        r"""Whether what a box holds was ended: by its brace, or that of `\boxed 5` by a space or a sign of TeX."""
        if withdrawn(self.text, _behind(self.text, end)):
            self.refused.append(end)
            return False
        return self.finished or self.text[start - 1] == "{" or self.text[end : end + 1] in tuple(" \n$\\")

    def stated(self, find: Callable[[str, Statement], Place | None]) -> Place | None:
        """What `find` makes of a statement, of the last for which it makes anything."""
        if self.open:
            return None
        for clause in reversed(self.statements[-MOST:]):
            if clause.whole and self.text[clause.start : clause.end].lower() in NOTHING:
                return Place(clause.start, clause.end, UNCLEAR)
            place = find(self.text, clause)
            if not self.finished and not (settled(self.text, clause, place) and self._passed(clause)):
                return None
            if place is None:
                continue
            if not withdrawn(self.text, place.end):
                return place
            self.refused.append(place.end)
        return None

    def _passed(self, clause: Statement) -> bool:
        """Whether a text that was cut off isn't about to correct what a clause says."""
        return not hesitating(self.text, clause.end)

    @property
    def rest(self) -> int:
        """Where the text begins that can still hold an answer: behind what was found and is called wrong."""
        return max(self.refused, default=0)

    def last_number(self) -> Place | None:
        """The last number of a finished text that isn't a label, an ordinal or the like; else the last that is."""
        if not self.finished:
            return None
        if _REFUSAL.search(self.text, max(self.rest, len(self.text) - _REACH)):
            return None
        chosen = last_numeral(self.text[self.rest :])
        if chosen is not None:
            return self._told(Place(self.rest + chosen.start, self.rest + chosen.end))
        words = self.text[self.rest :].strip(" \n.*")
        start = self.text.find(words)
        if number_words(words) is not None:
            return Place(start, start + len(words))
        count = _COUNT.fullmatch(self.text.rstrip(), self.rest)
        spelled = None if count is None else WORDS.match(self.text, count.start(1))
        known = spelled is not None and number_words(spelled.group()) is not None
        return Place(*spelled.span()) if spelled is not None and known else None

    def _told(self, last: Place) -> Place:
        """What the chain of equations comes to in which the last number stands: "15 = 12 + 3"."""
        begin = max(self.text.rfind("\n", 0, last.start) + 1, last.start - _REACH)
        if last.end - last.start > _REACH or "=" not in self.text[begin : last.start]:
            return last
        for chain in _CHAIN.finditer(self.text, begin, last.end + 1):
            if chain.start() <= last.start < chain.end():
                start, end = answer_side(self.text, *chain.span())
                if reckoned(self.text[start:end]):
                    return Place(start, end)
                if start <= last.start < end:
                    return last
                told = list(numerals(self.text[start:end]))
                return Place(start + told[-1].start, start + told[-1].end) if told else last
        return last


def _behind(text: str, end: int) -> int:
    """The end of what stands in braces, behind them."""
    return end + 1 if text[end : end + 1] == "}" else end


_COUNT = re.compile(  # a short sentence that counts
    r"\s*[A-Z][^.!?\n]{0,60}?\b(?:is|are|was|were|has|have|had|gets?|equals|makes?|needs?|remains?)\s(?:now\s|only\s|just\s)?"
    r"([a-z][a-z -]+)[.!]?"
)
_REFUSAL = re.compile(
    r"\b(?:can(?:no|['’])t|could\s?n[o'’]t|unable\sto|impossible\sto|not\spossible\sto)\s(?:be\s)?"
    r"(?:answer|determin|solve|tell|say|know|calculat|comput)\w*[^.!?\n]*[.!?\s]*\Z",
    re.IGNORECASE,
)
_REACH = 200  # characters before the last number of a line in which its equation may begin
_CHAIN = re.compile(
    r"(?:(?<![A-Za-z0-9_^{.])[-$(0-9][-+*/×÷·⋅^().,$0-9 ]*)?=[-+*/×÷·⋅^().,$0-9 =]*[0-9)](?! ?[*^(/]|[A-Za-z0-9])"
)
