"""Where a text takes back what it has just said: "... is wrong", "No, 16", "A, no wait, B"."""

from __future__ import annotations

import re

_BAD = (
    r"(?:wrong|incorrect|false|mistaken|not\s(?:right|correct|true|it|the\s(?:right\s|correct\s)?answer)"
    r"|a\smistake|an\serror)"
)
_SIGNS = r"[\s$*_`\"'”’~.,;:!?)\]}—–-]{0,6}+"
_CUE = (
    r"(?:oh\s|hm+[,.\s]+|oops[,.!\s]+)?(?:no[,.!]?\s+wait|wait[,.!…\s]+no|no|wait|actually|correction|sorry|oops|hm+"
    r"|scratch\sthat|make\sthat|i\smeant?(?:\sto\ssay)?|or\srather|my\smistake|nein|non)\b"
)
_WITHDRAWN = re.compile(
    rf"""(?:\\\)|\\\])?{_SIGNS} (?:(?:which|that|this|it|but\s(?:that|this|it))\s*)?
    (?:(?:is|was|['’]s|seems|looks|must\sbe|can(?:['’]t|not)\sbe)\s
        (?:clearly\s|actually\s|obviously\s|also\s|just\s)?{_BAD}
      | (?:is|was)n['’]t\s(?:right|correct|it|true) | can(?:['’]t|not)\sbe\s(?:right|correct)
      | [({{\[]?\s?(?:wrong|incorrect)[)}}\]]?(?!\s\w) )
    | {_SIGNS}(?:{_CUE}[\s,.!…:—–-]+)?(?:that|this|it)(?:\s(?:is|was)|['’]s)\s(?:clearly\s|actually\s)?{_BAD}""",
    re.VERBOSE | re.IGNORECASE,
)
_DOUBTED = re.compile(rf"(?:\\\)|\\\])?{_SIGNS}{_CUE}(?:[\s,.:;!…—–-]|\Z)", re.IGNORECASE)
_UNDECIDED = re.compile(
    rf"(?:\\\)|\\\])?{_SIGNS}(?:(?:{_CUE}|is|was|isn|wasn|can|cannot|which|that|this|it|or|and|but|instead|rather)\b[^.!?\n]*|[A-Za-z]+)\Z",
    re.IGNORECASE,
)
_HESITATING = re.compile(rf"{_SIGNS}(?:{_CUE}[^.!?\n]*|[A-Za-z]{{1,8}})\Z", re.IGNORECASE)
CORRECTION = re.compile(
    rf"(?:(?<=[.?!;,:—–*)\]}}$-])|(?<=[.?!;,:—–*)\]}}$-]\s)|(?<=\n)|\A){_CUE}(?:\s*[,.:;!…—–-]+\s*|(?<!\bno)\s+(?=[-$€£(*\\]{{0,3}}[0-9]|[(*]{{0,3}}[A-Z]\b|(?-i:it|that|i|should)\b))"
    r"(?:(?:it['’]?s|it\sis|that['’]?s|that\sis|should\sbe|it\s(?:should|must)\sbe|i\smean)\s+)?",
    re.IGNORECASE,
)
"""What leads to the value that takes the place of one before it."""
_STRUCK = re.compile(r"~~(?=[^\s~])[^~\n]{1,80}?(?<=[^\s~])~~|<(s|del|strike)>[^<\n]{1,80}</\1>")


def withdrawn(text: str, end: int) -> bool:
    """Whether the value that ends at `end` is called wrong right after it."""
    return _WITHDRAWN.match(text, end) is not None


def doubted(text: str, end: int) -> bool:
    """Whether a text goes on as if to correct the value that ends at `end`."""
    return _DOUBTED.match(text, end) is not None


def undecided(text: str, end: int) -> bool:
    """Whether a text that was cut off might be about to take back the value that ends at `end`."""
    return _UNDECIDED.match(text, end) is not None


def hesitating(text: str, end: int) -> bool:
    """Whether a text that was cut off has begun to correct the sentence that ends at `end`, or no more than a word."""
    return _HESITATING.match(text, end) is not None


def unstruck(text: str) -> str:
    """`text` with spaces in place of what is struck out, as long as it was."""
    return _STRUCK.sub(lambda found: " " * len(found.group()), text) if "~~" in text or "</" in text else text
