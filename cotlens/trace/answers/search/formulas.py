"""Formulas after a lead: "$x = 5$", "2x + 3", "(1, 2)"."""

from __future__ import annotations

import re

from cotlens.trace.answers.search.statements import Place, Statement
from cotlens.trace.values.money import SIGN
from cotlens.trace.values.numbers import numerals
from cotlens.trace.values.relations import answer_side
from cotlens.trace.values.units import beside

FILLER = re.compile(
    rf"""(?:\s | [*_"'`\[{{(] | {SIGN} | [~≈=:] | \\(?:approx|boxed\{{|text\{{|mathbf\{{|textbf\{{)
    | (?:Rs\.?|(?:US|CA|A|C|R|HK|NZ|S)\$)\s?(?=[0-9]) | (?:No\.|Nr\.|number|№|\#)\s?(?=[0-9])
    | (?:approximately|approx\.|about|around|roughly|exactly|only|just|simply|clearly|
        therefore|thus|then|equal\ to|option|choice|a\ total\ of|at\ least|at\ most|up\ to)\b | [A-Za-z]\s?= )*+""",
    re.VERBOSE | re.IGNORECASE,
)
"""What may stand between a lead and its value."""

_MATH = re.compile(
    r"\\\((.{1,200}?)\\\)|\\\[(.{1,300}?)\\\]|\$\$(.{1,300}?)\$\$|\$((?:[^$\n\\]|\\.){1,200}?)\$", re.DOTALL
)
_PROSE = re.compile(r"(?<![A-Za-z\\{])[A-Za-z]{3,}(?![A-Za-z}])|[.?!]\s")
_RUN = re.compile(
    r"""(?:[0-9.,+*/^_=(){}\[\]|√πθ∞²³·×÷<>≤≥≠≈±%°!\ –-] | \\[A-Za-z]+ | \\[{},] | (?<=[0-9)}])[a-z]{1,2}(?![A-Za-z])
    | (?<![A-Za-z])(?:[A-Za-z]|sqrt|pi|sin|cos|tan|log|ln)(?![A-Za-z])
    | (?<=\s)(?:and|or)\s(?=[-0-9\\(]|[a-z]\s?=|[A-Z](?![A-Za-z]))
    )+""",
    re.VERBOSE,
)
_AGAIN = re.compile(r"\A([0-9./,]+)\s\([≈~=]?\s?[0-9.,]+\s?%\).*\Z")  # the same told again: "1/2 (50%)"
_TRAILS = re.compile(r"(?<=[0-9A-Za-z)}])(?<!\band)(?<!\bor)\s+[A-Za-z]?\s*\Z")  # the article of "5 + 3 a day"
_FORMULA = re.compile(
    r"[0-9A-Za-z)}\]]\s?(?:[<>≤≥≠]=?|\\(?:[lgn]eq?|[lg]t)(?![a-z]))\s?[-0-9A-Za-z\\({]|"
    r"[0-9A-Za-z)}\]]\s?[-–+*/^(,]\s?[0-9A-Za-z\\({\[√π-]|\\[A-Za-z{]|[0-9)][a-zA-Z√π]|[√π∞±]|\A\+/-|[0-9)]!|\s(?:and|or)\s"
)
EQUATIONS = re.compile(r"=[^=]*?(?:,|;|\band\b|\bor\b)[^=]*?[A-Za-z]\s*=")
"""Between two equations of one clause."""


def mathematical(text: str, clause: Statement) -> Place | None:
    """The formula between TeX's signs right after the lead."""
    for begin in (clause.start - 2, clause.start):
        found = _MATH.match(text, max(0, begin))
        if found is not None and _is_math(found):
            return _right_side(text, *found.span(found.lastindex or 0))
    return None


def _is_math(found: re.Match[str]) -> bool:
    """Not "$18 and he pays $", nor "$18. 5$": a sentence has ended."""
    inside = found[found.lastindex or 0]
    return not found.group().startswith("$") or (inside == inside.strip() and not _PROSE.search(inside))


def _right_side(text: str, start: int, end: int) -> Place | None:
    """The side of a formula that is its answer; of a number with a unit the number, of several equations all."""
    if not EQUATIONS.search(text, start, end):
        start, end = answer_side(text, start, end)
    inside = text[start:end]
    start += len(inside) - len(inside.lstrip(" \n\t,$"))
    end = start + len(text[start:end].rstrip(" \n\t.,;:$"))
    if start >= end:
        return None
    first = next(numerals(text[start:end], listed=True), None)
    if first is not None and beside(text[start:end], first.start, first.end):
        return Place(start + first.start, start + first.end)
    return Place(start, end, "text")


def expression(text: str, clause: Statement) -> Place | None:
    """A formula in plain text right after the lead."""
    at = after_filler(text, clause)
    if EQUATIONS.search(text, clause.start, clause.end):  # of several variables, each with its name
        at = clause.start
    while at > clause.start and text[at - 1] in "([{":  # brackets of a pair, set or interval belong to it
        at -= 1
    run = _RUN.match(text, at, clause.end)
    if run is None or not _FORMULA.search(run.group()):
        return None
    found = _right_side(text, at, at + len(_TRAILS.sub("", _AGAIN.sub(r"\1", run.group()))))
    if found is None or not _balanced(text[found.start : found.end]):
        return None
    lists = re.search(r",\s|\s(?:and|or)\s", text[found.start : found.end])
    return None if lists and text[run.end() : run.end() + 1].isalpha() else found  # "15, 3 of them red"


def after_filler(text: str, clause: Statement) -> int:
    """Where the value of a clause can begin."""
    filler = FILLER.match(text, clause.start, clause.end)
    return clause.start if filler is None else filler.end()


def _balanced(text: str) -> bool:
    round_or_square = text.count("(") + text.count("[") == text.count(")") + text.count("]")
    return round_or_square and text.count("{") == text.count("}")


def last_formula(text: str, clause: Statement) -> Place | None:
    """The last formula between TeX's signs."""
    found = [one for one in _MATH.finditer(text, clause.start, clause.end) if _is_math(one)]
    place = _right_side(text, *found[-1].span(found[-1].lastindex or 0)) if found else None
    return None if place is None else place._replace(direct=False)
