"""Exercises that check themselves: what the chapters in `tutorials/` are made of, for teachers to make their own.

    from cotlens.teaching import check, hint

    check("1.2", stopped)   # a Verdict: whether it is right, and a sentence that teaches
    hint("1.2")             # the first hint; hint("1.2", 2) is the next

A check runs the student's function on cases that the student hasn't seen, or compares numbers with what is measured
here; it never looks at code. `exercise` says what an exercise is, `cases` compares functions case by case, `course`
finds the exercises of the chapters (in `chapters/`), `specimens` takes the names of the models away, `measures` draws
measures of which one is wrong, `claims` seals plans and draws what they are tried on. Solutions are no part
of this package.

Open `exercise` first.
"""

from typing import TYPE_CHECKING

from cotlens._core.lazy import lazy_attributes

__all__ = ["Case", "Exercise", "Verdict", "Wrong", "agree", "check", "hint", "lineup", "suspects"]

if TYPE_CHECKING:
    from cotlens.teaching.cases import Case, agree
    from cotlens.teaching.course import check, hint
    from cotlens.teaching.exercise import Exercise, Verdict, Wrong
    from cotlens.teaching.measures import suspects
    from cotlens.teaching.specimens import lineup

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "check": "cotlens.teaching.course:check",
        "hint": "cotlens.teaching.course:hint",
        "Exercise": "cotlens.teaching.exercise:Exercise",
        "Verdict": "cotlens.teaching.exercise:Verdict",
        "Wrong": "cotlens.teaching.exercise:Wrong",
        "Case": "cotlens.teaching.cases:Case",
        "agree": "cotlens.teaching.cases:agree",
        "lineup": "cotlens.teaching.specimens:lineup",
        "suspects": "cotlens.teaching.measures:suspects",
    },
)
