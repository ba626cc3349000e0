"""The value that a clause states after its lead: "... is x = 5", "... is $\\frac{1}{2}$.", "... is not A but B"."""

from __future__ import annotations

import re
from typing import NamedTuple

from cotlens.trace.answers.statements import Statement
from cotlens.trace.values.numbers import Numeral, numerals
from cotlens.trace.values.signs import CURRENCY
from cotlens.trace.values.units import beside
from cotlens.trace.values.words import WORDS, number_words

_FILLER = re.compile(
    rf"""(?:\s | [*_"'`\[{{(] | {CURRENCY} | [~≈=:] | \\(?:approx|boxed\{{|text\{{|mathbf\{{|textbf\{{)
    | (?:approximately|approx\.|about|around|roughly|exactly|only|just|simply|clearly|therefore|thus|then|equal\ to|
        option|choice|a\ total\ of|at\ least|at\ most|up\ to)\b | [A-Za-z]\s?= )*+""",
    re.VERBOSE | re.IGNORECASE,
)
_GOES_ON = re.compile(  # from one number of a computation or range to the next
    r"\s*(?:[-+*/×÷·⋅=≈–]|x|\\(?:times|cdot|div|approx|to)\b|to\b)[\s$({]*|\s*[A-Za-z%°$]+\s?[=+][\s$({]*"
)
_REJECTED = re.compile(
    rf"(?:\bnot|n't|\binstead of|\brather than|\bthan|\bout of|\bversus)\s+(?:\w+ )?{CURRENCY}?\s?\Z"
)
_MATH = re.compile(
    r"\\\((.{1,200}?)\\\)|\\\[(.{1,300}?)\\\]|\$\$(.{1,300}?)\$\$|\$((?:[^$\n\\]|\\.){1,200}?)\$", re.DOTALL
)
_PROSE = re.compile(r"(?<![A-Za-z\\{])[A-Za-z]{3,}(?![A-Za-z}])")
_RUN = re.compile(
    r"""(?:[0-9.,+*/^_=(){}\[\]|√πθ∞²³·×÷<>≤≥≈%°!\ –-] | \\[A-Za-z]+ | \\[{},] | (?<=[0-9)}])[a-z]{1,2}(?![A-Za-z])
    | (?<![A-Za-z])(?:[A-Za-z]|sqrt|pi|sin|cos|tan|log|ln)(?![A-Za-z]) | (?<=\s)(?:and|or)\s(?=[-0-9\\(]|[a-z]\s?=)
    )+""",
    re.VERBOSE,
)
_TRAILS = re.compile(r"(?<=[0-9A-Za-z)}])\s+[A-Za-z]?\s*\Z")  # the article of "5 + 3 a day"
_FORMULA = re.compile(
    r"[0-9A-Za-z)}\]]\s?[-–+*/^(,]\s?[0-9A-Za-z\\({\[√π-]|\\[A-Za-z{]|[0-9)][a-zA-Z√π]|[√π∞]|\s(?:and|or)\s"
)
_EQUALS = re.compile(r"(?<![<>!\\])(?:=|≈|\\approx)(?!=)")
_LETTER = re.compile(
    r"[(\[]([A-Za-z])[)\]](?![A-Za-z(])|([A-Z])(?=[).,;:*_`\"'\]}$]|\s*\Z|\s+(?:because|since|as|and|for|due|rather|instead|not|but)\b)"
    r"|([a-e])\)(?=\s)"
)
_PHRASE = re.compile(r"[^\W\d_][\w'’&.-]*(?: [^\W\d_][\w'’&-]*){0,3}(?=\s*(?:[,;()*\"”_`]|\Z))")
_NO_PHRASE = re.compile(
    r"(?:that|to|in|by|given|obtained|found|then|thus|based|clear|simple|simply|not|the sum|as|when|if|because|this|it|"
    r"we|there|neither|either|both|what|how|which|whether|here|below|above|follows?|correct|wrong|therefore|also|still|now|right|of|on|at|a|an)\b",
    re.IGNORECASE,
)
_AFTER = re.compile(r"[*_`\"')\]}$.,;:!?]*\s+([A-Za-z]{2,})(?:[,;:.!?)]|\s+[A-Za-z]{2,}[\s,;:.!?)])")
_OPEN_WORD = re.compile(
    r"(?:and|or|to|times|plus|minus|over|point|through|hundred|thousand|million|billion|trillion|divided|is|was|are|isn)\b"
)


_LEAD = 8  # characters before a clause that can make a minus of its first sign


class Place(NamedTuple):
    """Where a value stands.

    Args:
        kind: "number", "letter" or "text".
        direct: it comes right after the lead, so nothing that follows in its clause can take its place.
    """

    start: int
    end: int
    kind: str = "number"
    direct: bool = True


def stated_number(text: str, clause: Statement) -> Place | None:
    """The number that a clause states: the one right after its lead, or what that computes; else its last."""
    found = _numerals(text, clause)
    if found and _FILLER.fullmatch(text, clause.start, found[0].start):
        return _computed(text, found)
    spelled = _spelled(text, clause)
    if spelled is not None:
        return spelled
    kept = [one for one in found if not _REJECTED.search(text[max(clause.start, one.start - 30) : one.start])]
    last = ([one for one in kept if not one.beside] or kept)[-1:]
    return Place(last[0].start, last[0].end, direct=False) if last else None


