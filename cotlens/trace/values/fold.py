"""Characters that mean the same, one for one, so that a place in the folded text is a place in the text."""

from __future__ import annotations

import re

_ZEROS = "\uff10\u0660\u06f0\u0966\u09e6\u0e50"  # full-width, Arabic, Persian, Devanagari, Bengali, Thai
_SAME = {
    "-": "\u2212\ufe63\uff0d\u2010\u2011",  # minus signs and hyphens; the dashes stay, they may mean a range
    " ": "\u00a0\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t",
    "'": "\u2019\u2018\u02bc\u2032\uff07",
    '"': "\u2033",
    ".": "\uff0e\u066b",
    ",": "\uff0c\u066c",
    ":": "\uff1a\u2236",
    ";": "\uff1b",
    "/": "\u2044\u2215\uff0f",
    "*": "\u2217",
}
_WIDE = {chr(code + 0xFEE0): chr(code) for code in range(0x23, 0x7F) if chr(code) not in "'*,-./0123456789:;?"}
_FOLDED = str.maketrans(
    {same: one for one, others in _SAME.items() for same in others}
    | {chr(ord(zero) + i): str(i) for zero in _ZEROS for i in range(10)}
    | _WIDE  # full-width letters and signs; a full-width question mark ends a sentence as it stands
)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")  # soft hyphens, and what has no width


def fold(text: str) -> str:
    """`text` with one character for each kind of minus, space, apostrophe, separator and digit; as long as it was."""
    return text if text.isascii() and "\t" not in text else text.translate(_FOLDED)


def seen(text: str) -> tuple[str, list[int] | None]:
    """`text` without characters that can't be seen, and where each of the others stands in it; None if none was."""
    if text.isascii() or _UNSEEN.search(text) is None:
        return text, None
    kept = [at for at, character in enumerate(text) if not _UNSEEN.match(character)]
    return "".join(text[at] for at in kept), kept


def placed(start: int, end: int, kept: list[int] | None) -> tuple[int, int]:
    """The place in a text of one in what `seen` left of it."""
    return (start, end) if kept is None or start >= end else (kept[start], kept[end - 1] + 1)
