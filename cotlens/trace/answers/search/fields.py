"""Answers in a field of their own: `<answer>B</answer>`, `{"answer": "B"}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAME = r"(?:(?:final|correct|best|predicted)[_ -]?)?(?:answer|ans|choice|option)(?:[_ -]?(?:letter|value|text|key))?"
_TAG = re.compile(rf"<({_NAME})\b[^<>\n]{{0,40}}>|<\|begin_of_box\|>|\[({_NAME})\]", re.IGNORECASE)
_KEY = re.compile(
    rf"""["']{_NAME}["']\s*:\s*(?:"(?P<double>(?:[^"\\\n]|\\.)*)(?P<end>")?
    | '(?P<single>(?:[^'\\\n]|\\.)*)(?P<last>')? | (?P<list>\[[^\]\n]*)(?P<stop>\])?
    | (?P<bare>[^\s,}}\]"'{{\[][^,}}\]\n]*)(?P<after>[,}}\n])? )""",
    re.VERBOSE | re.IGNORECASE,
)
NOTHING = ("null", "none", "")
"""Says that a field has no value."""
_VALUES = (("double", "end"), ("single", "last"), ("list", "stop"), ("bare", "after"))
_LONGEST = 1_000  # characters of what a tag holds
_MARKUP = " \n\t*`"


def fields(text: str) -> Iterator[tuple[int, int, bool]]:
    """Start and end of what each field holds, without markup around it, and whether it was ended."""
    for tag in _TAG.finditer(text):
        closing = f"</{tag[1]}>" if tag[1] else f"[/{tag[2]}]" if tag[2] else "<|end_of_box|>"
        found = re.compile(re.escape(closing), re.IGNORECASE).search(text, tag.end(), tag.end() + _LONGEST)
        if found is not None or not tag[2]:
            yield *_bare(text, tag.end(), found.start() if found else tag.end() + _LONGEST), found is not None
    for key in _KEY.finditer(text):
        value, ended = next(names for names in _VALUES if key[names[0]] is not None)
        end = key.end(value) + (value == "list" and key[ended] is not None)
        yield *_bare(text, key.start(value), end), key[ended] is not None


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    inside = text[start:end]
    begin = start + len(inside) - len(inside.lstrip(_MARKUP))
    return begin, max(begin, start + len(inside.rstrip(_MARKUP)))
