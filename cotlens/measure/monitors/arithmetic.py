r"""Equations in a text that are arithmetic, and whether they hold: exact in fractions, without any model.

An equation counts where both of its sides are numbers and operations alone, and the left one has an operation:
"12 + 7 = 19", "3 × (4 − 1) = 9", "$1,200 / 4 = $300", "\frac{1}{2} + 0.25 = 0.75". One that holds a variable, a
function, a unit in the middle, a remainder or a percentage is left alone: what can't be checked is no finding. "12 + 7
= 19 - 4 = 15" is read as it is meant, a result that goes on. A side with a decimal point, or after "≈", may be rounded
to the places it has. Where every point may stand between thousands, as in "1.000 + 500 = 1.500", the equation holds if
it does either way. Marks of lists ("- ", "* ", "1) ") and of bold words ("**") are no arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

_NUMBER = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
_TOKEN = re.compile(
    rf"""(?P<number>{_NUMBER})
    | (?P<fraction>\\[dt]?frac\{{\s*-?[0-9]+\s*\}}\{{\s*[0-9]+\s*\}})
    | (?P<power>\^|\*\*) | (?P<over>/|÷|\\div\b)
    | (?P<times>\*|×|·|\\times\b|\\cdot\b|(?<=[ \t])[xX](?=[ \t]+[0-9($.]))
    | (?P<plus>\+) | (?P<minus>-|−|–) | (?P<open>\() | (?P<close>\))
    | (?P<equals>=) | (?P<about>≈|\\approx\b) | (?P<blank>[ \t]+|\\[,;:!$ ]|[$£€¥₹]|\\(?:left|right)\b)
    | (?P<other>[A-Za-z]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_PART = ("number", "fraction", "power", "times", "over", "plus", "minus", "open", "close", "equals", "about")
_OPERATION = ("power", "times", "over", "plus", "minus")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
_MOST_DIGITS = 18
_MOST_POWER = 64
_MOST_TOKENS = 60  # of an equation that is looked into
_GOING_ON = re.compile(
    r"(?:[A-Za-z_^\\|{\[%!°√']|[0-9][,.:]|"
    r"\b(?i:of|mod|sqrt|log|ln|choose|times|plus|minus|over|per|base|step|case|part)[ \t]*)(?<!\\left)\Z"
)
_VARIABLE = re.compile(r"(?<![A-Za-z])[A-Za-z][0-9_]*[ \t]*\Z")  # "3A -1/2 = 4" takes away; "is -1 + 3 = 2" doesn't
_STUCK = re.compile(
    r"[ \t]*(?:[%!|\[{]|\\(?![)\]$])|[*/×÷^+−-]|(?:out[ \t]+)?of\b|times\b|plus\b|minus\b|percent\b)|"
    r"[A-Za-z_°(½¼¾⅐-⅞²³¹⁰-⁹]|[,:][0-9]|"
    r"[ \t,]*(?:(?:with|and)[ \t]+)?(?:an?[ \t]+)?(?i:remainder|rem)\b|[ \t]*[Rr][ \t]?[0-9]|"
    r"[ \t,]*(?:with|and)[ \t]+[0-9.]+[ \t]+(?:\w+[ \t]+)?(?:left|remaining|over)\b"
)
_BOLD = "**"
_INDENT = 40
_ENDS, _BEGINS = ("number", "fraction", "close"), ("number", "fraction", "open", "minus")


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Equation:
    """An equation of arithmetic in a text.

    Args:
        start, end: its characters.
        text: as it is written.
        holds: whether it is right.
        value: what its left side is worth, as text.
        result: its right side as it is written.
    """

    start: int
    end: int
    text: str
    holds: bool
    value: str
    result: str


def equations(text: str) -> Iterator[Equation]:
    """The equations of arithmetic in a text, in their order; one of several signs is one per sign."""
    for run in _runs(text):
        sides, signs = _sides(_without_bold(run))
        for at, sign in enumerate(signs):
            found = _equation(text, sides[at], sign, sides[at + 1], first=at == 0, last=at + 2 == len(sides))
            if found is not None:
                yield found


def _runs(text: str) -> Iterator[list[_Token]]:
    """Stretches of nothing but arithmetic that hold a sign of equality."""
    run: list[_Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        if kind in _PART:
            run.append(_Token(kind, match.group(), match.start(), match.end()))
        elif kind == "other":
            yield from [run] * _compares(run)
            run = []
    yield from [run] * _compares(run)


def _compares(run: list[_Token]) -> bool:
    return any(token.kind in ("equals", "about") for token in run)


def _without_bold(run: list[_Token]) -> list[_Token]:
    """A run without the "**" around bold words: a power has a number on its left and right, both as far from it."""
    kept: list[_Token] = []
    for at, token in enumerate(run):
        after = run[at + 1] if at + 1 < len(run) else token
        between = bool(kept) and kept[-1].kind in _ENDS and after.kind in _BEGINS
        power = between and (kept[-1].end < token.start) == (token.end < after.start)
        if token.text != _BOLD or power:
            kept.append(token)
    return kept


def _sides(run: list[_Token]) -> tuple[list[list[_Token]], list[_Token]]:
    sides: list[list[_Token]] = [[]]
    signs = []
    for token in run:
        if token.kind in ("equals", "about"):
            signs.append(token)
            sides.append([])
        else:
            sides[-1].append(token)
    return sides, signs


def _equation(
    text: str, left: list[_Token], sign: _Token, right: list[_Token], *, first: bool, last: bool
) -> Equation | None:
    readings = _begun(text, left) if first else [_closed(left)]
    right = _trimmed(right)
    readings = [side for side in readings if any(token.kind in _OPERATION for token in side[1:])]
    if not readings or not right or (last and _goes_on(text, right[-1].end)):
        return None
    holds, value = _holds(readings, sign, right)
    if value is None:
        return None
    if not holds and (thousands := _with_thousands([*readings, right])) is not None:
        holds, other = _holds(thousands[:-1], sign, thousands[-1])
        value = other if holds and other is not None else value
    start, end = readings[0][0].start, right[-1].end
    return Equation(start, end, text[start:end], holds, _written(value), text[right[0].start : end])


def _holds(readings: list[list[_Token]], sign: _Token, right: list[_Token]) -> tuple[bool, Fraction | None]:
    """Whether a left side, read in one of its ways, is what the right side is; and its worth, None where unknown."""
    values, shown = [_value(side) for side in readings], _value(right)
    if values[0] is None or shown is None:
        return False, None
    rounds = sign.kind == "about" or any("." in token.text for token in (*readings[0], *right))
    meant = [shown, _value(right[:1])]  # "12 + 7 = 19 - 4" claims 19 first, and goes on
    pairs = ((value, one) for value in values for one in meant if value is not None and one is not None)
    return any(_same(value, one, right, rounds) for value, one in pairs), values[0]


def _with_thousands(sides: list[list[_Token]]) -> list[list[_Token]] | None:
    """Sides with "1.500" as 1500; None where no number has a point, or one has it for decimals."""
    pointed = [token.text for side in sides for token in side if "." in token.text]
    if not pointed or not all(map(_THOUSANDS.fullmatch, pointed)):
        return None
    return [[token._replace(text=token.text.replace(".", "")) for token in side] for side in sides]


def _begun(text: str, side: list[_Token]) -> list[list[_Token]]:
    """The ways to read a first side, the likeliest first; none where it goes on from what isn't arithmetic."""
    opens_line = bool(side) and _opens_line(text, side[0].start)
    if opens_line and [token.kind for token in side[:3]] == ["number", "close", "number"]:
        side = side[2:]  # "1) 12 + 7"
    side = _closed(side)
    if len(side) < 2:
        return []
    head, before = side[0], text[max(0, side[0].start - 12) : side[0].start]
    if head.kind in _OPERATION:
        spaced = side[1].start > head.end
        if opens_line and spaced and head.kind in ("minus", "times"):
            return [side[1:], side]  # "- 12 + 7" in a list, or a number below 0
        if head.kind != "minus" or spaced or _VARIABLE.search(before):
            return []
    return [] if _GOING_ON.search(before) else [side]


def _opens_line(text: str, start: int) -> bool:
    """Whether nothing but blanks and marks stands before a place on its line."""
    before = text[max(0, start - _INDENT) : start]
    line = before.rpartition("\n")[2]
    return (len(line) < len(before) or start <= _INDENT) and not line.strip(" \t>*")


def _goes_on(text: str, end: int) -> bool:
    """Whether what follows an equation belongs to its last number."""
    return _STUCK.match(text, end + len(_BOLD) * text.startswith(_BOLD, end)) is not None


def _closed(side: list[_Token]) -> list[_Token]:
    """The last tokens of a left side whose brackets are closed: "(so 3 + 4 = 7" loses its bracket."""
    depth, opened = 0, []
    for at, token in enumerate(side):
        if token.kind == "open":
            opened.append(at)
        elif token.kind == "close" and opened:
            opened.pop()
        elif token.kind == "close":
            depth = at + 1  # closes what began before: what stands up to here is no part
    kept = side[depth:]
    unclosed = [at - depth for at in opened if at >= depth]
    return kept[unclosed[-1] + 1 :] if unclosed else ([] if depth else kept)


def _trimmed(side: list[_Token]) -> list[_Token]:
    """A right side without the bracket that closes around the equation, nor one that opens after it: "= 18 (half"."""
    opened: list[int] = []
    for at, token in enumerate(side):
        if token.kind == "open":
            opened.append(at)
        elif token.kind == "close" and not opened:
            return side[:at]
        elif token.kind == "close":
            opened.pop()
    return side[: opened[0]] if opened else side


def _same(value: Fraction, shown: Fraction, right: list[_Token], rounds: bool) -> bool:
    if value == shown:
        return True
    if not rounds or len([token for token in right if token.kind in ("number", "fraction")]) != 1:
        return False
    places = len(right[-1].text.partition(".")[2])
    return abs(value - shown) < Fraction(1, 10**places)  # rounded either way, or cut off


def _written(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.6g}"


def _value(side: list[_Token]) -> Fraction | None:
    """What a side is worth; None where it isn't well formed, or too large to be worked out."""
    if not side or len(side) > _MOST_TOKENS:
        return None
    try:
        reader = _Reader(side)
        value = reader.sum()
        return value if reader.at == len(side) else None
    except (_Malformed, ZeroDivisionError):
        return None


class _Malformed(Exception):
    """A side that is no expression."""


class _Reader:
    """Recursive descent over a bounded list of tokens: sums of products of powers of numbers and brackets."""

    def __init__(self, side: list[_Token]) -> None:
        self._side, self.at = side, 0

    def _kind(self) -> str:
        return self._side[self.at].kind if self.at < len(self._side) else ""

    def sum(self) -> Fraction:
        value = self._product()
        while self._kind() in ("plus", "minus"):
            sign = -1 if self._kind() == "minus" else 1
            self.at += 1
            value += sign * self._product()
        return value

    def _product(self) -> Fraction:
        value = self._power()
        while self._kind() in ("times", "over", "open"):
            kind = self._kind()
            self.at += kind != "open"  # "3(4 + 1)" multiplies without a sign
            other = self._power()
            value = value / other if kind == "over" else value * other
        return value

    def _power(self) -> Fraction:
        if self._kind() in ("plus", "minus"):
            sign = -1 if self._kind() == "minus" else 1
            self.at += 1
            return sign * self._power()
        value = self._atom()
        if self._kind() != "power":
            return value
        self.at += 1
        exponent = self._power()
        if exponent.denominator != 1 or abs(exponent) > _MOST_POWER or abs(value) > 10**6:
            raise _Malformed
        return value ** int(exponent)

    def _atom(self) -> Fraction:
        kind, token = self._kind(), self._side[min(self.at, len(self._side) - 1)]
        self.at += 1
        if kind == "number" and len(token.text) <= _MOST_DIGITS:
            return Fraction(token.text.replace(",", ""))
        if kind == "fraction":
            above, below = re.findall(r"-?[0-9]+", token.text)
            return Fraction(int(above[:_MOST_DIGITS]), int(below[:_MOST_DIGITS]))
        if kind == "open":
            value = self.sum()
            if self._kind() == "close":
                self.at += 1
                return value
        raise _Malformed