def stated_value(text: str, clause: Statement) -> Place | None:
    """The value that a clause states, of whatever kind; what is concluded is a number or a formula."""
    if clause.concluding:
        return stated_number(text, clause) or _last_formula(text, clause)
    return (
        _mathematical(text, clause)
        or _expression(text, clause)
        or _letter(text, clause)
        or _phrase(text, clause)
        or stated_number(text, clause)
        or _last_formula(text, clause)
    )


def settled(text: str, clause: Statement, place: Place | None) -> bool:
    """Whether what a clause states, or that it states nothing, stands however the text goes on after its end."""
    if clause.closed or place is None:
        return clause.closed
    if place.kind == "letter" and text.startswith(("**", "$", ")", "]", "}", "`"), place.end):
        return place.direct
    after = _AFTER.match(text, place.end)
    return after is not None and place.direct and not _OPEN_WORD.match(after[1])


def _numerals(text: str, clause: Statement) -> list[Numeral]:
    """The numbers of a clause; its lead says whether a dash that stands apart is a minus: "is - 5"."""
    begin = max(0, clause.start - _LEAD)
    found = (one._replace(start=one.start + begin, end=one.end + begin) for one in numerals(text[begin : clause.end]))
    return [one for one in found if one.start >= clause.start]


def _computed(text: str, found: list[Numeral]) -> Place:
    """The last number of the computation that begins with the first."""
    last = found[0]
    for one in found[1:]:
        if not _GOES_ON.fullmatch(text, last.end, one.start):
            break
        last = one
    return Place(last.start, last.end)


def _spelled(text: str, clause: Statement) -> Place | None:
    words = WORDS.match(text, _after_filler(text, clause), clause.end)
    return Place(*words.span()) if words is not None and number_words(words.group()) is not None else None


def _mathematical(text: str, clause: Statement) -> Place | None:
    """The formula between TeX's signs right after the lead."""
    for begin in (clause.start - 2, clause.start):
        found = _MATH.match(text, max(0, begin))
        if found is not None and _is_math(found):
            return _right_side(text, *found.span(found.lastindex or 0))
    return None


def _is_math(found: re.Match[str]) -> bool:
    """Not "$18 and he pays $"."""
    inside = found[found.lastindex or 0]
    return not found.group().startswith("$") or (inside == inside.strip() and not _PROSE.search(inside))


def _right_side(text: str, start: int, end: int) -> Place | None:
    """What follows the last equals sign of a formula; of a number with a unit the number."""
    for equals in _EQUALS.finditer(text, start, end):
        start = equals.end()
    inside = text[start:end]
    start += len(inside) - len(inside.lstrip(" \n\t,$"))
    end = start + len(text[start:end].rstrip(" \n\t.,;:!$"))
    if start >= end:
        return None
    first = next(numerals(text[start:end], listed=True), None)
    if first is not None and beside(text[start:end], first.start, first.end):
        return Place(start + first.start, start + first.end)
    return Place(start, end, "text")


def _expression(text: str, clause: Statement) -> Place | None:
    """A formula in plain text right after the lead."""
    at = _after_filler(text, clause)
    while at > clause.start and text[at - 1] in "([{":  # brackets of a pair, set or interval belong to it
        at -= 1
    run = _RUN.match(text, at, clause.end)
    if run is None or not _FORMULA.search(run.group()):
        return None
    found = _right_side(text, at, at + len(_TRAILS.sub("", run.group())))
    if found is None or not _balanced(text[found.start : found.end]):
        return None
    lists = re.search(r",\s|\s(?:and|or)\s", text[found.start : found.end])
    return None if lists and text[run.end() : run.end() + 1].isalpha() else found  # "15, 3 of them red"


def _after_filler(text: str, clause: Statement) -> int:
    filler = _FILLER.match(text, clause.start, clause.end)
    return clause.start if filler is None else filler.end()


def _balanced(text: str) -> bool:
    round_or_square = text.count("(") + text.count("[") == text.count(")") + text.count("]")
    return round_or_square and text.count("{") == text.count("}")


def _letter(text: str, clause: Statement) -> Place | None:
    at = _after_filler(text, clause)
    found = _LETTER.match(text, max(clause.start, at - 1), clause.end) or _LETTER.match(text, at, clause.end)
    return Place(*found.span(found.lastindex or 0), "letter") if found is not None else None


def _phrase(text: str, clause: Statement) -> Place | None:
    """A name or a few words that are all of the answer."""
    found = _PHRASE.match(text, _after_filler(text, clause), clause.end)
    if found is None or _NO_PHRASE.match(found.group()):
        return None
    if number_words(found.group()) is not None:
        return Place(*found.span())
    return Place(*found.span(), "text")


def _last_formula(text: str, clause: Statement) -> Place | None:
    found = [one for one in _MATH.finditer(text, clause.start, clause.end) if _is_math(one)]
    place = _right_side(text, *found[-1].span(found[-1].lastindex or 0)) if found else None
    return None if place is None else place._replace(direct=False)
