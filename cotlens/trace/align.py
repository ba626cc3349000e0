"""Tokens and characters: which token holds which characters of the text.

Byte-level tokens may hold parts of a character. The text is therefore decoded token by token, and a character that is
split over several tokens belongs to the one that completes it; the tokens before hold no characters of their own.
So the tokens' texts always join to the whole text.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def char_offsets(pieces: Sequence[bytes]) -> tuple[str, NDArray[np.int64]]:
    """Decode tokens to text and find where each begins.

    Bytes that are not UTF-8 become U+FFFD; unfinished bytes at the very end belong to the last token.

    Returns:
        text, and offsets int64 [n + 1] in code points: token i is `text[offsets[i]:offsets[i + 1]]`.
    """
    text, offsets, _ = decode(pieces)
    return text, offsets


def decode(pieces: Sequence[bytes], *, ended: bool = True) -> tuple[str, NDArray[np.int64], NDArray[np.bool_]]:
    """As `char_offsets`, and for each of the n + 1 token borders whether it is also a border between characters.

    Args:
        ended: whether unfinished bytes at the very end become a U+FFFD; else they hold no character yet.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    parts: list[str] = []
    whole = np.ones(len(pieces) + 1, dtype=bool)
    for index, piece in enumerate(pieces):
        parts.append(decoder.decode(piece))
        whole[index + 1] = not decoder.getstate()[0]
    if parts and ended:
        parts[-1] += decoder.decode(b"", final=True)
        whole[-1] = True
    offsets = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=offsets[1:])
    return "".join(parts), offsets, whole


def fits(pieces: Sequence[bytes], text: str, offsets: NDArray[np.int64]) -> bool:
    """Whether `text`, cut at `offsets`, is what these tokens hold.

    A text that was cut within a character may end before it, or with the U+FFFD of what is left of it.
    """
    if len(pieces) + 1 != len(offsets):
        return False
    found = (decode(pieces, ended=ended) for ended in (True, False))
    return any(text == mine and bool((offsets == edges).all()) for mine, edges, _ in found)


def is_utf8(pieces: Sequence[bytes]) -> bool:
    """Whether the bytes of all tokens together are valid UTF-8."""
    try:
        b"".join(pieces).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def token_at(offsets: NDArray[np.int64], char: int) -> int:
    """Index of the token that holds the character at `char`; IndexError outside the text."""
    if not 0 <= char < offsets[-1]:
        raise IndexError(f"character {char} is outside a text of {int(offsets[-1])} characters")
    return int(np.searchsorted(offsets, char, side="right")) - 1


def tokens_covering(offsets: NDArray[np.int64], start: int, end: int) -> tuple[int, int]:
    """Half-open range of the tokens that hold characters [start, end), tokens with parts of them included.

    Where start == end the range is empty on a token border; inside a token it is that token.
    """
    if not 0 <= start <= end <= offsets[-1]:
        raise IndexError(f"characters {start} to {end} are not inside a text of {int(offsets[-1])} characters")
    if start == offsets[-1]:
        return len(offsets) - 1, len(offsets) - 1
    holder = int(np.searchsorted(offsets, start, side="right")) - 1
    first = int(np.searchsorted(offsets, offsets[holder], side="left"))  # with the parts of a character before it
    return first, int(np.searchsorted(offsets, end, side="left"))
