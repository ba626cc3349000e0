"""A generated thought read against the symbols of its problem.

`read` goes through the sentences with the running total in hand. Where a sentence is not in the grammar, or says what
the symbols don't, it stops with the reason: such a thought has no truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cotlens.organisms.task.grammar import Move, recognise
from cotlens.organisms.task.problem import Problem
from cotlens.organisms.task.thoughts import ROLES

Owner = tuple[int | None, int | None]
"""The running total that a number is, and the change it belongs to."""


@dataclass(frozen=True)
class NumberMention:
    """One number of a sentence: character range in it, and what it stands for.

    role: "carry", "amount", "result", "previous", "slip", "hint" (as in `thoughts.Value`) or "time". total: whose
    running total it is (0 is the start), None where it is none; a result that the next sentence corrects is none.
    step: the change it belongs to, or None.
    """

    role: str
    start: int
    end: int
    number: int
    total: int | None = None
    step: int | None = None


@dataclass(frozen=True)
class Line:
    """A sentence that was read: its move and its numbers, in order."""

    move: Move
    numbers: tuple[NumberMention, ...]


@dataclass(frozen=True)
class Reading:
    """What was read, up to where reading stopped.

    choice: the way taken at a fork (0 without one). missing: changes that the thought passes over. unknown: empty, or
    in words why the thought has no truth.
    """

    lines: tuple[Line, ...]
    choice: int
    missing: tuple[int, ...]
    unknown: str = ""


class _Contradiction(Exception):
    """A sentence says what the symbols of the problem don't; the text is the rest of "sentence 3 ..."."""


def read(problem: Problem, sentences: Sequence[str], concludes: int | None = None) -> Reading:
    """Read the sentences of a thought about `problem`.

    Args:
        concludes: the total that the thought may end with in place of the one the symbols give.
    """
    reader, lines = _Reader(problem, concludes), list[Line]()
    for index, text in enumerate(sentences):
        move = recognise(text)
        if move is None:
            return reader.result(lines, f"sentence {index} is not in the grammar: {text!r}")
        try:
            lines.append(Line(move, reader.take(move)))
        except _Contradiction as error:
            return reader.result(lines, f"sentence {index} {error}: {text!r}")
    left = len(problem.steps) - reader.done
    return reader.result(lines, f"the thought ends {left} changes too early" if left or reader.wrong else "")


class _Reader:
    """The state of reading: changes made so far, ways through the fork still open, a wrong total to be corrected."""

    def __init__(self, problem: Problem, concludes: int | None) -> None:
        self.problem = problem
        self.concludes = concludes
        self.done = 0
        self.choices = tuple(range(len(problem.answers)))
        self.missing: list[int] = []
        self.wrong = False

    def result(self, lines: list[Line], unknown: str) -> Reading:
        return Reading(tuple(lines), self.choices[0], tuple(self.missing), unknown)

    def take(self, move: Move) -> tuple[NumberMention, ...]:
        """Take a sentence in: its numbers and their parts."""
        if self.wrong and move.name != "correction":
            raise _Contradiction("follows a total that no change gives")
        reads = getattr(self, f"read_{move.name}", None)
        owners: dict[str, Owner] = reads(move) if reads is not None else {}
        if self.wrong:
            owners["b"] = (None, self.done - 1)
        return tuple(
            NumberMention(
                "time" if place.field == "i" else ROLES[place.field],
                place.start,
                place.end,
                move.numbers[place.field],
                *owners.get(place.field, (None, None)),
            )
            for place in move.places
        )

    # One method per move that says something: checks it, moves on, and gives what its fields stand for.

    def read_start(self, move: Move) -> dict[str, Owner]:
        self._expect(self.done == 0 and move.numbers["a"] == self.problem.start, "gives another start")
        return {"a": (0, None)}

    def read_ignore(self, move: Move) -> dict[str, Owner]:
        beside = [aside.number for aside in self.problem.asides]
        self._expect(move.numbers.get("k", None) in [None, *beside], "ignores a number that counts")
        return {}

    def read_doubt(self, move: Move) -> dict[str, Owner]:
        return {"k": (None, self._step_of(move))}

    def read_recall(self, move: Move) -> dict[str, Owner]:
        return {"k": (None, self._step_of(move))}

    def read_choice(self, move: Move) -> dict[str, Owner]:
        fork = self.problem.fork
        self._expect(
            fork is not None and move.colour in self.problem.steps[fork].colours, "chooses what nobody can choose"
        )
        assert fork is not None
        self.choices = (self.problem.steps[fork].colours.index(str(move.colour)),)
        return {}

    def read_slip(self, move: Move) -> dict[str, Owner]:
        step = self._step_of(move)
        self._expect(move.numbers["a"] == self._totals()[step], "starts from another total")
        return {"a": (step, step), "k": (None, step), "w": (None, step)}

    def read_compute(self, move: Move) -> dict[str, Owner]:
        step = self._step_of(move)
        self._expect(move.numbers["a"] == self._totals()[step], "starts from another total")
        self._pass_over(step)
        self.done, self.wrong = step + 1, move.numbers["b"] != self._totals()[step + 1]
        return {"a": (step, step), "k": (None, step), "b": (step + 1, step)}

    read_fix = read_compute

    def read_correction(self, move: Move) -> dict[str, Owner]:
        self._expect(move.numbers["b"] == self._totals()[self.done], "corrects to another total")
        self.wrong = False
        return {"b": (self.done, None)}

    def read_check(self, move: Move) -> dict[str, Owner]:
        step, totals = self.done - 1, self._totals()
        self._expect(
            step >= 0 and (move.numbers["b"], move.numbers["q"]) == (totals[step + 1], totals[step]), "checks wrongly"
        )
        return {"b": (step + 1, step), "k": (None, step), "q": (step, step)}

    def read_restate(self, move: Move) -> dict[str, Owner]:
        return self._claim(move, [*range(self.done, len(self.problem.steps) + 1)])

    def read_final(self, move: Move) -> dict[str, Owner]:
        return self._claim(move, [len(self.problem.steps)])

    def _claim(self, move: Move, allowed: list[int]) -> dict[str, Owner]:
        totals = self._totals()
        found = next((index for index in allowed if totals[index] == move.numbers["b"]), None)
        if found is None:
            raise _Contradiction("states another total")
        self._pass_over(found)
        self.done = found
        return {"b": (found, None)}

    def _step_of(self, move: Move) -> int:
        """The first change from here on that the sentence can be about, its time, sign, amount and total included."""
        for step in range(self.done, len(self.problem.steps)):
            ways = tuple(choice for choice in self.choices if self._fits(move, step, choice))
            if ways:
                self.choices = ways
                return step
        raise _Contradiction("speaks of a change that the problem does not make")

    def _fits(self, move: Move, step: int, choice: int) -> bool:
        change, numbers = self.problem.steps[step], move.numbers
        amount = change.amounts[choice if change.is_fork else 0]
        total = self.problem.totals(choice)[step]
        return (
            numbers.get("k", amount) == amount
            and move.sign in (None, change.sign)
            and numbers.get("a", total) == total
            and (not self.problem.times or numbers.get("i", step + 1) == step + 1)
        )

    def _pass_over(self, until: int) -> None:
        self.missing += range(self.done, until)

    def _totals(self) -> tuple[int, ...]:
        totals = self.problem.totals(self.choices[0])
        return totals if self.concludes is None else (*totals[:-1], self.concludes)

    @staticmethod
    def _expect(holds: bool, otherwise: str) -> None:
        if not holds:
            raise _Contradiction(otherwise)
