"""Equations and inequalities as answers: which side of a chain it is, and one spelling for each bound."""

from __future__ import annotations

import re
from collections.abc import Callable

from cotlens.trace.values.numbers import numerals
from cotlens.trace.values.units import beside

EQUALS = re.compile(r"(?<![<>!=:\\])(?:=|≈|\\approx(?![a-z]))(?!=)")
NAME = (
    r"(?:[A-Za-z](?:_\{?\w\}?)?'?|\\[a-z]+|[A-Za-z]\([A-Za-z0-9]\)|\([A-Za-z](?:,\s?[A-Za-z])+\)"
    r"|\\angle\s?[A-Z]{1,3}|[A-Za-z][A-Za-z ]{1,20})"
)
"""What may be alone on the left of an equals sign: a variable, a function of one, a few words."""
_NAME = re.compile(NAME)
_RECKONED = re.compile(
    r"[^A-Za-z\\]|\\(?:times|cdot|div|[dt]?frac|left|right|text|mathrm|sqrt|log|ln|binom|[,;: $%])|[A-Za-z]{3,}"
)
_SIGNS = {
    "<": "< \\lt", ">": "> \\gt", "≤": "<= ≤ =< \\leq \\le \\leqslant", "≥": ">= ≥ \\geq \\ge \\geqslant",
    "≠": "!= ≠ \\neq \\ne",
}  # fmt: skip
_SIGN = {written: sign for sign, ways in _SIGNS.items() for written in ways.split()}
_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "≠": "≠"}
_RELATION = re.compile(
    r"\s*("
    + "|".join(
        rf"{re.escape(one)}(?![a-z])" if one[0] == "\\" else re.escape(one) for one in sorted(_SIGN, key=len)[::-1]
    )
    + r")\s*"
)
_TAG = re.compile(r"</?[A-Za-z]+>|<<|>>|->|=>")


def answer_side(text: str, start: int, end: int) -> tuple[int, int]:
    """The side of an equation, or a chain of them, that is its answer: the number that it tells, else its last."""
    return told_side(text, start, end) or _sides(text, start, end)[-1]


def told_side(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The last side that is a number, where all others only name or reckon it: "15 = 12 + 3", "5 = x"."""
    sides = _sides(text, start, end)
    plain = [side for side in sides if _is_number(text[slice(*side)])]
    others = [text[slice(*side)] for side in sides if side not in plain]
    return plain[-1] if len(sides) > 1 and plain and all(map(_names_or_reckons, others)) else None


def _sides(text: str, start: int, end: int) -> list[tuple[int, int]]:
    cuts = [(found.start(), found.end()) for found in EQUALS.finditer(text, start, end)]
    edges = [start, *(edge for cut in cuts for edge in cut), end]
    return [_trimmed(text, *pair) for pair in zip(edges[::2], edges[1::2], strict=True)]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    side = text[start:end]
    return start + len(side) - len(side.lstrip(" \n\t,$")), start + len(side.rstrip(" \n\t"))


def _is_number(side: str) -> bool:
    first = next(numerals(side), None)
    return first is not None and beside(side, first.start, first.end)


def _names_or_reckons(side: str) -> bool:
    return _NAME.fullmatch(side.strip()) is not None or not _RECKONED.sub("", side)


def relation(text: str, value: Callable[[str], str]) -> str | None:
    """An inequality in one spelling, the variable first; None for any other text.

    Args:
        value: the normal form of a side.
    """
    signs = [_SIGN[sign] for sign in _RELATION.findall(text)]
    if not signs or len(signs) > 2 or "=" in _RELATION.sub("", text) or _TAG.search(text):
        return None
    sides = [value(side) for side in _RELATION.sub("\0", text).split("\0")]
    if not all(sides[-len(signs) :]):
        return None
    numbers = [not re.search("[A-Za-z]", side) for side in sides]
    if (len(signs) == 1 and numbers[0] and not numbers[1]) or (len(signs) == 2 and set(signs) <= {">", "≥"}):
        sides, signs = sides[::-1], [_FLIPPED[sign] for sign in signs[::-1]]
    return sides[0] + "".join(sign + side for sign, side in zip(signs, sides[1:], strict=True))
