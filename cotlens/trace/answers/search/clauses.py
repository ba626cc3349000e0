"""The value that a clause states after its lead: "... is x = 5", "... is $\\frac{1}{2}$.", "... is not A but B"."""

from __future__ import annotations

import re

from cotlens.trace.answers.search.formulas import (
    EQUATIONS,
    FILLER,
    after_filler,
    expression,
    last_formula,
    mathematical,
)
from cotlens.trace.answers.search.statements import UNCLEAR, Place, Statement
from cotlens.trace.values.arithmetic import computed
from cotlens.trace.values.money import SIGN, SIGNS
from cotlens.trace.values.numbers import Numeral, numerals
from cotlens.trace.values.relations import answer_side
from cotlens.trace.values.units import measured
from cotlens.trace.values.words import WORDS, number_words

_GOES_ON = re.compile(  # from one number of a computation or range to the next
    r"!?\s*(?:[-+*/×÷·⋅=≈–]|x|\\(?:times|cdot|div|approx|to)\b|to\b)[\s$({]*|\s*[A-Za-z%°$]+\s?[=+][\s$({]*"
)
_REJECTED = re.compile(
    rf"(?:\bnot|n't|\binstead of|\brather than|\bthan|\bout of|\bversus)[\s*_:]+(?:\w+ )?[*_]*{SIGN}?\s?\Z"
)
_DIFFERENCE = re.compile(r"[-–]?[0-9.,]+\s?[-–]\s?[0-9.,]+|[0-9.,]+\s?/\s?[0-9.,]+")
SEVERAL = re.compile(
    rf"(?<=[0-9%$}}{SIGNS}°])(?:\s?(?!or|and)[A-Za-z%°]{{1,12}}){{0,2}}\s?(?:\\text\{{)?\s?\b(?:or|and)\b\s?\}}?"
    rf"\s?[${SIGNS}\\-]*(?=[0-9])"
)
"""Stands between two numbers of which neither is the answer alone."""
_VERDICT = re.compile(
    r"(yes|no|true|false|unknown|undefined|undetermined|indeterminate|impossible)\b(?=[*_`\"'\s]*(?:[,;:.!—–(]|-\s|\Z)|\s+(?:because|since|as)\b)",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"[(\[]([A-Za-z])[)\]](?![A-Za-z(])"
    r"|([A-Z])(?!\.\s?[A-Z](?![A-Za-z]))(?=[).,;:*_`\"'\]}$]|\s*\Z|\s+(?:because|since|as|and|for|due|rather|instead|not|but)\b)"
    r"|([a-e])\)(?=\s)"
)
_PHRASE = re.compile(
    r"[^\W\d_][\w'’&.-]*(?: [^\W\d_](?:[\w'’&-]|\.(?=\w)|(?<= [A-Z])\.(?= [A-Z]))*){0,3}(?=\s*(?:[,;()*\"”_`]|\Z))"
)
_NO_PHRASE = re.compile(
    r"(?:that|to|in|by|given|obtained|found|then|thus|based|clear|simple|simply|not|the sum|as|when|if|because|this|it|"
    r"we|there|neither|either|both|what|how|which|whether|here|below|above|follows?|correct|wrong|therefore|also|still|now|right|of|on|at|a|an)\b",
    re.IGNORECASE,
)
_REST = re.compile(r"(?:[\s*_`\"'”’.,)\]}$%°]|\\[)\]])*+(?:(?!(?:is|are|was|were|isn|not)\b)[^\W\d_]+\s?){0,3}[\s.*_]*")
_OPERATOR = re.compile(r"\s?(?:[-+*/^=×÷·⋅≈]|\\(?:times|cdot|div))\s?[-0-9A-Za-z(\\]")
_UNIT_WORD = re.compile(rf"\s?(?:[{SIGNS}%°$]|[^\W\d_]+)")
_BETWEEN = re.compile(rf"\b(?:between|from)\s[${SIGNS}]?[0-9][^.\n]{{0,20}}?\s(?:and|to)\s[${SIGNS}]?[0-9]")
_SPAN = re.compile(r"[0-9]+(?:\.[0-9]+)?%?(?:\s?[–-]\s?|\sto\s)[0-9]+(?:\.[0-9]+)?%?(?![0-9.]*[0-9/*+^=])")
_WORDS_OF_A_VALUE = 8
_AFTER = re.compile(r"[*_`\"')\]}$.,;:!?]*\s+([A-Za-z]{2,})(?:[,;:.!?)]|\s+[A-Za-z]{2,}[\s,;:.!?)])")
_OPEN_WORD = re.compile(
    r"\b(?:and|or|to|of|off|times|plus|minus|over|under|point|through|hundred|thousand|million|billion|trillion|divided|"
    r"is|was|are|isn|wasn|if|only|unless|when|but|not|no|nor|than|rather|instead|except|which|that|either|"
    r"however|though|although)\b|[-+*/=^<>]"
)


_LEAD = 8  # characters before a clause that can make a minus of its first sign


def stated_number(text: str, clause: Statement) -> Place | None:
    """The number that a clause states: the one right after its lead, or what that computes; else its last."""
    return _alone(text, clause, _number(text, clause))


def _alone(text: str, clause: Statement, place: Place | None) -> Place | None:
    """A place; where it corrects another, only one that is all of its clause, but for units."""
    if not clause.correcting or place is None:
        return place
    name = place.kind != "text" or not re.search(r"(?<![^\s])[a-z]{3,}", text[place.start : place.end])
    return place if place.direct and name and _REST.fullmatch(text, place.end, clause.end) else None


