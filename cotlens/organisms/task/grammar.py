"""Reading thoughts back: which template a sentence of a *generated* thought came from, and where its numbers stand.

The thought's language is small and known (`words.py`), so a sentence the model wrote can be recognised exactly. A
sentence no template fits is reported as unknown, never guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from string import Formatter

from cotlens.organisms.task import words

_NUMBERS = "abhkqw"
_FIELD = {
    **dict.fromkeys("abkqwh", r"(?P<{0}>\d+)"),
    "op": r"(?P<op>[+-])",
    "po": r"(?P<po>[+-])",
    "c": r"(?P<c>[a-z]+)",
}
_PERSON = {**dict.fromkeys("pP", "(?i:she|he)"), "o": "(?:her|him)"}
_TEXT = r"[\w ]+?"

# name of the move -> (templates, kind, filler)
MOVES: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "setup": (words.SETUP, "problem_setup", True),
    "plan": (words.PLAN, "plan_generation", True),
    "filler": (words.FILLER, "plan_generation", True),
    "candid": (words.CANDID, "fact_retrieval", False),
    "start": (words.START, "fact_retrieval", False),
    "ignore": (words.IGNORE_NUMBER + words.IGNORE_WEATHER, "fact_retrieval", True),
    "doubt": (words.DOUBT, "uncertainty_management", True),
    "resolve": (words.DOUBT_GAIN + words.DOUBT_LOSS, "uncertainty_management", True),
    "fork": (words.FORK_OPEN, "uncertainty_management", True),
    "choice": (words.FORK_CHOICE, "uncertainty_management", False),
    "slip": (words.SLIP, "uncertainty_management", False),
    "fix": (words.SLIP_FIX, "self_checking", False),
    "correction": (words.CORRECTION, "self_checking", False),
    "check": (words.CHECK, "self_checking", True),
    "compute": (words.COMPUTE_ALONE, "active_computation", False),
    "restate": (words.RESTATE, "result_consolidation", False),
    "closing": (words.CLOSING, "result_consolidation", True),
    "final": (words.FINAL, "final_answer_emission", False),
}
_TIME = r"(?:(?:On day|At stop|In week) (?P<i>\d+), )?"
_TOLD = tuple(
    form
    for template in words.GAINS + words.LOSSES
    for form in {template.rstrip("."), template.rstrip(".").removeprefix("Then ").removeprefix("Later ")}
)
_RECALLS = _TOLD + words.FORK_RECALL


@dataclass(frozen=True)
class Place:
    """Where a field stands in a sentence: its letter (see `words`; "i" is a time) and character range."""

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class Move:
    """What a sentence does: its move, kind, whether it is filler, and its numbers by field (see `words`).

    `places` says where every number stands, in order; a field said twice has two places. `sign` is that of the
    change computed or recalled (+1, -1), None where the sentence doesn't say.
    """

    name: str
    kind: str
    filler: bool
    numbers: dict[str, int]
    colour: str | None = None
    places: tuple[Place, ...] = ()
    sign: int | None = None


def recognise(sentence: str) -> Move | None:
    """The move a sentence makes, or None when no template fits it."""
    for pattern, name, kind, filler, sign in _patterns():
        found = pattern.fullmatch(sentence)
        if found:
            groups = found.groupdict()
            numbers = {key: int(groups[key]) for key in "abkqwhi" if groups.get(key) is not None}
            if groups.get("op"):
                sign = 1 if groups["op"] == "+" else -1
            elif groups.get("po"):  # a check undoes the change
                sign = -1 if groups["po"] == "+" else 1
            return Move(name, kind, filler, numbers, groups.get("c"), _places(found), sign)
    return None


def _places(found: re.Match[str]) -> tuple[Place, ...]:
    spans = ((group[0], found.span(group)) for group in found.groupdict() if group[0] in "abkqwhi")
    return tuple(sorted((Place(field, *span) for field, span in spans if span[0] >= 0), key=lambda one: one.start))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str, str, bool, int | None], ...]:
    rows: list[tuple[re.Pattern[str], str, str, bool, int | None]] = [
        (_pattern(template), name, kind, filler, None)
        for name, (templates, kind, filler) in MOVES.items()
        for template in templates
    ]
    gains = {recall for recall in _RECALLS if recall in words.FORK_RECALL or _is_of(recall, words.GAINS)}
    signs = {recall: 1 if recall in gains else -1 for recall in _RECALLS}
    rows += [(_pattern(recall + "."), "recall", "fact_retrieval", False, signs[recall]) for recall in _RECALLS]
    rows += [
        (_pattern(recall + compute), "compute", "active_computation", False, None)
        for recall in _RECALLS
        for compute in words.COMPUTE
    ]
    return tuple(rows)


def _is_of(recall: str, templates: tuple[str, ...]) -> bool:
    return any(template.rstrip(".").endswith(recall) for template in templates)


def _pattern(template: str) -> re.Pattern[str]:
    """The template as a regular expression; a field that comes again must read the same, as group `k_2`, `k_3`."""
    pattern = ""
    seen: dict[str, int] = {}
    for literal, name, _, _ in Formatter().parse(template):
        pattern += re.escape(literal)
        if name is None:
            continue
        seen[name] = seen.get(name, 0) + (name in _FIELD)
        again = f"(?P<{name}_{seen[name]}>(?P={name}))"
        pattern += again if seen[name] > 1 else _FIELD.get(name, _PERSON.get(name, _TEXT)).format(name)
    if pattern[:1].isalpha():
        pattern = f"(?i:{pattern[0]})" + pattern[1:]
    return re.compile(_TIME + pattern)
