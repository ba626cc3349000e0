"""Chapter 4: steering, and when an effect is only damage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.steering.examples import sentences as labelled
from cotlens.measure.steering.fitting import fit
from cotlens.measure.steering.judging import SteeredRun, steer
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Model
from cotlens.organisms.sae.recipe import composed
from cotlens.organisms.task.grammar import recognise
from cotlens.teaching.cases import Case, agree
from cotlens.teaching.chapters.shared import GREEDY, model, thoughts
from cotlens.teaching.exercise import Exercise
from cotlens.trace import Span, Trace

Floats = NDArray[np.float64]
TWICE = 2.0  # a text that surprises the unsteered model this many times as much per token counts as damaged
PUSHES = (0.0, 0.1, 0.5, 0.6, 1.0, 1.4)
WRITTEN = 48  # tokens of each steered text: two or three sentences


def checks(trace: Trace, span: Span) -> bool | None:
    """Whether a sentence checks something; None where it isn't of the task's language."""
    move = recognise(trace.text[span.char_start : span.char_end])
    return None if move is None else move.kind == "self_checking"


@lru_cache
def checking_vector() -> Vector:
    """The direction of sentences that check, as the chapter fits it."""
    asked = model()
    checking, other = labelled(composed(asked, 80, "train", 1), checks)
    how = {"method": "discriminant", "read": "before", "name": "check the work"}
    return fit(asked, checking, other, layer=asked.n_layers - 1, **how)  # type: ignore[arg-type]


def direction(positive: Floats, negative: Floats) -> Floats:
    """Mean of the one side minus mean of the other, float64 [d]."""
    return np.asarray(np.mean(positive, axis=0) - np.mean(negative, axis=0), dtype=np.float64)


def pushed(model: Model, trace: Trace, vector: Vector, coefficient: float) -> str:
    """What is written in 16 tokens in place of the thought's second sentence, with the vector added."""
    cut = trace.truncate(trace.spans("sentence")[1])
    settings: dict[str, Any] = {"temperature": GREEDY, "max_new_tokens": 16}
    return str(model.resume(cut, interventions=vector.at(coefficient), **settings).text[len(cut.text) :])


def by_chance(effect: float, random: Sequence[float]) -> float:
    """How often a random direction does as much, in either direction, itself counted: (1 + more) / (1 + n)."""
    return float((1 + np.sum(np.abs(random) >= abs(effect))) / (1 + len(random)))


def reading(run: SteeredRun) -> str:
    """Damage, steered or nothing, in this order: what a broken text says is no effect."""
    if run.perplexity_after > TWICE * run.perplexity_unsteered:
        return "damage"
    return "steered" if n_checks(run.steered) > n_checks(unsteered(run)) else "nothing"


def unsteered(run: SteeredRun) -> Trace:
    """What is written from the same token without the vector."""
    return run.baseline if run.unsteered is None else run.unsteered.steered


def n_checks(trace: Trace) -> int:
    """How many sentences of the thought check something."""
    return sum(bool(checks(trace, span)) for span in trace.spans("sentence"))


@lru_cache
def runs(seed: int = 402, n: int = 1) -> tuple[SteeredRun, ...]:
    """Steered texts, pushes from none to far too hard, greedily."""
    settings: dict[str, Any] = {"control": None, "temperature": GREEDY, "max_new_tokens": WRITTEN}
    return tuple(
        steer(model(), trace, [(checking_vector(), push, "thought")], **settings)
        for trace in thoughts(n, seed, 3)
        for push in PUSHES
    )


def judge_direction(made: Any) -> str:
    """Exercise 4.1."""
    rng = np.random.default_rng(41)
    cases = []
    for n, m in ((3, 5), (20, 8), (1, 4)):
        sides = rng.normal(size=(n, 4)) + 1, rng.normal(size=(m, 4))
        cases.append(Case(sides, direction(*sides), f"{n} against {m} examples of 4 numbers"))
    slips = {
        "it points from the positive to the negative side: turned up, it would do the opposite.": lambda p, n: (
            direction(n, p)
        ),
        "that is the sum over examples: the larger side would win. Take means.": lambda p, n: p.sum(0) - n.sum(0),
    }
    agree(made, cases, slips=slips)
    return "a difference of means is the simplest direction there is, and in large models often as good as any."


def judge_pushed(made: Any) -> str:
    """Exercise 4.2."""
    asked, vector = model(), checking_vector()
    cases = [
        Case((asked, trace, vector, push), pushed(asked, trace, vector, push), f"a push of {push}")
        for trace in thoughts(2, 401, 3)
        for push in (0.0, 0.5, 1.2)
    ]
    slip = "that is the text without a push. Give `resume` the vector as `interventions=`."
    agree(made, cases, slips={slip: lambda m, trace, v, c: pushed(m, trace, v, 0.0)})
    return "no push, a push, and far too hard: three texts. That a text changes says little; what says more is next."


def judge_by_chance(made: Any) -> str:
    """Exercise 4.3."""
    rng, cases = np.random.default_rng(43), []
    for effect, n in ((0.5, 9), (-2.2, 19), (4.0, 19), (0.1, 40)):
        random = rng.normal(size=n)
        cases.append(Case((effect, random), by_chance(effect, random), f"an effect of {effect} and {n} random ones"))
    slips = {
        "an effect that no control reaches isn't impossible by chance: count the vector's own among the draws, "
        "(1 + as large) / (1 + n).": lambda e, r: float(np.mean(np.abs(r) >= abs(e))),
        "a random direction that lowers as much as yours raises did as much: compare sizes.": lambda e, r: float(
            (1 + np.sum(np.asarray(r) >= e)) / (1 + len(r))
        ),
    }
    agree(made, cases, slips=slips)
    return "with 19 controls the least you can say is 1 in 20. Four controls can't show anything at 5 %."


def judge_reading(made: Any) -> str:
    """Exercise 4.4."""
    cases = [
        Case((run,), reading(run), f"the text {run.steered.text[-50:]!r}, {run.perplexity_after:.2f} after "
             f"{run.perplexity_unsteered:.2f}")
        for run in runs()
    ]  # fmt: skip
    slip = "you read the effect before the damage: a text that broke says nothing, whatever it happens to hold."

    def effect_alone(run: SteeredRun) -> str:
        return "steered" if n_checks(run.steered) > n_checks(unsteered(run)) else "nothing"

    agree(made, cases, slips={slip: effect_alone})
    return "the same vector: nothing, an effect, a wreck. Which it is depends on the coefficient, so a claim names it."


EXERCISES = (
    Exercise("4.1", "A direction", 3, 1, judge_direction, (
        "Each side is an array [examples, d]. Average over the examples first.",
        "`positive.mean(axis=0)`, and from it the other side's.",
    )),
    Exercise("4.2", "Turn it up", 5, 2, judge_pushed, (
        "Cut before the second sentence, as in 1.2, and let it go on. What is new stands behind `cut.text`.",
        "`model.resume(cut, interventions=vector.at(coefficient), temperature=0, max_new_tokens=16)`.",
    )),
    Exercise("4.3", "The random control", 5, 2, judge_by_chance, (
        "How many of the random effects are at least as large as yours, whatever their sign?",
        "Were yours a random one too, it would be one of n + 1 draws: add 1 above and below.",
    )),
    Exercise("4.4", "Steered, or broken?", 8, 3, judge_reading, (
        "Two questions. Which of them makes the other pointless?",
        "`run.perplexity_after > 2 * run.perplexity_unsteered` comes first.",
        "Then compare `n_checks(run.steered)` with `n_checks(run.unsteered.steered)`.",
    )),
)  # fmt: skip
