"""What a computation with numbers comes to, exactly: "12 + 3", "2 \\times 5", "(-5)^2"."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from cotlens.trace.values.worth import written

_LONGEST, _DEEPEST = 120, 12
_LARGEST = 200  # the power of a number, and the digits of what is reckoned with
_TOKEN = re.compile(
    r"\s*(?:([0-9]+(?:\.[0-9]+)?|\.[0-9]+)|(\*\*|[-+*/^()×÷·⋅−]|\\(?:times|cdot|div|left|right)(?![a-z])|[{}]))"
)
_SAME = {"×": "*", "·": "*", "⋅": "*", "÷": "/", "**": "^", "\\times": "*", "\\cdot": "*", "\\div": "/", "−": "-",
         "{": "(", "}": ")"}  # fmt: skip


class _NoValue(Exception):
    pass


def computed(text: str) -> str | None:
    """Normal form of what a computation comes to; None for any other text, also for one number alone."""
    if len(text) > _LONGEST or not re.search(r"[0-9)}]\s*(?:[-+*/^×÷·⋅−]|\\(?:times|cdot|div))", text):
        return None
    try:
        worth = _Reading(_tokens(text)).all()
    except _NoValue:
        return None
    return written(worth if worth.denominator != 1 else Decimal(worth.numerator))


def _tokens(text: str) -> list[str]:
    tokens, at, text = list[str](), 0, re.sub(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", "", text.strip())
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _NoValue
        token, at = found[1] or found[2], found.end()
        if token not in ("\\left", "\\right"):
            tokens.append(_SAME.get(token, token))
    return tokens


class _Reading:
    """Reads tokens by the usual order of operations.

    Args:
        tokens: numbers, signs and round brackets; two values beside each other are no computation.
    """

    def __init__(self, tokens: list[str]) -> None:
        self._left = tokens[::-1]
        self._depth = 0

    def all(self) -> Fraction:
        worth = self._sum()
        if self._left:
            raise _NoValue
        return worth

    def _take(self, *wanted: str) -> str | None:
        return self._left.pop() if self._left and self._left[-1] in wanted else None

    def _sum(self) -> Fraction:
        worth = self._product()
        while sign := self._take("+", "-"):
            other = self._product()
            worth = self._bounded(worth + other if sign == "+" else worth - other)
        return worth

    def _product(self) -> Fraction:
        worth = self._signed()
        while sign := self._take("*", "/"):
            other = self._signed()
            if sign == "/" and not other:
                raise _NoValue
            worth = self._bounded(worth * other if sign == "*" else worth / other)
        return worth

    def _signed(self) -> Fraction:
        if self._take("-"):
            return -self._deeper(self._signed)
        return self._power()

    def _power(self) -> Fraction:
        base = self._one()
        if not self._take("^"):
            return base
        power = self._deeper(self._signed)
        if power.denominator != 1 or abs(power) > _LARGEST or (not base and power <= 0):
            raise _NoValue
        return self._bounded(base ** int(power))

    def _one(self) -> Fraction:
        if self._take("("):
            worth = self._deeper(self._sum)
            if not self._take(")"):
                raise _NoValue
            return worth
        if not self._left or not self._left[-1][-1].isdigit():
            raise _NoValue
        return self._bounded(Fraction(self._left.pop()))

    def _deeper(self, read: Callable[[], Fraction]) -> Fraction:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _NoValue
        worth = read()
        self._depth -= 1
        return worth

    def _bounded(self, worth: Fraction) -> Fraction:
        if max(abs(worth.numerator), worth.denominator).bit_length() > 4 * _LARGEST:
            raise _NoValue
        return worth
