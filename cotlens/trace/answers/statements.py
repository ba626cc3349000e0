"""Where a text states its answer: "the answer is", "Answer:", "####", "Therefore, ... is"."""

from __future__ import annotations

import re
from typing import NamedTuple

_IS = r"(?:is|are|was|were|would\ be|will\ be|must\ be|should\ be|has\ to\ be|equals|comes\ to|becomes)"
_LEAD = re.compile(
    rf"""(?:\A|(?<=\n))[ >*]*\#{{3,}}[ ]*(?=[-–$€£¥\\(]?[-0-9.(\\]|[A-Z](?![A-Za-z]))
    | \banswers?\b (?: [^.:=?!\n]{{0,90}}?\s{_IS}\b(?:[*_\s]*:)?
        | (?:[ ]?\([^)\n]{{0,40}}\)|[ ](?:to|for)[ ][^.:=?!\n]{{0,60}}?)?[*_ ]{{0,6}}(?:[:=→⇒]|->|=>) )
    | (?:\A|(?<=\n))[ >]*[#*_]+[ ]*(?:the\s+)?(?:final\s+)?answers?[ ]*[*_]*[ ]*(?=\n)
    | (?:答案|答え|정답|回答)\s?(?:应该|應該)?(?:是|为|為|选|選|は|은|:)++ | 故[选選]
    | \b(?:Antwort|R[ée]ponse|Respuesta|Risposta|Resposta|Ответ)\b[^.:=?!\n]{{0,40}}?(?:\s(?:ist|lautet|est|es|è|é)\b|\s?:)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"(?:\A|(?<=[.!?\n])|(?<=[.!?\n] ))[ *]*(?:therefore|thus|hence|consequently|in conclusion)\b[, ]", re.IGNORECASE
)
_OPENING = re.compile(r"(?:[\s*_>\"'“`:]|\\\[|\\\(|\$\$)*+")
_END = re.compile(r"(?<!approx)(?<!\bca)[.!?](?=[\s\"'”*_)\]$\\]|\Z)|[。！？\n]")
_HYPOTHETICAL = re.compile(
    r"\b(?:if|suppose|assum\w+|whether|unless|wrong|incorrect|possible|plausible|intermediate|not the)\b", re.IGNORECASE
)
_RUN_ON = re.compile(r"\n\s*(?:Question|Problem|Q|Human|User)\s*\d*\s*:", re.IGNORECASE)
_REACH = 100  # characters before a lead that can make it a supposition
_LONGEST = 300  # characters of a clause; what is longer holds no answer beyond that


class Statement(NamedTuple):
    """A place where an answer is stated.

    Args:
        start, end: the clause that holds the value, from its first character that isn't markup to the end of its
            sentence or line.
        closed: whether the clause was ended rather than cut off by the end of the text.
        concluding: it doesn't say "answer" but "therefore".
    """

    start: int
    end: int
    closed: bool
    concluding: bool = False


def statements(text: str) -> list[Statement]:
    """The statements of a folded text in order, those that conclude before all others, as they weigh less."""
    found = [clause(text, lead.end()) for lead in _LEAD.finditer(text) if not _supposed(text, lead.start(), lead.end())]
    return [*_conclusions(text), *found]


def answered(text: str, end: int) -> int:
    """Where a text goes over to another question after an answer that ends at `end`; else its own end."""
    found = _RUN_ON.search(text, end)
    return len(text) if found is None else found.start()


def _supposed(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _REACH) : start]
    return _HYPOTHETICAL.search(re.split(r"[.!?\n]", before)[-1] + text[start:end]) is not None


def clause(text: str, at: int, concluding: bool = False) -> Statement:
    """The clause that begins at `at`, without the markup before it."""
    opening = _OPENING.match(text, at)
    start = opening.end() if opening is not None else at
    found = _END.search(text, start, start + _LONGEST)
    if found is not None:
        closed = found.group() == "\n" or found.end() < len(text)
        return Statement(start, found.start(), closed, concluding)
    return Statement(start, min(len(text), start + _LONGEST), start + _LONGEST < len(text), concluding)


def _conclusions(text: str) -> list[Statement]:
    """The last sentence that concludes, where nothing is computed after it."""
    last = None
    for last in _CONCLUSION.finditer(text):
        pass
    if last is None:
        return []
    said = clause(text, last.end(), concluding=True)
    return [] if "=" in text[said.end :] else [said]
