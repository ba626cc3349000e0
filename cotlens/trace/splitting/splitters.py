"""Cutting a text into sentences, paragraphs and steps, by offset.

The sentence rule is the one of Thought Anchors (arXiv 2506.19143, interp-reasoning/thought-anchors `utils.py`), with
the text after the last boundary kept as the published chunk lists keep it: a sentence ends at ".", "?" or "!" before
a space or a line break, or at a blank line; pieces of fewer than 10 characters join the next one, a last one the one
before. That rule is blunt (it cuts "5! * 2!") and is kept as it is, because published importances are per chunk.

To it are added what published thoughts don't have: any other white space behind the terminator, Unicode's separators of
lines and paragraphs, CRLF, and ends in bold or in quotation marks. A straight quotation mark or a round bracket ends a
sentence only where the whole of one stands in it (`"It is five." Then`), as the published lists go on behind `a "super
plate." So`.

The rule knows Latin script only. Other scripts have terminators of their own (see `terminators`), which need no space
behind them, and an ideograph counts as two characters.
"""

from __future__ import annotations

import re

from cotlens._core.errors import InputError, did_you_mean
from cotlens.trace.splitting import terminators

UNITS = ("token", "sentence", "paragraph", "step")
SHORTEST = 10
"""Characters below which a sentence is joined to its neighbour; ideographs count twice."""

Range = tuple[int, int]

_LINE = r"(?:\r?\n|[\x85\u2028])"
_SENTENCE_END = re.compile(
    r"""[.?!](?=[^\S\r]|\r\n) | \n(?=\n) | \r\n(?=\r\n) | [\x85\u2028](?=[\x85\u2028]) | \u2029
    | [.?!](?:["”’»]*(?:\*\*|__)|(?<![0-9].)[*_]|[”’»])["”’»*_]*(?=\s)""",
    re.VERBOSE,
)
_QUOTED = re.compile(r'"(?=[A-Z])[^"\n]{2,400}[.?!]"(?=\s)|\((?=[A-Z])[^()\n]{2,400}[.?!]\)(?=\s)')
_CLAUSE_END = re.compile(r"[.!?][\"'”’»)\]*_`]{0,4}\s+|[\n\x85\u2028\u2029]\s*")
_BLANK_LINE = re.compile(rf"{_LINE}(?:[ \t]*{_LINE})+|\u2029\s*")
_LINE_BREAK = re.compile(rf"{_LINE}|\u2029")


def split(text: str, unit: str) -> list[Range]:
    """Character ranges of the sentences, paragraphs or steps of `text`, without the whitespace around them.

    A paragraph ends at a blank line, a step at the end of its line.

    Raises:
        InputError: `unit` is not one of "sentence", "paragraph", "step" (tokens are cut by the trace itself).
    """
    if unit == "sentence":
        return [(group[0][0], group[-1][1]) for group in _sentences(text)]
    if unit == "paragraph":
        return _trimmed(text, [match.end() for match in _BLANK_LINE.finditer(text)])
    if unit == "step":
        return _trimmed(text, [match.end() for match in _LINE_BREAK.finditer(text)])
    check_unit(unit)
    raise InputError("A text by itself has no tokens; cut it by 'sentence', 'paragraph' or 'step'.")


def check_unit(unit: str) -> None:
    """Raise InputError, with near names, unless `unit` is one of `UNITS`."""
    if unit not in UNITS:
        raise InputError(f"There is no unit called {unit!r}. {did_you_mean(unit, UNITS)}")


def chunk_texts(text: str) -> list[str]:
    """The sentences as Thought Anchors publishes them: short pieces joined to their neighbour by one space.

    A joined chunk need not be found in `text`; use `split` for where each sentence lies.
    """
    return [" ".join(text[start:end] for start, end in group) for group in _sentences(text)]


def sentence_starts(text: str) -> list[int]:
    """Where sentences begin, rising, the first at 0: behind a terminator and its spaces, and on every new line.

    Finer than `split`, whose sentences are units to be measured: there a single line break ends nothing, and short
    pieces are joined. This is for finding the sentence in which an answer is stated.
    """
    ends = [match.end() for match in _CLAUSE_END.finditer(text)]
    behind = (len(text) - len(text[cut:].lstrip()) for cut in terminators.cuts(text))
    return sorted({0, *ends, *behind})


def _sentences(text: str) -> list[list[Range]]:
    """Sentences as groups of the pieces they were joined from."""
    groups: list[list[Range]] = []
    waiting: list[Range] = []
    latin = [match.end() for pattern in (_SENTENCE_END, _QUOTED) for match in pattern.finditer(text)]
    cuts = sorted([*latin, *terminators.cuts(text)])
    for piece in _trimmed(text, cuts):
        waiting.append(piece)
        if _long_enough(text, waiting):
            groups.append(waiting)
            waiting = []
    if waiting and groups:
        groups[-1].extend(waiting)
    elif waiting:
        groups.append(waiting)
    return groups


def _long_enough(text: str, group: list[Range]) -> bool:
    gaps = len(group) - 1
    if sum(end - start for start, end in group) + gaps >= SHORTEST:
        return True
    return sum(terminators.width(text[start:end]) for start, end in group) + gaps >= SHORTEST


def _trimmed(text: str, cuts: list[int]) -> list[Range]:
    """The stretches between cuts, without surrounding whitespace; empty ones are left out."""
    ranges: list[Range] = []
    start = 0
    for cut in (*cuts, len(text)):
        part = text[start:cut]
        lead = len(part) - len(part.lstrip())
        if lead < len(part):
            ranges.append((start + lead, start + len(part.rstrip())))
        start = cut
    return ranges
