"""Thoughts within a text: what stands between the markers that models write around them."""

from __future__ import annotations

import re

Piece = tuple[str, str]
"""("thought" or "answer", text)."""

PAIRS = (
    ("<think>", "</think>"),  # DeepSeek, Qwen, GLM, and most others
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # Gemma, EXAONE
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThoughts
)
_AROUND = re.compile(
    r"<\|(?:begin_of_solution|end_of_solution|START_RESPONSE|END_RESPONSE|START_OF_TURN_TOKEN|END_OF_TURN_TOKEN)\|>"
)
_QUOTES = "`'\""


def pieces(text: str) -> list[Piece]:
    """A text that a model wrote, as thoughts and answers in their order; one answer where it marks no thought.

    It may begin inside a thought, which the template opened then; one that isn't closed goes on to the end. A marker
    that is quoted, or opens a thought amid an answer without ever closing it, is text like any other.
    """
    for opens, closes in PAIRS:
        if opens in text or closes in text:
            found = _between(text, opens, closes)
            if found != [("answer", text)]:
                return found
    return [("answer", text)]


def _between(text: str, opens: str, closes: str) -> list[Piece]:
    begins = text.lstrip().startswith(opens)
    if not begins and not _starts_inside(text, opens, closes):
        if _next(text, opens, closes, 0) < 0:
            return [("answer", text)]
        at, inside = 0, False
    else:
        at, inside = (text.index(opens) + len(opens) if begins else 0), True
    found: list[Piece] = []
    while at < len(text):
        end = text.find(closes, at) if inside else _next(text, opens, closes, at)
        said = text[at:] if end < 0 else text[at:end]
        if inside or said.strip():
            found.append(("thought", said.strip()) if inside else ("answer", _AROUND.sub("", said).strip()))
        if end < 0:
            return found
        at, inside = end + len(closes if inside else opens), not inside
    return found


def _starts_inside(text: str, opens: str, closes: str) -> bool:
    """Whether the first marker is one that closes, unquoted."""
    close = text.find(closes)
    after = text[close + len(closes) :]
    prose = text[:close].endswith(" ") and after.startswith(" ")  # a sentence about markers
    return close >= 0 and not prose and opens not in text[:close] and text[close - 1 : close] not in tuple(_QUOTES)


def _next(text: str, opens: str, closes: str, at: int) -> int:
    """Where a thought begins amid an answer: unquoted, and closed later or at the beginning of a line."""
    start, last = text.find(opens, at), text.rfind(closes)
    while start >= 0:
        closed = last > start or text[max(0, start - 1) : start] == "\n"
        if closed and (start == 0 or text[start - 1] not in _QUOTES):
            return start
        start = text.find(opens, start + 1)
    return -1
