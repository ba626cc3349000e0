"""What is known about latents of the siblings that think in them: what each should say, and what its use would show."""

from __future__ import annotations

from collections.abc import Sequence

from cotlens._core import check
from cotlens.measure.latent.cases import LatentCase
from cotlens.organisms.task.problem import LIMIT, Problem
from cotlens.organisms.task.problems import MAX_STEPS, problems
from cotlens.organisms.task.terse import EXTRAS, Planted, places_of_total, terse, totals


def latent_cases(n: int, changes: int, seed: int = 0) -> list[LatentCase]:
    """`n` held-out problems of so many changes, with what their latents should say; groups are those of `total_groups`.

    Raises:
        InputError: a number out of range.
    """
    count = check.whole("changes", changes, 1, MAX_STEPS)
    found = problems(check.whole("n", n, 1), seed=seed, steps=count, fork=False, extras=EXTRAS)
    return [LatentCase(one.prompt, one.answers[0], tuple(terse(one)), foretold, one) for one in found]


def total_groups(changes: int) -> tuple[tuple[int, ...], ...]:
    """For each change the two latents that should hold the total after it."""
    return tuple(places_of_total(after) for after in range(1, changes + 1))


def foretold(group: int, case: LatentCase, other: LatentCase) -> str | None:
    """The answer of a case if its total after change `group` (from 0) were that of another.

    None where a later total would leave 0 to 99, which the model has never seen.
    """
    own, donor = _problem(case), _problem(other)
    after = group + 1
    found: Sequence[int] = totals(own, Planted(after, donor.totals()[after]))
    return str(found[-1]) if all(0 <= total <= LIMIT for total in found) else None


def _problem(case: LatentCase) -> Problem:
    assert isinstance(case.facts, Problem)
    return case.facts
