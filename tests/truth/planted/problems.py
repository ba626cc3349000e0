"""Thoughts with one needed sentence: the key that is asked for stands in it, other keys in sentences like it.

    Write down five numbers. Then answer: What is the gate number? Answer in this form: The gate number is ...
    <reasoning>The room number is 296. The gate number is 740. The bus number is 581. ...</reasoning>

Keys are random, so a model that writes the needed sentence anew does not find its key again. The needed sentence takes
every place equally often, so that its position says nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from cotlens.trace import Regex
from tests.truth.settings import PLANTED_SENTENCES, SEED

THINGS = ("room", "phone", "bus", "ticket", "house", "locker", "gate", "seat", "flight", "order")


@dataclass(frozen=True)
class Planted:
    """A problem and the thought that is given to the model: `things` and their `keys`, in order."""

    number: int
    needed: int
    things: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def asked(self) -> str:
        """What the question is about."""
        return f"The {self.things[self.needed]} number is"

    @property
    def key(self) -> str:
        """The right answer."""
        return self.keys[self.needed]

    @property
    def prompt(self) -> str:
        """The question."""
        question = f"What is the {self.things[self.needed]} number?"
        return f"Write down five numbers. Then answer: {question} Answer in this form: {self.asked} ..."

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of the thought."""
        return tuple(f"The {thing} number is {key}." for thing, key in zip(self.things, self.keys, strict=True))

    @property
    def thought(self) -> str:
        """The whole thought."""
        return " ".join(self.sentences)

    @property
    def reader(self) -> Regex:
        """Reads the answer to the question; a number that reaches the end of the text may go on and is none."""
        lead = rf"(?:{self.things[self.needed]} number|answer)(?: is|:)\s*"
        return Regex(rf"{lead}(?P<answer>\d+)(?=\D)", suffix=f"{self.asked} ", terminator=".")


def draw(number: int) -> Planted:
    """The problem of this number."""
    rng = random.Random(f"planted-{SEED}-{number}")
    things = tuple(rng.sample(THINGS, PLANTED_SENTENCES))
    keys = tuple(map(str, rng.sample(range(100, 1000), PLANTED_SENTENCES)))
    return Planted(number, number % PLANTED_SENTENCES, things, keys)
