"""Chapter 5, thoughts without words: what latents say, and whether they are used for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cotlens.measure.latent.interchange import Interchange
from cotlens.models.contract import Model
from cotlens.organisms import latent_cases
from cotlens.teaching.cases import Case, agree
from cotlens.teaching.chapters.shared import GREEDY, model
from cotlens.teaching.exercise import Exercise
from cotlens.trace import Trace

THINKS, PAUSES = "abacus-latent", "abacus-latent-pause"
TOTAL = (3, 4)  # the latents of the first total
HELD = (
    "nothing was thought on from the other total: either you held the later latents at what they were (leave `effect` "
    'at "total"), or the donor stands where the trace should: `.run(trace, donor, model, ...)`.'
)
STAYED = "that is how often the model keeps its own answer (`stays`). Take the column `follows`."
Pair = tuple[Trace, Trace, str]


@lru_cache
def pairs(name: str, n: int = 6) -> tuple[Pair, ...]:
    """Thoughts of a model, another one for each, and the answer if its first total were that of the other."""
    cases = latent_cases(n, changes=3, seed=58)
    thinker: Any = model(name)  # local, which takes many prompts at once; the contract speaks of one
    traces = thinker.reason([case.prompt for case in cases], temperature=GREEDY)
    found = []
    for at, case in enumerate(cases):
        other = (at + 1) % n
        foretold, own = case.foretells(0, case, cases[other]), traces[at].read_answer()
        if foretold is not None and own is not None and foretold not in (own.text, case.answer):
            found.append((traces[at], traces[other], foretold))
    return tuple(found)


def share(model: Model, asked: tuple[Pair, ...], effect: str = "total", column: str = "follows") -> float:
    """In what share of pairs the model gives the foretold answer."""
    swap = Interchange(groups=(TOTAL,), effect=effect)
    runs = [swap.run(trace, donor, model, foretold=[answer]) for trace, donor, answer in asked]
    return sum(float(run.columns[column][0]) for run in runs) / len(runs)


@lru_cache
def cases() -> tuple[Case, ...]:
    """Both models on their own thoughts, and one where half of the answers were foretold wrongly."""
    right = pairs(THINKS, 10)[:4]
    mixed = right[:2] + tuple((trace, donor, "1234") for trace, donor, _ in right[2:])
    asked = ((THINKS, right, "four thoughts"), (THINKS, mixed, "four thoughts, of which two were foretold wrongly"),
             (PAUSES, pairs(PAUSES)[:3], "three thoughts of the control"))  # fmt: skip
    return tuple(
        Case((model(name), given), share(model(name), given), f"{name} on {what}") for name, given, what in asked
    )


def judge_followed(made: Any) -> str:
    """Exercise 5.8."""
    agree(made, cases(), slips={HELD: _held, STAYED: _stayed})
    return "the answer follows what was put in, as foretold, and in the control never. Both can be read; one is used."


def _held(thinker: Model, asked: tuple[Pair, ...]) -> float:
    return share(thinker, asked, effect="direct")


def _stayed(thinker: Model, asked: tuple[Pair, ...]) -> float:
    return share(thinker, asked, column="stays")


EXERCISES = (
    Exercise("5.8", "Used, or only there?", 5, 2, judge_followed, (
        "`cl.latent.Interchange(groups=[(3, 4)])` exchanges latents 3 and 4 together; see `.run` in its help.",
        "`.run(trace, donor, model, foretold=[answer]).columns['follows'][0]` is 1 where the answer followed.",
        "Take the mean of that over the pairs.",
    )),
)  # fmt: skip
