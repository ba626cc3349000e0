"""Characters that mean the same, one for one, so that a place in the folded text is a place in the text."""

from __future__ import annotations

_ZEROS = "\uff10\u0660\u06f0\u0966\u09e6\u0e50"  # full-width, Arabic, Persian, Devanagari, Bengali, Thai
_SAME = {
    "-": "\u2212\ufe63\uff0d\u2010\u2011",  # minus signs and hyphens; the dashes stay, they may mean a range
    " ": "\u00a0\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t",
    "'": "\u2019\u2018\u02bc",
    ".": "\uff0e\u066b",
    ",": "\uff0c\u066c",
    ":": "\uff1a\u2236",
    "(": "\uff08",
    ")": "\uff09",
    "/": "\u2044\u2215",
    "*": "\u2217",
}
_FOLDED = str.maketrans(
    {same: one for one, others in _SAME.items() for same in others}
    | {chr(ord(zero) + i): str(i) for zero in _ZEROS for i in range(10)}
)


def fold(text: str) -> str:
    """`text` with one character for each kind of minus, space, apostrophe, separator and digit; as long as it was."""
    return text if text.isascii() and "\t" not in text else text.translate(_FOLDED)
