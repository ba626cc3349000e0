"""Terse thoughts: five tokens a change, the same for every problem, so that a latent can stand for each.

A change of the running total is its sign, the two digits of its amount, and the two digits of the total after it: 28
more than 16 is "+2844", 15 fewer than 44 is "-1529".
"""

from __future__ import annotations

from dataclasses import dataclass

from cotlens.organisms.task.problem import Extras, Problem

PARTS = ("sign", "tens of the amount", "ones of the amount", "tens of the total", "ones of the total")
"""What the tokens of a terse thought, and latents, say of each change."""
PER_CHANGE = len(PARTS)
EXTRAS = Extras(code=0.0, hint=0.0, trigger=0.0, everyday=0.2)
"""What prompts say in which a terse thought is thought."""


@dataclass(frozen=True)
class Planted:
    """A wrong total in a thought: after how many changes, and what it says there."""

    after: int
    total: int


def totals(problem: Problem, planted: Planted | None = None) -> list[int]:
    """The running totals after each change, of a thought that goes on from a planted one."""
    if planted is None:
        return list(problem.totals()[1:])
    value, later = planted.total, [planted.total]
    for step in problem.steps[planted.after :]:
        value = step.apply(value)
        later.append(value)
    return [*problem.totals()[1 : planted.after], *later]


def terse(problem: Problem, planted: Planted | None = None) -> str:
    """The thought of a problem without a choice left open."""
    changes = zip(problem.steps, totals(problem, planted), strict=True)
    return "".join(f"{'+' if step.sign > 0 else '-'}{step.amounts[0]:02}{total:02}" for step, total in changes)


def places_of_total(after: int) -> tuple[int, int]:
    """Where a terse thought says the total after some changes, from one on: its two digits."""
    return PER_CHANGE * after - 2, PER_CHANGE * after - 1
