"""Comparing a student's function with the right one, case by case.

The cases are the check's own, so an answer that was copied from one of them, or is a constant, fails on the others.
A check is asked again and again: what costs runs of a model to know, its module works out once (`lru_cache`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.teaching.exercise import UNFILLED, Wrong, empty


@dataclass(frozen=True)
class Case:
    """One question to a student's function.

    Args:
        given: the arguments.
        right: what it should return: a number, a bool, a label, or a sequence of them.
        about: the question in words, as a message quotes it ("the thought stopped after 3 sentences").
    """

    given: tuple[Any, ...]
    right: Any
    about: str


def agree(
    made: Any, cases: Sequence[Case], *, within: float = 1e-6, slips: Mapping[str, Callable[..., Any]] | None = None
) -> None:
    """See that a function returns what is right in every case.

    Args:
        made: the student's function.
        within: how far a number may be off, in its own unit.
        slips: what a typical mistake returns, by the sentence that explains it. If the student's returns are those of
            a slip in all cases, that sentence is the message.

    Raises:
        Wrong: it is no function, fails, or returns something else in some case.
        InputError: all cases have the same right answer, so that a constant would pass.
    """
    if all(same(case.right, cases[0].right, within) for case in cases):
        raise InputError("Every case has the same right answer: a constant would pass. Add a case that has another.")
    if not callable(made):
        raise Wrong(f"a function is asked for, and this is {shown(made)}. Leave the `def` line as it was.")
    returned = [called(made, case) for case in cases]
    wrong = [
        i for i, (mine, case) in enumerate(zip(returned, cases, strict=True)) if not same(mine, case.right, within)
    ]
    if not wrong:
        return
    for sentence, slip in (slips or {}).items():
        if all(same(mine, slip(*case.given), within) for mine, case in zip(returned, cases, strict=True)):
            raise Wrong(sentence)
    case, mine = cases[wrong[0]], returned[wrong[0]]
    raise Wrong(f"{len(wrong)} of {len(cases)} cases are wrong. The first: {case.about} gives {shown(case.right)}, "
                f"and yours returns {shown(mine)}.")  # fmt: skip


def called(made: Callable[..., Any], case: Case) -> Any:
    """What the student's function returns in a case.

    Raises:
        Wrong: it fails, or isn't filled in.
    """
    try:
        returned = made(*case.given)
    except Exception as error:
        raise Wrong(f"your function stopped with {type(error).__name__}: {error} (asked for {case.about}).") from error
    if empty(returned):
        raise Wrong(UNFILLED)
    return returned


def same(mine: Any, right: Any, within: float) -> bool:
    """Whether two returns are the same: numbers to within a tolerance, NaN like NaN; labels and flags exactly."""
    if isinstance(right, (str, bool, np.bool_)):
        return isinstance(mine, (str, bool, np.bool_)) and mine == right
    try:
        if np.asarray(mine).dtype.kind in "US":  # "40" reads as a number, and is none to calculate with
            return False
        a, b = np.asarray(mine, dtype=np.float64), np.asarray(right, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=0.0, atol=within, equal_nan=True))


def shown(value: Any) -> str:
    """A value in a message, in one short line."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.3g}"
    if isinstance(value, (list, tuple, np.ndarray)):
        return "(" + ", ".join(shown(part) for part in value) + ")"
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 80 else f"{text[:79]}…"
