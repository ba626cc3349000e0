"""Sentences of many rollouts in common columns, so that those that say the same stand below each other.

Progressive alignment, as of biological sequences (Feng and Doolittle 1987): the rollout that is most like all others
begins, each next one is aligned by dynamic programming (Needleman and Wunsch 1970) to the columns so far, and what
it says of its own takes a free column there, or a new one. Order is always kept. Where rollouts part, a column holds
what some say beside what others say instead, each as an alternative that later rollouts are aligned to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.rollouts.sentences import Floats, vectors

ALIKE = 0.5
"""The cosine from which two sentences count as alike: of ten words, some five in common."""

COMPANY = 0.05
"""What a sentence gains beyond its cosine where all others say the like: of places as near, the one that more have."""

ALTERNATIVES = 4
"""Of a column, at most; of those that only one rollout says, the oldest makes room for a new one."""


@dataclass(frozen=True)
class Alignment:
    """Where each sentence of n rollouts stands.

    Args:
        columns: for each rollout, int64 [its sentences], rising.
        alike: for each rollout, bool [its sentences]: whether others say the like in its column.
        width: number of columns.
    """

    columns: tuple[NDArray[np.int64], ...]
    alike: tuple[NDArray[np.bool_], ...]
    width: int


def align(rollouts: Sequence[Sequence[str]]) -> Alignment:
    """Align the sentences of rollouts; the same ones always come out the same.

    Time grows with rollouts times the square of sentences: 1,000 of 200 took 7 s of processor.
    """
    known: dict[str, int] = {}
    numbered = [[known.setdefault(text, len(known)) for text in texts] for texts in rollouts]
    says = vectors(list(known))
    table = _Columns(says.shape[1])
    places: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)] * len(rollouts)
    sayings = list(places)
    for row in _order([says[numbers] for numbers in numbered]):
        places[row], sayings[row] = table.add(says[numbered[row]])
    at = np.argsort(table.order)  # a column keeps its number while others come before it
    counts = np.array(table.counts, dtype=np.int64)
    return Alignment(
        tuple(at[numbers] for numbers in places),
        tuple(counts[each] > 1 for each in sayings),
        len(table.order),
    )


def _order(rollouts: Sequence[Floats]) -> list[int]:
    """From the one that is most like all others to the one that is least."""
    means = np.array([said.mean(axis=0) if len(said) else np.zeros(said.shape[1]) for said in rollouts])
    return np.argsort(-(means @ means.mean(axis=0)), kind="stable").tolist() if len(rollouts) else []


class _Columns:
    """The columns so far, their order, and in each the alternatives that were said there.

    Attributes:
        order: numbers of columns from left to right.
        counts: by the number of an alternative, how many rollouts say it.
    """

    def __init__(self, width: int) -> None:
        self.order: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.counts: list[int] = []
        self._said = np.zeros((64, width), dtype=np.float32)  # sums of vectors; grows by doubling
        self._in: list[list[int]] = []  # the alternatives of each column, the oldest first

    def add(self, says: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each sentence of one rollout, the number of its column and of its alternative."""
        gain, nearest = self._gains(says)
        places, sayings = np.zeros((2, len(says)), dtype=np.int64)
        order: list[int] = []
        row, place = 0, 0
        for to_row, to_place in [*_best(gain), (len(says), len(self.order))]:
            room = self.order[place:to_place].tolist()
            room += [self._column() for _ in range(to_row - row - len(room))]
            for own, column in zip(range(row, to_row), room, strict=False):
                places[own], sayings[own] = column, self._alternative(column, says[own])
            order += room
            if to_row < len(says):
                order.append(int(self.order[to_place]))
                places[to_row], sayings[to_row] = order[-1], self._join(int(nearest[to_row, to_place]), says[to_row])
            row, place = to_row + 1, to_place + 1
        self.order = np.array(order, dtype=np.int64)
        return places, sayings

    def _gains(self, says: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Gain of each sentence in each place [sentences, places], and the alternative that is nearest to it there."""
        empty = np.zeros((len(says), len(self.order)))
        if not empty.size:
            return empty.astype(np.float32), empty.astype(np.int64)
        held = [self._in[column] for column in self.order]
        numbers = np.array([number for each in held for number in each])
        said = self._said[numbers]
        cosine = says @ (said / np.maximum(np.linalg.norm(said, axis=1, keepdims=True), 1e-9)).T
        company = COMPANY * np.array([self.counts[number] for number in numbers]) / max(self.counts)
        gain = np.where(cosine >= ALIKE, cosine - ALIKE + company, 0.0)
        first = np.cumsum([0, *map(len, held[:-1])])
        best = np.maximum.reduceat(gain, first, axis=1)
        # The first of the best: of those that are not, the number counts as beyond all others.
        at_best = gain == np.repeat(best, np.diff([*first, len(numbers)]), axis=1)
        nearest = np.minimum.reduceat(np.where(at_best, numbers, len(self.counts)), first, axis=1)
        return best.astype(np.float32), nearest

    def _column(self) -> int:
        self._in.append([])
        return len(self._in) - 1

    def _join(self, saying: int, says: Floats) -> int:
        self._said[saying] += says
        self.counts[saying] += 1
        return saying

    def _alternative(self, column: int, says: Floats) -> int:
        """A new alternative of a column; not kept where the column is full of what several say."""
        number = len(self.counts)
        if number == len(self._said):
            self._said = np.concatenate([self._said, np.zeros_like(self._said)])
        self._said[number] = says
        self.counts.append(1)
        held = self._in[column]
        if len(held) == ALTERNATIVES:
            single = next((at for at, each in enumerate(held) if self.counts[each] == 1), None)
            if single is None:
                return number
            del held[single]
        held.append(number)
        return number


def _best(gain: Floats) -> list[tuple[int, int]]:
    """The pairs (row, column), both rising, whose gains add up to the most; only gains above zero are taken."""
    rows, columns = gain.shape
    best = np.zeros((rows + 1, columns + 1), dtype=np.float32)
    for row in range(rows):
        taken = np.maximum(best[row, 1:], best[row, :-1] + gain[row])
        np.maximum.accumulate(taken, out=best[row + 1, 1:])  # to leave out a column costs nothing
    pairs: list[tuple[int, int]] = []
    row, column = rows, columns
    while row and column:
        here = best[row, column]
        if here == best[row, column - 1]:
            column -= 1
        elif here == best[row - 1, column]:
            row -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((row, column))
    return pairs[::-1]
