"""An exercise: what is judged, what it says when it isn't right yet, and hints in steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cotlens._core import check
from cotlens._core.errors import CotLensError, InputError

UNFILLED = "nothing is filled in yet. Put your own in place of the dots, run that cell, then this one."


class Wrong(CotLensError):
    """An answer isn't right yet; the message says what is wrong in a way that teaches, without giving the solution."""


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found. True in a condition if the exercise is solved; a notebook shows it as a sentence."""

    exercise: str
    passed: bool
    message: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"{'✓' if self.passed else '✗'} {self.exercise}: {self.message}"


@dataclass(frozen=True, repr=False)
class Hint:
    """One hint; a notebook shows it as text."""

    text: str
    step: int
    steps: int

    def __repr__(self) -> str:
        return f"Hint {self.step} of {self.steps}: {self.text}"


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Args:
        id: chapter and number, "1.2".
        title: a few words.
        minutes: how long a student takes.
        level: 1 (read and run), 2 (put two things together), 3 (find a way of your own).
        judge: is given what the student made (and what else `check` is given by name), raises `Wrong` with a sentence
            that teaches, and returns one that says what was learnt. It should not be passed by a constant.
        hints: from a nudge to almost the solution.
    """

    id: str
    title: str
    minutes: int
    level: int
    judge: Callable[..., str]
    hints: tuple[str, ...] = ()

    def check(self, made: Any, **context: Any) -> Verdict:
        """Judge what the student made: numbers, a function, a trace. A mistake in it is a verdict, never an error."""
        if empty(made):
            return Verdict(self.id, False, UNFILLED)
        try:
            return Verdict(self.id, True, self.judge(made, **context))
        except Wrong as wrong:
            return Verdict(self.id, False, str(wrong))

    def hint(self, step: int = 1) -> Hint:
        """Hint `step`, counted from 1.

        Raises:
            InputError: there is no such hint.
        """
        if not self.hints:
            raise InputError(f"Exercise {self.id} has no hints.")
        step = check.whole("step", step, 1, len(self.hints), of="hint")
        return Hint(self.hints[step - 1], step, len(self.hints))


def empty(made: Any) -> bool:
    """Whether a cell is still as it was handed out: dots, or a container with dots in it."""
    if isinstance(made, dict):
        made = tuple(made.values())
    return made is ... or (isinstance(made, (list, tuple)) and any(part is ... for part in made))
