"""Where a text states its answer: "the answer is", "Answer:", "####", "Therefore, ... is"."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from cotlens.trace.answers.search.corrections import CORRECTION
from cotlens.trace.answers.search.fields import fields
from cotlens.trace.values.money import SIGNS

_IS = r"(?:is|are|was|were|would\ be|will\ be|must\ be|should\ be|has\ to\ be|equals|comes\ to|becomes)"
_LEAD = re.compile(
    rf"""(?:\A|(?<=\n))[ >*]*\#{{3,}}[ ]*(?=[-–${SIGNS}\\(]?[-0-9.(\\]|[A-Z](?![A-Za-z]))
    | \banswers?\b (?: [^.:=?!\n]{{0,90}}?\s{_IS}\b(?:[*_\s]*:)?
        | (?:[ ]?\([^)\n]{{0,40}}\)|[ ](?:to|for)[ ][^.:=?!\n]{{0,60}}?)?[*_ ]{{0,6}}(?:[:=→⇒]|->|=>) )
    | (?:\A|(?<=\n))[ >]*[#*_]+[ ]*(?:the\s+)?(?:final\s+)?answers?[ ]*[*_]*[ ]*(?=\n)
    | (?:答案|答え|정답|回答)\s?(?:应该|應該)?(?:是|为|為|选|選|は|은|:)++ | 故[选選]
    | \b(?:Antwort|R[ée]ponse|Respuesta|Risposta|Resposta|Ответ)\b
      [^.:=?!\n]{{0,40}}?(?:\s(?:ist|lautet|est|es|è|é)\b|\s?:)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"(?:\A|(?<=[.!?\n])|(?<=[.!?\n] ))[ *]*(?:therefore|thus|hence|consequently|in conclusion)\b[, ]", re.IGNORECASE
)
_OPENING = re.compile(r"(?:[\s*_>\"'“`:]|\\\[|\\\(|\$\$)*+")
_END = re.compile(r"[.!?](?=[\s\"'”*_)\]$\\]|\Z)|[。！？\n]")
_TITLE = re.compile(
    r"\b(?:Dr|Mr|Mrs|Ms|St|Prof|Mt|Ft|Jr|Sr|Gen|Sen|Rep|Rev|Capt|Lt|Col|Sgt|vs|cf|approx|ca|e\.g|i\.e|incl|excl)\Z"
)
_NUMBERED = re.compile(
    r"\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Rs|No|Nos|Nr|Vol|pp?|Fig|Eq|Art|Ch|Sec)\Z|[0-9]\s?[a-z]{1,4}\Z"
)
_INITIALS = re.compile(r"(?:(?<![A-Za-z])[A-Z]\.\s?|\b(?:Dr|Mr|Mrs|Ms|Prof)\. )[A-Z]\Z")
_BEGINS = re.compile(r"\s(?:[a-z0-9]|(?!(?:The|It|This|That|He|She|We|I|A|An|In|So|They|There|But|Note)\b)[A-Z][a-z])")
_HYPOTHETICAL = re.compile(r"\b(?:if|suppose|assum\w+|whether|unless)\b", re.IGNORECASE)
_ANOTHER = re.compile(r"\b(?:wrong|incorrect|possible|plausible|intermediate|not the)\b", re.IGNORECASE)
_RUN_ON = re.compile(r"\n\s*(?:Question|Problem|Q|Human|User)\s*\d*\s*:", re.IGNORECASE)
_MARKUP = " \n\t.!*_`$\"'”’)]}\\"
_CORRECTIONS = 50  # that are looked into, the last ones
_NEAR = 40  # characters behind a statement in which it may be corrected
_REACH = 100  # characters before a lead that can make it a supposition
_LONGEST = 300  # characters of a clause; what is longer holds no answer beyond that


