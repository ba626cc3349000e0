"""Chapter 2: which parts of a thought mattered, and three ways in which a heat map lies."""

from __future__ import annotations

import re
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np

from cotlens.measure.importance.occlusion import Occlusion
from cotlens.measure.stats import wilson
from cotlens.models.contract import Model
from cotlens.teaching import measures as lying
from cotlens.teaching.cases import Case, agree, called, shown
from cotlens.teaching.chapters.reading import stopped
from cotlens.teaching.chapters.shared import GREEDY, answer, model, thoughts
from cotlens.teaching.exercise import Exercise, Wrong
from cotlens.trace import Trace

Z = 1.96  # standard normal, 95 %
AND_BACK = (  # a story that ends with the number it begins with: it is answered early, and then not
    "Ella has 40 balloons. In week 1, she gives 10 to Ivy. In week 2, she finds 10 more balloons. "
    "How many balloons does Ella have?"
)
LINEUPS = range(8)  # seeds of the four measures: each lie is among them more than once


def settled(model: Model, trace: Trace) -> int:
    """After how many sentences the answer is the final one, and stays."""
    early = [stopped(model, trace, k) for k in range(len(trace.spans("sentence")) + 1)]
    return 1 + max((k for k, said in enumerate(early) if said != early[-1]), default=-1)


def auroc(score: Any, matters: Any) -> float:
    """How often what matters scores above what doesn't, ties counting half."""
    score, matters = np.asarray(score, dtype=np.float64), np.asarray(matters, dtype=bool)
    difference = score[matters][:, None] - score[~matters][None]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def together(model: Model, trace: Trace, number: int) -> tuple[float, float]:
    """The largest effect of hiding one copy of a number, and that of hiding all of them."""
    places = copies(trace, number)
    alone = Occlusion(spans=tuple(places)).run(trace, model).columns["estimate"]
    return float(max(alone)), float(Occlusion(groups=(tuple(places),)).run(trace, model).columns["estimate"][0])


def copies(trace: Trace, number: int) -> list[tuple[int, int]]:
    """Where a number stands in the thought, in characters of the trace's text."""
    thought = trace.roles["thought"]
    found = re.compile(rf"\b{number}\b").finditer(trace.text, thought.char_start, thought.char_end)
    return [place.span() for place in found]


@lru_cache
def _settled_cases() -> tuple[Case, ...]:
    asked = model()
    back = asked.reason(AND_BACK, temperature=GREEDY)
    return tuple(
        Case((asked, trace), settled(asked, trace), f"a thought of {len(trace.spans('sentence'))} sentences")
        for trace in (*thoughts(3, 201, 3), *thoughts(2, 202, 1), back)
    )


def judge_settled(made: Any) -> str:
    """Exercise 2.1."""
    slips = {
        "that is one too early: after k sentences the answer is what `stopped(..., k)` gives, counted from 0.": (
            lambda m, trace: settled(m, trace) - 1
        ),
        "that is when the answer is first the final one. A story can come back to the number it began with: it has to "
        "stay.": _reached,
    }
    agree(made, _settled_cases(), slips=slips)
    return "before that the answer isn't there; what follows can't have made it. A curve says this at a glance."


