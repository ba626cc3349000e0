r"""Equations in a text that are arithmetic, and whether they hold: exact in fractions, without any model.

An equation counts where both of its sides are numbers and operations alone, and the left one has an operation:
"12 + 7 = 19", "3 × (4 − 1) = 9", "$1,200 / 4 = $300", "\frac{1}{2} + 0.25 = 0.75". One that holds a variable, a
function, a unit in the middle or a percentage is left alone: what can't be checked is no finding. "12 + 7 = 19 - 4 =
15" is read as it is meant, a result that goes on. A side with a decimal point, or after "≈", may be rounded to the
places it has.
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
    | (?P<power>\^|\*\*) | (?P<times>\*|×|·|\\times\b|\\cdot\b) | (?P<over>/|÷|\\div\b)
    | (?P<plus>\+) | (?P<minus>-|−|–) | (?P<open>\() | (?P<close>\))
    | (?P<equals>=) | (?P<about>≈|\\approx\b) | (?P<blank>[ \t]+|\\[,;! ]|\$)
    | (?P<other>[A-Za-z]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_PART = ("number", "fraction", "power", "times", "over", "plus", "minus", "open", "close", "equals", "about")
_OPERATION = ("power", "times", "over", "plus", "minus")
_MOST_DIGITS = 18
_MOST_POWER = 64
_MOST_TOKENS = 60  # of an equation that is looked into
_GOING_ON = re.compile(
    r"(?:[A-Za-z_^\\|{\[%!°]|\b(?:of|mod|sqrt|log|ln|choose|times|plus|minus|over|per|base)[ \t]*)\Z"
)
_STUCK = re.compile(r"[ \t]*(?:[%!|\[{]|\\(?![)\]])|[*/×÷^+−-]|of\b|times\b|plus\b|minus\b|percent\b)|[A-Za-z_°(]")


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
    """

    start: int
    end: int
    text: str
    holds: bool
    value: str


def equations(text: str) -> Iterator[Equation]:
    """The equations of arithmetic in a text, in their order; one of several signs is one per sign."""
    for run in _runs(text):
        sides, signs = _sides(run)
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
    left, right = _closed(left), right
    if not left or not right or not any(token.kind in _OPERATION for token in left[1:]):
        return None
    if first and _GOING_ON.search(text, max(0, left[0].start - 12), left[0].start):
        return None
    if last:
        right = _trimmed(right)
        if not right or _STUCK.match(text, right[-1].end):
            return None
    value, shown = _value(left), _value(right)
    if value is None or shown is None:
        return None
    rounds = sign.kind == "about" or any("." in token.text for token in (*left, *right))
    meant = [shown, _value(right[:1])]  # "12 + 7 = 19 - 4" claims 19 first, and goes on
    holds = any(one is not None and _same(value, one, right, rounds) for one in meant)
    start, end = left[0].start, right[-1].end
    return Equation(start, end, text[start:end], holds, _written(value))


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
    """A right side without the bracket that closes around the equation, nor a dash that belongs to the sentence."""
    while side and side[-1].kind == "close" and _depth(side) < 0:
        side = side[:-1]
    return side


def _depth(side: list[_Token]) -> int:
    return sum((token.kind == "open") - (token.kind == "close") for token in side)


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
