"""The exercises of the chapters by their id, and the two calls of their notebooks."""

from __future__ import annotations

from typing import Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.registry import Registry
from cotlens.teaching.exercise import Exercise, Hint, Verdict

CHAPTERS = Registry(
    "chapter",
    {
        "1": "cotlens.teaching.chapters.reading:EXERCISES",
        "2": "cotlens.teaching.chapters.mattering:EXERCISES",
        "3": "cotlens.teaching.chapters.faithfulness:EXERCISES",
        "4": "cotlens.teaching.chapters.steering:EXERCISES",
        "5": "cotlens.teaching.chapters.inside:EXERCISES",
        "6": "cotlens.teaching.chapters.claiming:EXERCISES",
    },
)


def check(exercise: str, made: Any, **context: Any) -> Verdict:
    """Judge what a student made for an exercise.

    Args:
        exercise: its id, "1.2".
        made: numbers, a function, a trace.
        context: what else the exercise needs, e.g. `seed` of the models that were drawn.

    Raises:
        InputError: there is no such exercise.
    """
    return find(exercise).check(made, **context)


def hint(exercise: str, step: int = 1) -> Hint:
    """Hint `step` (from 1) of an exercise.

    Raises:
        InputError: there is no such exercise or hint.
    """
    return find(exercise).hint(step)


def find(exercise: str) -> Exercise:
    """The exercise of an id.

    Raises:
        InputError: there is none.
    """
    if not isinstance(exercise, str):
        raise InputError(f'An exercise is named by its id, "1.2"; {exercise!r} was given.')
    known = {one.id: one for one in exercises(exercise.partition(".")[0])}
    if exercise not in known:
        raise InputError(f"There is no exercise {exercise!r}. {did_you_mean(exercise, known)}")
    return known[exercise]


def exercises(chapter: str) -> tuple[Exercise, ...]:
    """The exercises of a chapter, in order.

    Raises:
        InputError: there is no such chapter.
    """
    found: tuple[Exercise, ...] = CHAPTERS.get(chapter)
    return found
