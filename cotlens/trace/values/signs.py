"""The sign of a number in running text: a minus, a dash of a range, or a bullet."""

from __future__ import annotations

import re

from cotlens.trace.values.money import SIGN, SIGNS

_REACH = 24  # characters before a number that can make a sign of what stands there

_SIGN = re.compile(rf"(?P<sign>[-–]|\b(?:minus|negative)\b)(?P<space> ?){SIGN}? ?\Z")
_APART = re.compile(rf"\A([-–])\s+(?=[0-9.\\${SIGNS}])")
_WHOLE = re.compile(r"[A-Za-z0-9)\]}%'-]\Z")  # after these a minus takes away
_VARIABLE = re.compile(r"(?:[0-9)\]}%]|(?<![A-Za-z])[A-Za-z])\Z")
_OPERATOR = re.compile(r"\\(?:times|cdot|div|leq?|geq?|neq?|approx|equiv|sim|to|quad|[,;: ])\Z")
_RELATION = re.compile(r"(?:[=(\[{:,<>≈~]|\b(?:is|are|was|were|be|equals?|to|from|by))\Z")


def signed(text: str, start: int) -> tuple[int, bool]:
    """Where the number that begins at `start` of a folded text begins with its sign, and whether that is a minus."""
    first = max(0, start - _REACH)
    found = _SIGN.search(text[first:start])
    if found is None or not _negates(text[first : first + found.start()], found["sign"], bool(found["space"])):
        return start, False
    return first + found.start(), True


def joined(text: str) -> str:
    """A value whose sign stands apart ("- 5"), which at the beginning of a text would be an item of a list."""
    return _APART.sub(r"\1", text)


def _negates(before: str, sign: str, spaced: bool) -> bool:
    """Whether a sign makes the number after it negative: "= -5" and "minus 5", but not "10-5", "10–12" or "- 5"."""
    bare = before.rstrip(" ")
    if _OPERATOR.search(bare) or sign == "negative":
        return True
    if sign == "minus":
        return not _VARIABLE.search(bare)
    if not bare or bare.endswith("\n"):
        return not spaced  # a line that begins with "- 5" is an item of a list
    if len(bare) == len(before):
        return not _WHOLE.search(bare)
    if spaced:  # "x = - 5" is negative, "10 - 5" is not
        return _RELATION.search(bare) is not None
    return sign == "-" or not _VARIABLE.search(bare)
