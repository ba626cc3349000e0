"""The truth about a thought as data: sentences, numbers, what matters, and the answer if a number were another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cotlens._core.errors import InputError, did_you_mean
from cotlens.organisms.task.problem import LIMIT, Problem
from cotlens.organisms.truth.answer_rules import answer_rule
from cotlens.organisms.truth.fork import Fork
from cotlens.trace import Span, Trace

Estimand = Literal["fixed", "truncated", "regenerated"]
ESTIMANDS: tuple[Estimand, ...] = ("fixed", "truncated", "regenerated")


@dataclass(frozen=True)
class Number:
    """A number of the thought.

    Args:
        start, end: characters of the trace's text, half-open.
        sentence: index of its sentence.
        number, role, total, step: what it says and stands for, see `reading.NumberMention`.
        matters: per estimand True, False, or None where the symbols don't say.
        copies: how many numbers state the same final total, 0 where it doesn't. Above 1 neither alone need matter.
        slope: by how much the concluded total changes per unit that the number changes, per estimand; under "fixed"
            all copies are changed together.
    """

    start: int
    end: int
    sentence: int
    number: int
    role: str
    total: int | None
    step: int | None
    matters: dict[str, bool | None]
    copies: int = 0
    slope: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sentence:
    """A sentence of the thought: its span, move of the grammar, kind (Thought Anchors), and what matters in it.

    `decides` marks the sentence that settles a fork; under "regenerated" it matters.
    """

    span: Span
    move: str
    kind: str
    filler: bool
    decides: bool
    matters: dict[str, bool | None]


@dataclass(frozen=True)
class Trial:
    """One number changed: what the labels say the answer becomes, and whether the model's greedy answer is that.

    `changed` is the number's role, "copies" where all copies of the final total were changed together.
    """

    estimand: Estimand
    changed: str
    predicted: int
    agrees: bool


@dataclass(frozen=True)
class Facts:
    """What is known of one thought.

    Args:
        problem, trace: what it is about.
        status: "ok", or why there is no truth ("unknown: ..."); then sentences and numbers are empty.
        model: name of the model that wrote it.
        concluded: the total that the thought ends with (-1 where status is not "ok").
        choice: the way taken at a fork, 0 without one.
        missing: changes that the thought passes over.
        fork: exact importance of the deciding sentence, where there is one and a model was given.
        trials: how the trained model met the labels; empty where `agreement` was not asked.
    """

    problem: Problem
    trace: Trace
    status: str
    model: str
    concluded: int = -1
    choice: int = 0
    missing: tuple[int, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    numbers: tuple[Number, ...] = ()
    fork: Fork | None = None
    trials: tuple[Trial, ...] = ()

    def agrees(self, estimand: Estimand) -> bool | None:
        """Whether the trained model did as the labels say in every trial; None where none was made."""
        met = [trial.agrees for trial in self.trials if trial.estimand == estimand]
        return all(met) if met else None

    @property
    def ok(self) -> bool:
        """Whether there is a truth."""
        return self.status == "ok"

    @property
    def from_prompt(self) -> bool:
        """Whether the model decides this problem from its prompt."""
        return answer_rule(self.model).known(self.problem) is not None

    @property
    def answer(self) -> int:
        """The answer that the labels speak of."""
        return self.says(self.concluded)

    def says(self, total: int) -> int:
        """What the model answers where its thought states `total` last."""
        known = answer_rule(self.model).known(self.problem)
        return answer_rule(self.model).said(self.problem, total) if known is None else known

    @property
    def copies(self) -> tuple[Number, ...]:
        """The set of numbers that state the final total."""
        return tuple(number for number in self.numbers if number.copies)

    @property
    def restated(self) -> bool:
        """Whether the final total stands in the thought more than once."""
        return len(self.copies) > 1

    def answer_if(self, number: Number, value: int, estimand: Estimand = "regenerated") -> int:
        """Symbolic counterfactual: the answer if `number` were `value`.

        "fixed": it and all copies of it, the rest of the text as it is; "regenerated": it alone, the rest written anew.
        The symbols hold while all totals stay within 0..99 (`stays`).

        Raises:
            InputError: "truncated" and unknown estimands have no such answer.
        """
        if estimand not in number.slope:
            raise InputError(f"There is no counterfactual for {estimand!r}. {did_you_mean(estimand, number.slope)}")
        return self.says(self.concluded + number.slope[estimand] * (value - number.number))

    def stays(self, number: Number, value: int) -> bool:
        """Whether all totals that follow from `value` are within what the family knows, 0..99."""
        shift = number.slope["regenerated"] * (value - number.number)
        first = number.total if number.total is not None else (number.step or 0) + 1
        after = [total + shift for total in self.problem.totals(self.choice)[first:]]
        return 0 <= value <= LIMIT and all(0 <= total <= LIMIT for total in after)
