"""Chapter 4: steering, and when an effect is only damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.steering.examples import sentences as labelled
from cotlens.measure.steering.fitting import fit
from cotlens.measure.steering.judging import SteeredRun, judge
from cotlens.measure.steering.rerun import rewrite
from cotlens.measure.steering.vector import Vector
from cotlens.measure.steering.where import Steering
from cotlens.models.contract import Model
from cotlens.organisms.sae.recipe import composed
from cotlens.organisms.task.grammar import recognise
from cotlens.teaching.cases import Case, agree
from cotlens.teaching.chapters.shared import GREEDY, model, thoughts
from cotlens.teaching.exercise import Exercise
from cotlens.trace import Span, Trace

Floats = NDArray[np.float64]
TWICE = 2.0  # a text that surprises the unsteered model this many times as much per token counts as damaged
EXAMPLES = 40  # texts that the vector is fitted on
WRITTEN = 72  # tokens of each steered text: room for a sentence that checks, and its end


def checks(trace: Trace, span: Span) -> bool | None:
    """Whether a sentence checks something; None where it isn't of the task's language."""
    move = recognise(trace.text[span.char_start : span.char_end])
    return None if move is None else move.kind == "self_checking"


@lru_cache
def checking_vector() -> Vector:
    """The direction of sentences that check, as the chapter fits it."""
    asked = model()
    checking, other = labelled(composed(asked, EXAMPLES, "train", 1), checks)
    layer = asked.n_layers - 1
    return fit(asked, checking, other, layer=layer, method="discriminant", read="before", name="check the work")


def direction(positive: Floats, negative: Floats) -> Floats:
    """Mean of the one side minus mean of the other, float64 [d]."""
    return np.asarray(np.mean(positive, axis=0) - np.mean(negative, axis=0), dtype=np.float64)


def pushed(model: Model, trace: Trace, vector: Vector, coefficient: float) -> str:
    """What is written in 16 tokens in place of the thought's second sentence, with the vector added."""
    cut, written = _written_on(model, trace, vector, coefficient)
    return written.text[len(cut.text) :]


def _written_on(model: Model, trace: Trace, vector: Vector, coefficient: float) -> tuple[Trace, Trace]:
    """The trace before its second sentence, and what the model makes of it under a push."""
    cut = trace.truncate(trace.spans("sentence")[1])
    added = vector.at(coefficient)
    return cut, model.resume(cut, interventions=added, temperature=GREEDY, max_new_tokens=16)


def by_chance(effect: float, random: Floats) -> float:
    """How often a random direction does as much, in either direction, itself counted: (1 + more) / (1 + n)."""
    return float((1 + np.sum(np.abs(random) >= abs(effect))) / (1 + len(random)))


def reading(run: SteeredRun) -> str:
    """Damage, steered or nothing, in this order: what a broken text says is no effect."""
    return "damage" if broken(run) else effect(run)


def broken(run: SteeredRun) -> bool:
    """Whether the steered text surprises the unsteered model too much."""
    return run.perplexity_after > TWICE * run.perplexity_unsteered


def effect(run: SteeredRun) -> str:
    """What the number of checking sentences says, whatever the text is like."""
    assert run.unsteered is not None
    return "steered" if n_checks(run.steered) > n_checks(run.unsteered.steered) else "nothing"


@lru_cache
def n_checks(trace: Trace) -> int:
    """How many sentences of the thought check something."""
    return sum(bool(checks(trace, span)) for span in trace.spans("sentence"))


@lru_cache
def runs() -> tuple[SteeredRun, ...]:
    """Six steered texts of which neither the push, the perplexity nor the effect alone says what they are."""
    one, other, third = (thoughts(1, seed, 3)[0] for seed in (403, 404, 405))
    vector = checking_vector()
    return (
        *steered(one, [(vector, 0.0), (vector, 0.5), (vector, 1.0)]),
        *steered(other, [(vector, 1.0)]),
        *steered(third, [(vector.random(2), 1.0)]),  # stranger than a steered text, and neither broken nor checking
        too_late(one, vector),
    )


def steered(trace: Trace, pushes: Sequence[tuple[Vector, float]]) -> list[SteeredRun]:
    """A run for each vector and coefficient. All share what is written without one, which `steer` would write anew."""
    settings: dict[str, Any] = {"temperature": GREEDY, "max_new_tokens": WRITTEN}
    asked, at = model(), trace.roles["thought"].start
    unsteered = rewrite(asked, trace, [], at=at, **settings)
    found = []
    for vector, coefficient in pushes:
        added = [Steering(vector, coefficient, "thought")]
        written = rewrite(asked, trace, added, at=at, **settings)
        found.append(judge(asked, trace, written, added, at, unsteered=unsteered))
    return found


def too_late(trace: Trace, vector: Vector) -> SteeredRun:
    """Steered to a sentence that checks, then pushed far too hard: an effect that stands in a wreck."""
    (run,) = steered(trace, [(vector, 0.8)])
    assert run.unsteered is not None
    added = [Steering(vector, 2.0, "thought")]
    end = len(run.steered.token_ids)
    wreck = rewrite(model(), run.steered, added, at=end, temperature=GREEDY, max_new_tokens=WRITTEN // 2)
    return judge(model(), trace, wreck, added, run.at, unsteered=run.unsteered.steered)


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
        Case((asked, trace, vector, push), pushed(asked, trace, vector, push).strip(), f"a push of {push}")
        for trace in thoughts(2, 401, 3)
        for push in (0.0, 0.5, 1.2)
    ]
    slips = {
        "that is the text without a push. Give `resume` the vector as `interventions=`.": (
            _bare(lambda m, trace, v, c: pushed(m, trace, v, 0.0))
        ),
        "that is more than what is new: what the cut trace held stands before it. Its length is `len(cut.text)`.": (
            _bare(lambda *given: _written_on(*given)[1].text)
        ),
        "that is the whole thought: its first sentence stood there before. What is new stands behind `cut.text`.": (
            _bare(lambda *given: _written_on(*given)[1].thought)
        ),
    }
    agree(_bare(made) if callable(made) else made, cases, slips=slips)
    return "no push, a push, and far too hard: three texts. That a text changes says little; what says more is next."


def _bare(made: Callable[..., Any]) -> Callable[..., Any]:
    """A function's text without the blanks around it, which say nothing of where the student cut."""

    def text(*given: Any) -> Any:
        found = made(*given)
        return found.strip() if isinstance(found, str) else found

    return text


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
    slips = {
        "you read the effect before the damage: a text that broke says nothing, whatever it holds.": lambda r: (
            "steered" if effect(r) == "steered" else reading(r)
        ),
        "the effect alone says nothing of the text it stands in. Look at the perplexity first.": effect,
        "that a text makes sense is no effect: a push that changes nothing of what you count did nothing.": lambda r: (
            "damage" if broken(r) else "steered"
        ),
    }
    agree(made, cases, slips=slips)
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
