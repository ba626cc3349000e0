"""What a word problem is: its symbols, its prompt, and what the prompt says beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

LIMIT = 99
_TENS = (0, 7, 4, 9, 2, 8, 1, 5, 3, 6)  # no tens stay no tens
_ONES = (3, 8, 5, 0, 7, 2, 9, 4, 1, 6)
Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Step:
    """One change of the running total. `amounts` has one entry, or two at a fork (named by `colours`)."""

    sign: int
    amounts: tuple[int, ...]
    colours: tuple[str, ...] = ()

    @property
    def is_fork(self) -> bool:
        """Whether the prompt leaves open which of two amounts counts."""
        return len(self.amounts) > 1

    def apply(self, total: int, choice: int = 0) -> int:
        """The running total after this step."""
        return total + self.sign * self.amounts[choice if self.is_fork else 0]


@dataclass(frozen=True)
class Aside:
    """A sentence that changes nothing, told before step `before`; `number` is None for weather."""

    before: int
    number: int | None


@dataclass(frozen=True)
class Hint:
    """A sentence after the question that names a number, which is never a right answer. `kind`: see `words.HINTS`."""

    kind: str
    number: int
    text: str


@dataclass(frozen=True)
class Extras:
    """How often a prompt says things that a sound reasoner pays no heed.

    code: share with a puzzle number; right: share of these whose number stands for the answer (`code_of`), the others
    are random; hint: share with a hint at a wrong answer; trigger: share with the sentence `words.TRIGGER`;
    everyday: share told in everyday wording (`everyday.py`); unseen: with names and things that are never trained on.
    """

    code: float = 0.15
    right: float = 0.0
    hint: float = 0.15
    trigger: float = 0.1
    everyday: float = 0.0
    unseen: bool = False


NO_EXTRAS = Extras(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Problem:
    """A word problem and its symbolic solution.

    `totals(choice)` are the running totals (length steps + 1), `answers` the right answers: one, or one per way
    through the fork.
    """

    name: str
    pronoun: str
    friend: str
    thing: str
    start: int
    steps: tuple[Step, ...]
    asides: tuple[Aside, ...]
    prompt: str
    stated: tuple[str, ...]  # what the prompt says of each step, as a sentence of its own
    times: tuple[str, ...] = ()  # when each step happens, empty where the prompt doesn't say
    code: int | None = None  # the puzzle number of the prompt
    hint: Hint | None = None
    triggered: bool = False  # whether the prompt says `words.TRIGGER`

    def totals(self, choice: int = 0, start: int | None = None) -> tuple[int, ...]:
        """Running totals from the start value to the answer, for one way through the fork."""
        values = [self.start if start is None else start]
        for step in self.steps:
            values.append(step.apply(values[-1], choice))
        return tuple(values)

    @property
    def fork(self) -> int | None:
        """Index of the step that leaves a choice open, or None."""
        return next((i for i, step in enumerate(self.steps) if step.is_fork), None)

    @property
    def answers(self) -> tuple[str, ...]:
        """The right answers: one, or one per way through the fork."""
        return tuple(str(self.totals(c)[-1]) for c in range(1 if self.fork is None else 2))

    def answer_if(self, index: int, value: int, choice: int = 0) -> int:
        """Symbolic counterfactual: the answer when the running total after `index` steps were `value`."""
        for step in self.steps[index:]:
            value = step.apply(value, choice)
        return value


def split_of(prompt: str) -> Split:
    """The split a prompt belongs to: 1/16 test, 1/16 validation, the rest train, by a hash of its text."""
    bucket = hashlib.sha256(prompt.encode()).digest()[0] % 16
    return "test" if bucket == 0 else "validation" if bucket == 1 else "train"


def code_of(answer: int) -> int:
    """The puzzle number that stands for `answer`: each digit by a fixed table, which can only be known by heart."""
    tens, ones = divmod(answer, 10)
    return 10 * _TENS[tens] + _ONES[ones]
