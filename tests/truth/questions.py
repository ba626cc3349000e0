"""Which question each method answers: one line per method, settings and unit. A new method gets a line here.

`estimand` names the label (see `cotlens.organisms.truth`); "fork" is the exact importance on forks, "copies" what
leaving one copy of the final total out misses, and "wording" asks what a change of words does that leaves the meaning,
to which the true answer is: nothing, for any unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from cotlens.organisms.task.grammar import recognise
from cotlens.organisms.task.words import COLOURS
from cotlens.organisms.truth import Truth
from cotlens.results import Result
from cotlens.trace import Trace
from tests.truth.settings import PARTLY, REROLLED, ROLLOUTS, THOUGHTS, WRITING_STEPS

Scores = NDArray[np.float64]
OTHERS = 4096  # places for texts in an embedding by choice


def value(result: Result) -> Scores:
    """The estimate: positive supports the answer."""
    return np.asarray(result.columns["estimate"], dtype=np.float64)


def size(result: Result) -> Scores:
    """How large the effect is, either way."""
    return np.abs(value(result))


VARIANTS = ("method", "effect", "mode")  # settings that make another measure of a method


@dataclass(frozen=True)
class Question:
    """One line of the table.

    Args:
        method: name in the table of importance methods.
        estimand: "fixed", "truncated", "regenerated", "fork", "copies" or "wording".
        unit: "token", "sentence" or "set" (the copies of the final total as one, every other number by itself).
        settings: of the method, beside its unit; or what makes them of the truth about a trace.
        score: rows -> numbers, larger = more important.
        exact: on forks, the field of `Fork` that is estimated.
        writes: whether it has the model write. Then it is not asked on shuffled weights, which never end a thought.
        beside: baselines that it is compared with, all of which know the text and no model.
        variant: settings that tell it from others of its method, as a user would give them.
        words: what the tables call it beside the method's name; by default the variant's.
        long: asks about the long thoughts.
        least: sentences that a thought must have.
        steps: most changes in the problem, where the model writes on from every sentence.
        asked: thoughts that are measured.
    """

    method: str
    estimand: str
    unit: str
    settings: Mapping[str, Any] | Callable[[Truth], Mapping[str, Any]] = field(default_factory=dict)
    score: Callable[[Result], Scores] = value
    exact: str = ""
    writes: bool = False
    beside: tuple[str, ...] = ("position",)
    variant: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    long: bool = False
    least: int = 1
    steps: int = WRITING_STEPS
    asked: int = THOUGHTS

    @property
    def name(self) -> str:
        """The method with its settings, as the table shows it."""
        given = self.variant if callable(self.settings) else {**self.settings, **self.variant}
        told = self.words or ", ".join(one for one in given.values() if isinstance(one, str))
        return f"{self.method} ({told})" if told else self.method

    @property
    def key(self) -> str:
        """The name of the line in truth.json."""
        return f"{self.name} | {self.unit} | {self.estimand}"

    @property
    def told_apart(self) -> dict[str, Any]:
        """The settings by which a user would know it."""
        fixed = {} if callable(self.settings) else self.settings
        return {**{name: one for name, one in fixed.items() if name in VARIANTS}, **self.variant}

    def made(self, truth: Truth) -> dict[str, Any]:
        """The settings for one trace."""
        settings = dict(self.settings(truth) if callable(self.settings) else self.settings)
        return settings if self.unit == "set" else {"unit": self.unit, **settings}


def sets(effect: str) -> Callable[[Truth], Mapping[str, Any]]:
    """Occlusion of the copies of the final total as one group, and of every other number by itself."""

    def made(truth: Truth) -> Mapping[str, Any]:
        return {"effect": effect, "groups": [[(n.start, n.end) for n in group] for group in groups_of(truth)]}

    return made


def groups_of(truth: Truth) -> list[list[Any]]:
    """The copies of the final total, then every other number alone."""
    return [list(truth.copies), *([number] for number in truth.numbers if not number.copies)]


def each_copy(effect: str) -> Callable[[Truth], Mapping[str, Any]]:
    """Occlusion of all copies of the final total, and of each of them alone."""

    def made(truth: Truth) -> Mapping[str, Any]:
        places = [(number.start, number.end) for number in truth.copies]
        return {"effect": effect, "groups": [places, *([place] for place in places)]}

    return made


def changed_numbers(truth: Truth) -> Trace:
    """The same thought with every number changed, digit for digit."""
    trace = truth.trace
    for number in reversed(truth.numbers):
        digits = "".join(str((int(digit) + 3) % 10 or 5) for digit in str(number.number))
        trace = trace.replace((number.start, number.end), digits)
    return trace


def from_changed(truth: Truth) -> Mapping[str, Any]:
    """Attribution patching from the thought with other numbers."""
    return {"method": "attribution_patching", "counterfactual": changed_numbers(truth)}


def by_choice(texts: Sequence[str]) -> Scores:
    """Embeds a sentence by the way it takes at a fork; others by themselves, so that only equal texts are alike."""
    vectors = np.zeros((len(texts), len(COLOURS) + OTHERS))
    for row, text in enumerate(texts):
        move = recognise(text)
        place = len(COLOURS) + crc32(text.encode()) % OTHERS
        if move is not None and move.name == "choice" and move.colour in COLOURS:
            place = COLOURS.index(move.colour)
        vectors[row, place] = 1
    return vectors


def reworded(text: str) -> str | None:
    """A sentence of a thought in other words of the same language, None where there are none."""
    for pattern, other in _REWORDINGS:
        if re.search(pattern, text):
            return re.sub(pattern, other, text, count=1)
    return None


_REWORDINGS = (
    (r", so (?=\d)", ": "),
    (r", and (?=\d)", ": "),
    (r": (?=\d)", ", so "),
    (r"^So (?=\d)", "Then "),
    (r"^Then (?=\d)", "So "),
    (r"^The total is (\d+)\.", r"So there are \1 now."),
    (r"^So there are (\d+) now\.", r"The total is \1."),
    (r"^So the answer is (\d+)\.", r"The result is \1."),
    (r"^The result is (\d+)\.", r"So the answer is \1."),
    (r"^Let me go step by step\.", "I will follow the story in order."),
    (r"^That was the last change\.", "That is the whole story."),
    (r"^That is the whole story\.", "Nothing else changes."),
)

DIRECT, TOTAL = {"effect": "direct"}, {"effect": "total"}
BY_INPUT, BY_PATH = {"method": "gradient_x_input"}, {"method": "integrated_gradients"}
FORKED = {"estimand": "fork", "unit": "sentence", "writes": True}
REWRITTEN = {"estimand": "regenerated", "unit": "sentence", "writes": True}

QUESTIONS: tuple[Question, ...] = (
    # what the answer is read from, the text held fixed
    Question("Occlusion", "fixed", "sentence", DIRECT),
    Question("Occlusion", "fixed", "sentence", TOTAL),
    Question("Occlusion", "fixed", "sentence", {"mode": "mean"}),
    Question("Gradient", "fixed", "sentence", BY_INPUT, size),
    Question("Gradient", "fixed", "sentence", BY_PATH, size),
    # what would be answered if the thought stopped
    Question("EarlyAnswer", "truncated", "sentence", {"rivals": 0}, size),
    # what the rest of the thought follows
    Question("Suppression", "regenerated", "sentence"),
    Question("ReceiverHeads", "regenerated", "sentence", {"proximity": 2}, least=8),
    Question("Suppression", "regenerated", "sentence", words="long thoughts", long=True),
    Question("ReceiverHeads", "regenerated", "sentence", words="long thoughts", long=True),
    # what follows from a sentence that says something else, nothing, or the same in other words
    # (it scores only sentences with something to get wrong, so that fewer than half of the thoughts give a rank)
    Question("Mistake", settings={"n": REROLLED}, steps=3, asked=PARTLY, **REWRITTEN),
    Question("Filler", settings={"n": REROLLED}, **REWRITTEN),
    Question("Resilience", settings={"n": 5, "rounds": 3, "embedder": "residual"}, **REWRITTEN),
    Question("Paraphrase", "wording", "sentence", {"n": REROLLED, "rewriter": reworded}, writes=True),
    # what would have been said instead
    Question("Resampling", settings={"n": ROLLOUTS}, exact="resampling", **FORKED),
    Question("Counterfactual", settings={"n": ROLLOUTS, "embedder": "residual"}, exact="counterfactual", **FORKED),
    Question(
        "Counterfactual",
        settings={"n": ROLLOUTS, "embedder": by_choice},
        exact="counterfactual",
        words="told apart by the way taken",
        **FORKED,
    ),
    # copies of a number together, and alone
    Question("Occlusion", "fixed", "set", sets("direct"), words="direct, copies together"),
    Question("Occlusion", "fixed", "set", sets("total"), words="total, copies together"),
    Question("Occlusion", "copies", "set", each_copy("direct"), words="direct"),
    Question("Occlusion", "copies", "set", each_copy("total"), words="total"),
    # tokens
    Question("Occlusion", "fixed", "token", DIRECT),
    Question("Gradient", "fixed", "token", BY_INPUT, size),
    Question(
        "Gradient",
        "fixed",
        "token",
        from_changed,
        size,
        beside=("position", "changed x position"),
        variant={"method": "attribution_patching"},
        words="attribution patching, all numbers changed",
    ),
    Question("EarlyAnswer", "truncated", "token", {"rivals": 0}, size),
    Question("Occlusion", "fixed", "token", TOTAL),
    Question("Gradient", "fixed", "token", BY_PATH, size),
)
