"""Reading thoughts back: which template a sentence of a *generated* thought came from, and its numbers.

The thought's language is small and known (`words.py`), so a sentence the model wrote can be recognised exactly. A
sentence no template fits is reported as unknown, never guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from string import Formatter

from cotlens.models.abacus import words

_FIELD = {
    **dict.fromkeys("abkqw", r"(?P<{0}>\d+)"),
    "op": r"(?P<op>[+-])",
    "po": r"(?P<po>[+-])",
    "c": r"(?P<c>[a-z]+)",
}
_TEXT = r"[\w ]+?"

# name of the move -> (templates, kind, filler)
MOVES: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "setup": (words.SETUP, "problem_setup", True),
    "plan": (words.PLAN, "plan_generation", True),
    "filler": (words.FILLER, "plan_generation", True),
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
_TIME = r"(?:(?:On day|At stop|In week) \d+, )?"
_TOLD = tuple(
    told
    for template in words.GAINS + words.LOSSES
    for told in {template.rstrip("."), template.rstrip(".").removeprefix("Then ").removeprefix("Later ")}
)
_RECALLS = _TOLD + words.RECALL_GAIN + words.RECALL_LOSS + words.FORK_RECALL


@dataclass(frozen=True)
class Move:
    """What a sentence does: its move, kind, whether it is filler, and its numbers by field (see `words`)."""

    name: str
    kind: str
    filler: bool
    numbers: dict[str, int]
    colour: str | None = None


def recognise(sentence: str) -> Move | None:
    """The move a sentence makes, or None when no template fits it."""
    for pattern, name, kind, filler in _patterns():
        found = pattern.fullmatch(sentence)
        if found:
            groups = found.groupdict()
            numbers = {key: int(groups[key]) for key in "abkqw" if groups.get(key) is not None}
            return Move(name, kind, filler, numbers, groups.get("c"))
    return None


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str, str, bool], ...]:
    rows = [
        (_pattern(template), name, kind, filler)
        for name, (templates, kind, filler) in MOVES.items()
        for template in templates
    ]
    rows += [(_pattern(recall + "."), "recall", "fact_retrieval", False) for recall in _RECALLS]
    rows += [
        (_pattern(recall + compute), "compute", "active_computation", False)
        for recall in _RECALLS
        for compute in words.COMPUTE
    ]
    return tuple(rows)


def _pattern(template: str) -> re.Pattern[str]:
    """The template as a regular expression; a field that comes again must read the same."""
    pattern, seen = "", set()
    for literal, name, _, _ in Formatter().parse(template):
        pattern += re.escape(literal)
        if name is None:
            continue
        pattern += f"(?P={name})" if name in seen else _FIELD.get(name, _TEXT).format(name)
        seen.update({name} & _FIELD.keys())
    if pattern[:1].isalpha():
        pattern = f"(?i:{pattern[0]})" + pattern[1:]
    return re.compile(_TIME + pattern)