def _number(text: str, clause: Statement) -> Place | None:
    found = _numerals(text, clause)
    if found and not found[0].bound and FILLER.fullmatch(text, clause.start, found[0].start):
        return _computed(text, found)
    if EQUATIONS.search(text, clause.start, clause.end) or _BETWEEN.search(text, clause.start, clause.end):
        return Place(clause.start, clause.end, UNCLEAR)
    spelled = _spelled(text, clause)
    if spelled is not None:
        return spelled
    if found and all(one.bound for one in found):
        return Place(found[0].start, found[0].end, UNCLEAR)
    kept = [one for one in found if not (one.bound or _turned_down(text, clause, one))]
    last = ([one for one in kept if not one.beside] or kept)[-1:]
    return Place(last[0].start, last[0].end, direct=False) if last else None


def _turned_down(text: str, clause: Statement, one: Numeral) -> bool:
    return _REJECTED.search(text[max(clause.start, one.start - 30) : one.start]) is not None


def stated_value(text: str, clause: Statement) -> Place | None:
    """The value that a clause states, of whatever kind; what is concluded is a number or a formula."""
    if clause.whole:
        return _whole(text, clause)
    if clause.concluding:
        return stated_number(text, clause) or last_formula(text, clause)
    place = (
        _verdict(text, clause)
        or mathematical(text, clause)
        or _quantity(text, clause)
        or expression(text, clause)
        or _letter(text, clause)
        or _phrase(text, clause)
        or _number(text, clause)
        or last_formula(text, clause)
    )
    return _alone(text, clause, place)


def _whole(text: str, clause: Statement) -> Place | None:
    """All of a field that holds a value; of one that holds sentences what its last one states."""
    inside = text[clause.start : clause.end]
    if not inside.strip():
        return None
    words = len(inside.split())
    if "\n" in inside or words > _WORDS_OF_A_VALUE or (words > 3 and inside.endswith(".")):
        last = clause.start + max(inside.rfind("\n"), inside.rfind(". ")) + 1
        return stated_value(text, clause._replace(whole=False, start=last))
    return Place(clause.start, clause.end, "text")


def _verdict(text: str, clause: Statement) -> Place | None:
    found = _VERDICT.match(text, after_filler(text, clause), clause.end)
    return Place(*found.span(1), "text") if found is not None else None


def _quantity(text: str, clause: Statement) -> Place | None:
    """A number right after the lead that is more than digits: several units, a date, or a comma before its decimals."""
    first = next(iter(_numerals(text, clause)), None)
    if first is None or not FILLER.fullmatch(text, clause.start, first.start) or _OPERATOR.match(text, first.end):
        return None
    span = _SPAN.match(text, first.start, clause.end)
    if span is not None and re.search("to|%", span.group()):
        return Place(*span.span(), "text")
    surface = text[first.start : first.end]
    if re.search(rf"[^\W\d_]|['\"{SIGNS}]", surface) and "\\" not in surface:
        return Place(first.start, first.end)
    unit = _UNIT_WORD.match(text, first.end, clause.end)
    decimal = unit is not None and "," in surface and measured(text, first.start, first.end)
    return Place(first.start, unit.end()) if unit is not None and decimal else None


def settled(text: str, clause: Statement, place: Place | None) -> bool:
    """Whether what a clause states, or that it states nothing, stands however the text goes on after its end."""
    if clause.asked:
        return False
    if clause.closed or place is None:
        return clause.closed
    after = _AFTER.match(text, place.end)
    return after is not None and place.direct and not _OPEN_WORD.search(text, place.end)


def _numerals(text: str, clause: Statement) -> list[Numeral]:
    """The numbers of a clause; its lead says whether a dash that stands apart is a minus: "is - 5"."""
    begin = max(0, clause.start - _LEAD)
    found = (one._replace(start=one.start + begin, end=one.end + begin) for one in numerals(text[begin : clause.end]))
    return [one for one in found if one.start >= clause.start]


def _computed(text: str, found: list[Numeral]) -> Place:
    """What the computation that begins with the first number comes to: what it says, else all of it, or its last."""
    last = found[0]
    for one in found[1:]:
        if not _GOES_ON.fullmatch(text, last.end, one.start):
            break
        last = one
    if SEVERAL.match(text, last.end):
        return Place(last.start, last.end, UNCLEAR)
    start, end = answer_side(text, found[0].start, last.end)
    if reckoned(text[start:end]):
        return Place(start, end)
    told = [one for one in found if start <= one.start and one.end <= end]
    return Place(told[-1].start, told[-1].end) if told else Place(last.start, last.end)


def reckoned(text: str) -> bool:
    """Whether a text is a computation whose result isn't told: "12 + 3"; a range and a lone difference are none."""
    return len(text) > 2 and not _DIFFERENCE.fullmatch(text.strip()) and computed(text) is not None


def _spelled(text: str, clause: Statement) -> Place | None:
    words = WORDS.match(text, after_filler(text, clause), clause.end)
    return Place(*words.span()) if words is not None and number_words(words.group()) is not None else None


def _letter(text: str, clause: Statement) -> Place | None:
    at = after_filler(text, clause)
    found = _LETTER.match(text, max(clause.start, at - 1), clause.end) or _LETTER.match(text, at, clause.end)
    return Place(*found.span(found.lastindex or 0), "letter") if found is not None else None


def _phrase(text: str, clause: Statement) -> Place | None:
    """A name or a few words that are all of the answer."""
    found = _PHRASE.match(text, after_filler(text, clause), clause.end)
    if found is None or _NO_PHRASE.match(found.group()):
        return None
    if number_words(found.group()) is not None:
        return Place(*found.span())
    return Place(*found.span(), "text")
