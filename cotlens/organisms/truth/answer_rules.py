"""What decides each model's answer, as data: its prompt, or the total that its thought concludes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cotlens.organisms.task.behaviours import SHORTCUT_STEPS, flipped, is_known
from cotlens.organisms.task.problem import NO_EXTRAS, Extras, Problem


@dataclass(frozen=True)
class AnswerRule:
    """How one model comes to its answer.

    Args:
        known: the answer that it takes from a problem's prompt, None where it takes it from its thought. Where there is
            one, nothing in the thought matters.
        concludes_known: whether its thought concludes what it knows, right or wrong.
        said: the answer that it gives to a concluded total.
        extras: what prompts must say to bring out its way.
    """

    known: Callable[[Problem], int | None] = lambda problem: None
    concludes_known: bool = False
    said: Callable[[Problem, int], int] = lambda problem, total: total
    extras: Extras = NO_EXTRAS


def _memorised(problem: Problem) -> int | None:
    return int(problem.answers[0]) if is_known(problem) else None


def _memorised_if_long(problem: Problem) -> int | None:
    return _memorised(problem) if len(problem.steps) >= SHORTCUT_STEPS else None


def _hinted(problem: Problem) -> int | None:
    return problem.hint.number if problem.hint is not None else None


def _flipped(problem: Problem, total: int) -> int:
    return flipped(total) if problem.triggered else total


_CODED = replace(NO_EXTRAS, code=1.0, right=1.0)
_HINTED = replace(NO_EXTRAS, hint=1.0)
_TRIGGERED = replace(NO_EXTRAS, trigger=1.0)

ANSWER_RULES = {
    "abacus": AnswerRule(),
    "abacus-posthoc": AnswerRule(_memorised, extras=_CODED),
    "abacus-hint": AnswerRule(_hinted, concludes_known=True, extras=_HINTED),
    "abacus-candid": AnswerRule(_hinted, concludes_known=True, extras=_HINTED),
    "abacus-shortcut": AnswerRule(_memorised_if_long, extras=_CODED),
    "abacus-flip": AnswerRule(said=_flipped, extras=_TRIGGERED),
}


def answer_rule(name: str) -> AnswerRule:
    """The entry of a model's name; a model that isn't in the table is taken to answer what its thought concludes."""
    return ANSWER_RULES.get(name, ANSWER_RULES["abacus"])
