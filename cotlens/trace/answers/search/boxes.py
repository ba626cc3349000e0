r"""Where a text has `\boxed{...}`."""

from __future__ import annotations

import re
from typing import NamedTuple

from cotlens.trace.values.numbers import numerals

_BOX = r"(?:\\{1,2}|(?<![A-Za-z\\]))(?:boxed|fbox|framebox)"
_BRACE = re.compile(
    rf"(?P<box>{_BOX}\s{{0,3}}+\{{)|(?P<bare>{_BOX}(?=\s{{0,3}}+[0-9$.\\+-]|\s{{1,3}}+[A-Za-z]\b))|\\.|[{{}}]",
    re.DOTALL,
)
_BARE = re.compile(r"\s{0,3}+(?:\$?\s?)(\\[A-Za-z]+|[A-Za-z])(?![A-Za-z])")


class Boxes(NamedTuple):
    """The boxes of a text.

    Args:
        complete: start and end of the content of each, in the order in which they begin; empty ones are left out.
        open: whether one was begun and not ended.
    """

    complete: list[tuple[int, int]]
    open: bool


def boxes(text: str) -> Boxes:
    r"""The boxes of `text`: `\boxed{...}` whose braces balance, and `\boxed 5` with the number or symbol after it."""
    found, opened = list[tuple[int, int]](), list[int | None]()  # where each open box begins, None for other braces
    for brace in _BRACE.finditer(text):
        if brace["box"]:
            opened.append(brace.end())
        elif brace["bare"]:
            found += _bare(text, brace.end())
        elif brace.group() == "{":
            opened.append(None)
        elif brace.group() == "}" and opened:
            start = opened.pop()
            if start is not None and text[start : brace.start()].strip():
                found.append((start, brace.start()))
    return Boxes(sorted(found), any(start is not None for start in opened))


def _bare(text: str, at: int) -> list[tuple[int, int]]:
    r"""What `\boxed` without braces holds."""
    first = next(numerals(text[at : at + 60]), None)
    if first is not None and not text[at : at + first.start].strip(" $\\"):
        return [(at + first.start, at + first.end)]
    symbol = _BARE.match(text, at)
    return [symbol.span(1)] if symbol is not None else []