def judge_auroc(made: Any) -> str:
    """Exercise 2.2."""
    rng, cases = np.random.default_rng(22), []
    for n in (5, 8, 8, 12, 30):
        score, matters = rng.integers(0, 5, n).astype(float), rng.permutation(np.arange(n) < max(1, n // 3))
        cases.append(Case((score, matters), auroc(score, matters), f"scores {shown(score[:6])}... of {n} sentences"))
    tied = "a tie counts as half: else a measure that gives the same score to all has 0 rather than chance."
    turned = "that is the share of pairs the wrong way round: 1 is perfect."
    slips = {tied: _untied, turned: lambda score, matters: 1 - auroc(score, matters)}
    agree(made, cases, slips=slips)
    return "1 is perfect, .5 is chance, whatever the unit of the score. So measures of different units can be compared."


def judge_interval(made: Any) -> str:
    """Exercise 2.3."""
    cases = [
        Case((k, n), tuple(wilson(k, n)), f"{k} of {n}") for k, n in ((0, 20), (1, 20), (10, 20), (20, 20), (180, 200))
    ]
    slip = (
        "that is Wald's interval, p ± 1.96 sqrt(p (1 - p) / n): at 0 of 20 and 20 of 20 it has no width, as if 20 "
        "rollouts settled it. Wilson's asks which p would make what was seen unsurprising."
    )
    agree(made, cases, within=2e-3, slips={slip: _wald})
    return "0 of 20 still allows 16 %. Twenty rollouts tell .5 from .9, not .5 from .6."


def judge_together(made: Any) -> str:
    """Exercise 2.4."""
    asked, cases = model(), []
    for trace in thoughts(10, 201, 3):
        number = answer(trace)
        if number is not None and len(copies(trace, number)) > 1:
            about = f"the {len(copies(trace, number))} copies of {number}"
            cases.append(Case((asked, trace, number), together(asked, trace, number), about))
    slip = (
        "the second is the sum of the effects of single copies. Hide all of them in one measurement: `groups=[places]`."
    )
    agree(made, cases, within=1e-3, slips={slip: _summed})
    return "hidden one by one, hardly anything; together, everything. One at a time is blind to what is said twice."


def judge_wrong_one(made: Any) -> str:
    """Exercise 2.5."""
    if not callable(made):
        raise Wrong(f"a function is asked for, and this is {shown(made)}. Leave the `def` line as it was.")
    missed = {}
    for seed in LINEUPS:
        said = called(made, Case((lying.suspects(seed),), "", "four measures"))
        if said != lying.wrong_letter(seed):
            missed[seed] = next(name for name in lying.names(seed) if name in lying.LIES)
    if not missed:
        return (
            "found in all of them: a model that knows nothing, a position, an index off by one. Each looked plausible."
        )
    why = ""
    if set(missed.values()) == {"position"}:
        why = " What you miss each time scores late sentences high. In which thought would that be wrong?"
    raise Wrong(
        f"the wrong one was found in {len(LINEUPS) - len(missed)} of {len(LINEUPS)} line-ups; a guess finds 2.{why}"
    )


def _reached(model: Model, trace: Trace) -> int:
    early = [stopped(model, trace, k) for k in range(len(trace.spans("sentence")) + 1)]
    return early.index(early[-1])


def _untied(score: Any, matters: Any) -> float:
    return float(np.mean(score[matters][:, None] > score[~matters][None]))


def _wald(k: int, n: int) -> tuple[float, float]:
    half = Z * sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half


def _summed(model: Model, trace: Trace, number: int) -> tuple[float, float]:
    alone = Occlusion(spans=tuple(copies(trace, number))).run(trace, model).columns["estimate"]
    return float(max(alone)), float(sum(alone))


EXERCISES = (
    Exercise("2.1", "When is it settled?", 4, 2, judge_settled, (
        "`[stopped(model, trace, k) for k in range(n)]`, and the final answer behind them.",
        "Go backwards: which is the last k whose answer is another one? One more than that; 0 if there is none.",
    )),
    Exercise("2.2", "Held to the truth", 4, 2, judge_auroc, (
        "Compare each score that matters with each that doesn't: `score[matters][:, None] - score[~matters][None]`.",
        "The mean of `(difference > 0) + 0.5 * (difference == 0)`.",
    )),
    Exercise("2.3", "How sure are 20 rollouts?", 5, 2, judge_interval, (
        "Middle: (p + z²/2n) / (1 + z²/n), with p = k/n and z = 1.96.",
        "Half width: z / (1 + z²/n) · sqrt(p (1 - p) / n + z²/4n²).",
    )),
    Exercise("2.4", "Said twice", 6, 2, judge_together, (
        "The copies: `re.finditer(rf'\\b{number}\\b', trace.text)`, those within `trace.roles['thought']`.",
        "One by one: `Occlusion(spans=tuple(places))`, a row each. Together: `Occlusion(groups=[places])`, one row.",
    )),
    Exercise("2.5", "One of four is wrong", 10, 3, judge_wrong_one, (
        "Mean AUROC over a few thoughts whose truth you know; the wrong one is the lowest. Is `cases` good for that?",
        "Thoughts that say the result twice punish the right measures (2.4): leave them out.",
        "A measure that only knows positions is perfect where the last sentence decides. Insert sentences behind it "
        "that decide nothing, and resume.",
    )),
)  # fmt: skip
