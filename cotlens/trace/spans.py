"""Stretches of a trace, in tokens and in characters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of a trace.

    `trace.token_ids[start:end]` are its tokens and `trace.text[char_start:char_end]` its characters (code points).
    The two need not meet exactly: a sentence's characters leave out the whitespace around it, its tokens include it.

    Args:
        start, end: token indices in the trace.
        char_start, char_end: character indices in the trace's text.
        unit: how it was cut: "token", "sentence", "paragraph", "step"; "role" for prompt, thought and answer.
    """

    start: int
    end: int
    char_start: int
    char_end: int
    unit: str


def token_spans(offsets: NDArray[np.int64], start: int, end: int) -> list[Span]:
    """One span per token of [start, end)."""
    edges = offsets[start : end + 1].tolist()
    return [Span(start + i, start + i + 1, edges[i], edges[i + 1], "token") for i in range(end - start)]


def text_spans(
    offsets: NDArray[np.int64], start: int, end: int, pieces: list[tuple[int, int]], unit: str
) -> list[Span]:
    """Give every piece of text its tokens, so that no token has two owners.

    A token belongs to the piece in which its first character that isn't whitespace lies; tokens of nothing but
    whitespace belong to the piece before them, those before the first piece to none. A piece that shares its only
    token with the piece before it is joined to that one. Time grows with tokens plus pieces.

    Args:
        offsets: of the whole trace, int64 [n + 1].
        start, end: the tokens that may be given away.
        pieces: character ranges in order, without surrounding whitespace, in characters of the trace.
    """
    if not pieces or start == end:
        return []
    ranges = np.asarray(pieces, dtype=np.int64)
    firsts = _first_tokens(offsets, ranges).clip(start, end)
    bounds = np.append(firsts, end)
    spans: list[Span] = []
    for (char_start, char_end), first, last in zip(pieces, firsts.tolist(), bounds[1:].tolist(), strict=True):
        if first == last and spans:
            before = spans[-1]
            spans[-1] = Span(before.start, before.end, before.char_start, char_end, unit)
        else:
            spans.append(Span(first, last, char_start, char_end, unit))
    return spans


def _first_tokens(offsets: NDArray[np.int64], ranges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the first token that belongs to each character range."""
    holders = np.searchsorted(offsets, ranges[:, 0], side="right") - 1
    # parts of a character hold no characters; they go with the token that completes it
    begins = np.searchsorted(offsets, offsets[holders], side="left")
    ends_before = np.concatenate(([0], ranges[:-1, 1]))
    shared = offsets[holders] < ends_before  # the token begins inside the range before
    shared[0] = False
    return np.where(shared, holders + 1, begins)
