"""The options of a multiple choice in running text: which of them is stated, which is rejected, which only listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from cotlens.trace.answers.search.clauses import settled
from cotlens.trace.answers.search.order import MOST, Search
from cotlens.trace.answers.search.statements import UNCLEAR, Place, Statement, clause

_MARKUP = r"(?:[\s*_`\"'“$(\[{]|\\(?:text|textbf|mathbf|mathrm|boxed|fbox)\s?\{|\\[(\[])"
_LEAD = re.compile(
    r"""\b(?:correct|right|best|final)\s(?:option|choice|letter)s?\b[^.:=\n]{0,60}?(?:\sis\b:?|\s?:)
    | \b(?:option|choice|letter)[*_ ]*:
    | \b(?:so|thus|hence|therefore),?\s(?:it\s(?:is|must\sbe)\s|it['’]s\s)?
      (?=[*(\[]{0,3}(?-i:[A-Z])[)\]*]{0,3}(?:[.,;!]|\s\(|\s*\Z))
    | \b(?:choose|pick|select|chose|picked|selected|go\ with|going\ with|opt\ for)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_VERB = r"(?:is|are|was|were|seems?|looks?|would\sbe|must\sbe|can\sbe)"
_BAD = (
    r"(?:wrong|incorrect|false|invalid|impossible|irrelevant|unrelated|eliminated|excluded|discarded|ruled|too\b|not\b)"
)
_REJECTED = re.compile(
    r"""(?:\beither\s[^.\n]{1,20}\sor|\bnot|n['’]t(?:\sbe)?|\bneither|\bnor|\brather\sthan|\binstead\sof|\bunlike|\bthan|\bother\sthan
      | \b(?:eliminat|exclud|discard|reject)\w*|\brul\w+\sout)
    [\s:*_]+(?:(?:the|option|choice|answer|either|both)s?\s+)*[*(\["']*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_REFUTED = re.compile(
    rf"""[*_)\]"'}}]*+[^\S\n]*+(?:(?:,|and|or|&)[^\S\n]*[*(]*[A-Za-z]\b[*)]*[^\S\n]*)*+
    (?: (?:,?\s?(?:which|and\sthat|but\s(?:that|this|it))\s)?{_VERB}\s(?:\w+ly\s|also\s|just\s)?{_BAD}
      | (?:is|are|was|were|does|do|did|can|could|would)n['’]t\b | can['’]t\b
      | (?:does|do|can|could)\s?not\b | (?:fails?|contradicts?|ignores?|misses|confuses|omits?|overstates)\b
      | makes?\sno\ssense )""",
    re.VERBOSE | re.IGNORECASE,
)
_SAID_BAD = re.compile(
    rf"[*_)\]\"'}}]*(?:[^\S\n]?(?:[:–—-]+|→|[-=]>)[^\S\n]*[*_]*{_BAD}|[)\]:.\s]{{0,3}}[❌✗✘])", re.IGNORECASE
)
_ARTICLE = re.compile(
    r"[^\S\n]+(?!(?:because|since|as|is|was|and|or|but|not|for|due|which|with|would|must|has)\b)(?:[a-z]|[A-Z][a-z])"
)
_PAIRED = r"[)\]*_`\"'.]{0,3}\s?(?:,\s?)?(?:/|&|\b(?:and|or)\b|,)\s?[*_`\"'(\[]*(?:(?:option|choice)\s)?"
_REACH = 40  # characters beside a letter that can reject it


@lru_cache(maxsize=64)
def options(letters: str) -> Options:
    """How these letters are found."""
    return Options(letters)


class Options:
    """Finds letters of a multiple choice.

    Args:
        letters: all that can be chosen.
    """

    def __init__(self, letters: str) -> None:
        self._letters = letters
        either = "".join(dict.fromkeys(letters + letters.swapcase()))
        self._alone = re.compile(rf"{_MARKUP}*([{either}])(?:[)\]}}.:*_`\"'$\s]|\\\))*")
        self._slot = re.compile(
            rf"{_MARKUP}*+(?:(?i:option|choice|letter|answer)\s+{_MARKUP}*+)?"
            rf"(?:(?<=')([{letters}])(?=')|([{letters}])(?![A-Za-z0-9'’])|(?<=[(\[])([{either}])(?=[)\]])"
            rf"|([{either}])(?=[).\]:,;*}}`]|[^\S\n]*(?:\n|\Z)))"
        )
        self._token = re.compile(
            rf"(?<![A-Za-z0-9'’\\+/^-])(?<![+/^] )(?<![0-9A-Za-z)][*=])"  # in no formula
            rf"(?:([{letters}])(?![A-Za-z0-9'’-])(?!\s?[*^+=]\s?[0-9A-Za-z(])|(?<=[(\[])([{either}])(?=[)\]]))"
        )
        self._praised = re.compile(
            rf"(?<![A-Za-z0-9'’])([{letters}])[)\]*\"'.]{{0,3}}\s(?:(?:is|must\sbe|would\sbe|(?:seems|appears|looks)(?:\sto\sbe)?)\s"
            r"(?:therefore\s|clearly\s|indeed\s)?(?:the\s)?(?:most\s)?(?:only\s)?"
            r"(?:correct|right|best|true|answer|accurate|likely|appropriate|plausible|reasonable|suitable)|fits|works|it\sis(?=[.!\s]*(?:\n|\Z)))\b"
            rf"|(?<![A-Za-z0-9'’])([{letters}])[)\]*:.\s]{{0,3}}(?:[✅✔✓☑]|(?:→|[-=]>)\s?(?:right|correct|true)\b)"
        )
        self._paired = re.compile(rf"{_PAIRED}([{letters}])(?![A-Za-z0-9'’])")
        self._item = re.compile(rf"(?:\A|\n)[ *_(-]*([{letters}])[).:]")

    def letter(self, surface: str) -> str | None:
        """The option that a text names and nothing else, as it stands among the letters."""
        found = self._alone.fullmatch(surface)
        return None if found is None else found[1] if found[1] in self._letters else found[1].swapcase()

    def stated(self, search: Search) -> Place | None:
        """The option in the last box or statement that has one."""
        if search.open:
            return None
        text, places = search.text, list[tuple[int, Statement | None, Place | None]]()
        for start, end in search.standing:
            places.append((start, None, self._in_slot(text, start, end)))
        leads = [clause(text, lead.end()) for lead in _LEAD.finditer(text)]
        for one in (*search.statements[-MOST:], *leads[-MOST:]):
            places.append((one.start, one, self._in_clause(text, one)))
        for found in self._praised.finditer(text):
            praised = _place(found)
            places.append((found.start(), None, None if self._rejected(text, *praised[:2]) else praised))
        for _, said, place in sorted(places, key=lambda each: each[0], reverse=True):
            if said is not None and not search.finished and not settled(text, said, place):
                return None
            if place is not None:
                return self._sole(text, place)
        return None

    def _sole(self, text: str, place: Place) -> Place:
        """A place, unclear where another option stands beside it: "A and C", "B/C"."""
        other = self._paired.match(text, place.end)
        if other is None or self._rejected(text, *other.span(1)) or self._is_article(text, _place(other)):
            return place
        return place._replace(kind=UNCLEAR)

    def _in_slot(self, text: str, start: int, end: int) -> Place | None:
        found = self._slot.match(text, start, end)
        return None if found is None else _place(found)

    def _in_clause(self, text: str, one: Statement) -> Place | None:
        """The option right after the lead, else the first one of its clause that isn't rejected."""
        first = self._in_slot(text, one.start, one.end)
        if one.correcting and (first is None or not _ALONE.match(text, first.end)):
            return None
        if first is not None and not self._is_article(text, first) and not self._rejected(text, first.start, first.end):
            return first
        if re.match(r"[\s*]*either\b", text[one.start : one.end], re.IGNORECASE) or one.concluding:
            return None
        kept = (place for place in self._tokens(text, one.start, one.end) if not self._rejected(text, *place[:2]))
        return next((place._replace(direct=False) for place in kept), None)

    def _tokens(self, text: str, start: int, end: int) -> Iterator[Place]:
        for found in self._token.finditer(text, start, end):
            place = _place(found)
            if not self._is_article(text, place):
                yield place

    def _is_article(self, text: str, place: Place) -> bool:
        """Whether "A" or "I" is a word here."""
        return text[place.start] in "AI" and _ARTICLE.match(text, place.end) is not None

    def _rejected(self, text: str, start: int, end: int) -> bool:
        return bool(_REJECTED.search(text[max(0, start - _REACH) : start]) or _REFUTED.match(text, end))

    def apart(self, search: Search) -> Place | None:
        """The last option of a finished text that stands apart and is neither rejected nor one of a list."""
        if not search.finished:
            return None
        text = search.text
        items = list(self._item.finditer(text))
        listed = {found.start(1) for found in items} if len({found[1] for found in items}) > 1 else set()
        last = before = None
        for place in self._tokens(text, search.rest, len(text)):
            stands = _APART.match(text, place.end) or text[max(0, place.start - 1) : place.start] in ("*", "(")
            if stands and place.start not in listed and not self._rejected(text, *place[:2]):
                last = last if _SAID_BAD.match(text, place.end) else self._of_pair(text, before, place)
            before = place
        if last is None and not search.rest and (whole := self._alone.fullmatch(text)) is not None:
            return _place(whole)
        return last

    def _of_pair(self, text: str, before: Place | None, place: Place) -> Place:
        """An option, unclear where the one before it stands beside it."""
        other = None if before is None else self._paired.match(text, before.end)
        return place if other is None or other.end() != place.end else place._replace(kind=UNCLEAR)


_ALONE = re.compile(r"[)\]}*_`\"'$\s]*(?:[.!,;:—–-]|\Z|\n|\s(?:because|since|as|is|for)\b)")
_APART = re.compile(
    r"[\s*_$]*(?:(?:rather\sthan|instead\sof|as\sopposed\sto|(?:and\s)?not)\b|\((?:and\s)?not\b|[).,:;!?\]}]|\*(?![0-9A-Za-z(])|\Z|\n)"
)


def _place(found: re.Match[str]) -> Place:
    return Place(*found.span(found.lastindex or 0), "letter")
