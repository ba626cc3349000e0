"""Thoughts about word problems, written sentence by sentence with every number's part in the answer on record.

A thought follows the story: it states the start, recalls each change, computes, and may restate, check, doubt,
note what does not count, or slip and correct itself. `Value`s say where each number stands and what it is, so that
labels, edits and loss masks need no parsing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any, Literal

from cotlens.organisms.task import words
from cotlens.organisms.task.injected_errors import InjectedError
from cotlens.organisms.task.problem import LIMIT, Problem, Step
from cotlens.organisms.task.prompts import at_time

Kind = Literal[
    "problem_setup",
    "plan_generation",
    "fact_retrieval",
    "active_computation",
    "uncertainty_management",
    "result_consolidation",
    "self_checking",
    "final_answer_emission",
]
ROLES = {"a": "carry", "k": "amount", "b": "result", "w": "slip", "q": "previous", "h": "hint"}


@dataclass(frozen=True)
class Value:
    """A number in a sentence: character range, part (`carry`, `amount`, `result`, `slip`, ...), and whose total it is.

    `total` counts the changes made so far (0 is the start), None for numbers that are not running totals.
    """

    start: int
    end: int
    role: str
    number: int
    total: int | None = None
    planted: bool = False


@dataclass(frozen=True)
class Sentence:
    """One sentence of a thought. `decides` marks the one sentence that settles a fork; `states` a running total."""

    text: str
    kind: Kind
    values: tuple[Value, ...] = ()
    filler: bool = False
    decides: bool = False
    states: int | None = None


@dataclass(frozen=True)
class Thought:
    """A whole thought: sentences, the text between them, the way taken at a fork, the running total it ends with."""

    sentences: tuple[Sentence, ...]
    separators: tuple[str, ...]
    choice: int
    restates: bool
    final: int

    @property
    def text(self) -> str:
        """The thought as it is read."""
        parts = [sep + sentence.text for sep, sentence in zip(self.separators, self.sentences, strict=True)]
        return "".join(parts)

    def offsets(self) -> list[int]:
        """Character position at which each sentence begins in `text`."""
        starts, at = [], 0
        for sep, sentence in zip(self.separators, self.sentences, strict=True):
            starts.append(at + len(sep))
            at = starts[-1] + len(sentence.text)
        return starts

    def answer(self) -> str:
        """The answer text that follows from this thought."""
        return words.ANSWER.format(b=self.final)


def write(
    rng: random.Random,
    problem: Problem,
    choice: int | None = None,
    plant: InjectedError | None = None,
    *,
    aloud: int | None = None,
    steps: int | None = None,
    concludes: bool = False,
) -> Thought:
    """A thought for `problem`.

    Args:
        choice: the way at a fork, at random when None.
        plant: a wrong number to plant.
        aloud: the number of a hint that the thought names, None to name none.
        steps: how many changes are gone through before the result is claimed, None for all.
        concludes: whether the thought must end by stating its result.
    """
    if choice is None:
        choice = rng.randrange(2) if problem.fork is not None else 0
    return _Writer(rng, problem, choice, plant, concludes or steps is not None).write(aloud, steps)


class _Writer:
    """Writes one thought; `total` is the running total as the thought has it, planted errors included."""

    def __init__(
        self, rng: random.Random, problem: Problem, choice: int, plant: InjectedError | None, concludes: bool
    ) -> None:
        self.rng, self.problem, self.choice, self.plant, self.concludes = rng, problem, choice, plant, concludes
        self.restates = rng.random() < 0.6 or (plant is not None and plant.role == "restate")
        self.newlines = rng.random() < 0.4
        self.slip_at = rng.randrange(len(problem.steps)) if rng.random() < 0.08 else -1
        self.total = problem.start
        self.sentences: list[Sentence] = []
        self.separators: list[str] = []

    def write(self, aloud: int | None, steps: int | None) -> Thought:
        self._opening(aloud)
        for index, step in enumerate(self.problem.steps[:steps]):
            self._asides(index)
            if self._chance(0.06):
                self._add(words.FILLER, "plan_generation", filler=True)
            self._step(index, step)
        if steps is None:
            self._asides(len(self.problem.steps))
        else:
            self.total = self.problem.totals(self.choice)[-1]
        if self.concludes or (self.restates and self._chance(0.9)):
            self._add(words.FINAL, "final_answer_emission", b=self.total, total=len(self.problem.steps), group=True)
        elif self._chance(0.4):
            self._add(words.CLOSING, "result_consolidation", filler=True, group=True)
        return Thought(tuple(self.sentences), tuple(self.separators), self.choice, self.restates, self.total)

    def _opening(self, aloud: int | None) -> None:
        if self._chance(0.5):
            self._add(words.SETUP, "problem_setup", filler=True)
        if self._chance(0.5):
            self._add(words.PLAN, "plan_generation", filler=True)
        if aloud is not None:
            self._add(words.CANDID, "fact_retrieval", h=aloud)
        if self._chance(0.8):
            self._add(words.START, "fact_retrieval", a=self.total, total=0, states=self.total)

    def _asides(self, before: int) -> None:
        for aside in self.problem.asides:
            if aside.before != before:
                continue
            if aside.number is None and self._chance(0.3):
                self._add(words.IGNORE_WEATHER, "fact_retrieval", filler=True, group=True)
            elif aside.number is not None and self._chance(0.5):
                self._add(words.IGNORE_NUMBER, "fact_retrieval", filler=True, group=True, k=aside.number)

    def _step(self, index: int, step: Step) -> None:
        plant = self.plant if self.plant and self.plant.step == index else None
        before = self.total
        amount = step.amounts[self.choice if step.is_fork else 0]
        if plant and plant.role == "carry":
            before = plant.number
        if plant and plant.role == "amount":
            amount = plant.number
        right = before + step.sign * amount
        after = plant.number if plant and plant.role == "result" else right
        op, undo = ("+", "-") if step.sign > 0 else ("-", "+")
        fields: dict[str, Any] = {
            "a": before,
            "k": amount,
            "op": op,
            "po": undo,
            "total": index,
            "planted": plant and plant.role,
        }
        self._recall(index, step, fields, after, slip=index == self.slip_at and plant is None)
        self.total = after
        if plant and plant.role == "result" and plant.corrected:
            self._correct(right, after, index)
        self._restate(index, plant)
        if plant is None and self._chance(0.12):
            self._add(words.CHECK, "self_checking", filler=True, **{**fields, "q": before, "b": self.total})

    def _recall(self, index: int, step: Step, fields: dict[str, Any], after: int, slip: bool) -> None:
        doubt = not step.is_fork and self._chance(0.06)
        if step.is_fork:
            unsaid: tuple[str, ...] = words.FORK_OPEN
            if self.problem.times:
                unsaid = tuple(at_time(self.problem.times[index], sentence) for sentence in unsaid)
            self._add(unsaid, "uncertainty_management", filler=True, group=True)
            self._add(words.FORK_CHOICE, "uncertainty_management", decides=True, c=step.colours[self.choice])
        recall = self._words_for(index, step)
        colour = step.colours[self.choice] if step.is_fork else ""
        group = not step.is_fork
        if slip or doubt or self._chance(0.2):
            fact: dict[str, Any] = {
                key: value for key, value in fields.items() if key != "planted" or value == "amount"
            }
            self._add((recall + ".",), "fact_retrieval", group=group, c=colour, **fact)
            if doubt:
                self._doubt(step, fields["k"])
            if slip:
                wrong = self.rng.choice([v for v in {after - 10, after - 1, after + 1, after + 10} if 0 <= v <= LIMIT])
                self._add(words.SLIP, "uncertainty_management", w=wrong, **fields)
                self._add(words.SLIP_FIX, "self_checking", b=after, states=after, **fields)
                return
            if fields["planted"] == "amount":  # the wrong amount is stated once and copied after that
                fields = {**fields, "planted": None}
            self._add(words.COMPUTE_ALONE, "active_computation", b=after, states=after, **fields)
        else:
            text = (recall + self.rng.choice(words.COMPUTE),)
            self._add(text, "active_computation", group=group, c=colour, b=after, states=after, **fields)

    def _doubt(self, step: Step, amount: int) -> None:
        self._add(words.DOUBT, "uncertainty_management", filler=True, k=amount)
        self._add(words.DOUBT_GAIN if step.sign > 0 else words.DOUBT_LOSS, "uncertainty_management", filler=True)

    def _words_for(self, index: int, step: Step) -> str:
        """A template that recalls a change in the story's own words, without its full stop."""
        if step.is_fork:
            return self.rng.choice(words.FORK_RECALL)
        time = self.problem.times[index] if self.problem.times else ""
        return time + self.problem.stated[index].removeprefix(time).rstrip(".").replace(str(step.amounts[0]), "{k}")

    def _restate(self, index: int, plant: InjectedError | None) -> None:
        planted = plant is not None and plant.role == "restate"
        if not planted and not (self.restates and self._chance(0.8)):
            return
        right = self.total
        if planted and plant is not None:
            self.total = plant.number
        fields: dict[str, Any] = {
            "b": self.total,
            "total": index + 1,
            "states": self.total,
            "planted": "result" if planted else None,
        }
        self._add(words.RESTATE, "result_consolidation", **fields)
        if planted and plant is not None and plant.corrected:
            self._correct(right, self.total, index)

    def _correct(self, right: int, wrong: int, index: int) -> None:
        self.total = right
        self._add(words.CORRECTION, "self_checking", b=right, w=wrong, total=index + 1, states=right)

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _add(self, templates: tuple[str, ...], kind: Kind, *, filler: bool = False, decides: bool = False,
             group: bool = False, total: int | None = None, states: int | None = None, planted: str | None = None,
             **numbers: Any) -> None:  # fmt: skip
        who = self.problem
        fields = {"n": who.name, "p": who.pronoun, "P": who.pronoun.capitalize(), "t": who.thing, **numbers}
        text, values = fill(self.rng.choice(templates), fields, total, planted)
        if not self.sentences:
            separator = ""
        else:
            separator = "\n" if group and self.newlines else " "
        self.separators.append(separator)
        self.sentences.append(Sentence(text, kind, values, filler, decides, states))


def fill(
    template: str, fields: dict[str, Any], total: int | None, planted: str | None
) -> tuple[str, tuple[Value, ...]]:
    """The template's text with its fields filled in, and where its numbers stand."""
    text, values = "", []
    for literal, name, _, _ in Formatter().parse(template):
        text += literal
        if name is None:
            continue
        shown = str(fields[name])
        if name in ROLES and isinstance(fields[name], int):
            index = (
                None
                if total is None or name in "kw"
                else total + (name == "b" and ("{a}" in template or "{q}" in template))
            )
            value = Value(len(text), len(text) + len(shown), ROLES[name], fields[name], index)
            values.append(replace(value, planted=planted == value.role))
        text += shown
    if text and text[0].islower():
        text = text[0].upper() + text[1:]
    return text, tuple(values)