class Statement(NamedTuple):
    """A place where an answer is stated.

    Args:
        start, end: the clause that holds the value, from its first character that isn't markup to the end of its
            sentence or line.
        closed: whether the clause was ended rather than cut off by the end of the text.
        concluding: it doesn't say "answer" but "therefore".
        whole: it is a field of its own, all of which is the value.
        correcting: it takes the place of what was said before, and counts only where it is a value and no more.
        asked: it ends with a question mark.
    """

    start: int
    end: int
    closed: bool
    concluding: bool = False
    whole: bool = False
    correcting: bool = False
    asked: bool = False


UNCLEAR = "unclear"
"""Kind of a place that has several values, of which none is the answer alone."""


class Place(NamedTuple):
    """Where a value stands.

    Args:
        kind: "number", "letter", "text", or `UNCLEAR`.
        direct: it comes right after the lead, so nothing that follows in its clause can take its place.
    """

    start: int
    end: int
    kind: str = "number"
    direct: bool = True


def statements(text: str) -> list[Statement]:
    """The statements of a folded text in order, those that conclude before all others, as they weigh less."""
    found = [clause(text, lead.end()) for lead in _LEAD.finditer(text) if not _supposed(text, lead.start(), lead.end())]
    held = [Statement(start, end, closed, whole=True) for start, end, closed in fields(text)]
    begun = {one.start for one in held}  # `{"answer": "B"}` has the words of a lead as well
    found = [*(one for one in found if one.start not in begun), *held]
    return [*_conclusions(text), *sorted([*found, *_corrections(text, found)])]


def _corrections(text: str, found: list[Statement]) -> Iterator[Statement]:
    """What takes the place of a statement right before it, or ends the text."""
    for cue in deque(CORRECTION.finditer(text), maxlen=_CORRECTIONS):
        said = clause(text, cue.end(), correcting=True)
        near = any(one.start < cue.start() <= one.end + _NEAR for one in found[-_CORRECTIONS:])
        if not said.asked and (near or not text[said.end :].strip(_MARKUP)):
            yield said


def answered(text: str, end: int) -> int:
    """Where a text goes over to another question after an answer that ends at `end`; else its own end."""
    found = _RUN_ON.search(text, end)
    return len(text) if found is None else found.start()


def _supposed(text: str, start: int, end: int) -> bool:
    sentence = re.split(r"[.!?\n]", text[max(0, start - _REACH) : start])[-1]
    part = re.split(r"[,;:]", sentence)[-1] + text[start:end]  # "B is wrong, the answer is C"
    return bool(_HYPOTHETICAL.search(sentence + text[start:end]) or _ANOTHER.search(part))


def clause(text: str, at: int, *, concluding: bool = False, correcting: bool = False) -> Statement:
    """The clause that begins at `at`, without the markup before it."""
    opening = _OPENING.match(text, at)
    start = opening.end() if opening is not None else at
    last = min(len(text), start + _LONGEST)
    found = next((one for one in _END.finditer(text, start, last) if not _abbreviates(text, one)), None)
    if found is None:
        return Statement(start, last, start + _LONGEST < len(text), concluding, correcting=correcting)
    closed = found.group() == "\n" or found.end() < len(text)
    asked = found.group() in "?？"
    return Statement(start, found.start(), closed, concluding, correcting=correcting, asked=asked)


def _abbreviates(text: str, end: re.Match[str]) -> bool:
    """Whether a full stop belongs to the word before it, or "!" to a formula."""
    if end.group() == "!":
        return re.match(r"\s?[=+*/×·^<>]", text[end.end() : end.end() + 2]) is not None
    if end.group() != "." or not text[end.end() : end.end() + 3].strip():
        return False
    before, after = text[max(0, end.start() - 10) : end.start()], text[end.end() : end.end() + 8]
    if _NUMBERED.search(before):
        return re.match(r"\s?[0-9]", after) is not None
    return bool(_TITLE.search(before) or (_INITIALS.search(before) and _BEGINS.match(after)))


def _conclusions(text: str) -> list[Statement]:
    """The last sentence that concludes, where nothing is computed after it."""
    last = deque(_CONCLUSION.finditer(text), maxlen=1)
    if not last:
        return []
    said = clause(text, last[0].end(), concluding=True)
    return [] if "=" in text[said.end :] else [said]
