"""Sentences of many rollouts in common columns, so that those that say the same stand below each other.

Progressive alignment, as of biological sequences (Feng and Doolittle 1987): the rollout that is most like all others
begins, each next one is aligned by dynamic programming (Needleman and Wunsch 1970) to the columns so far, and what
it says of its own takes a free column there, or a new one. Order is always kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.rollouts.sentences import Floats, vectors

ALIKE = 0.5
"""The cosine from which two sentences count as alike: of ten words, some five in common."""


@dataclass(frozen=True)
class Alignment:
    """Where each sentence of n rollouts stands.

    Args:
        columns: for each rollout, int64 [its sentences], rising.
        alike: for each rollout, bool [its sentences]: whether it says what the column's others say; a sentence of
            its own, which only fills its column's room, is not.
        width: number of columns.
    """

    columns: tuple[NDArray[np.int64], ...]
    alike: tuple[NDArray[np.bool_], ...]
    width: int


def align(rollouts: Sequence[Sequence[str]]) -> Alignment:
    """Align the sentences of rollouts; the same ones always come out the same.

    Time grows with rollouts times the square of sentences: 1,000 of 200 take 20 s of processor.
    """
    known: dict[str, int] = {}
    numbered = [[known.setdefault(text, len(known)) for text in texts] for texts in rollouts]
    says = vectors(list(known))
    table = _Columns(says.shape[1])
    places: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)] * len(rollouts)
    alike: list[NDArray[np.bool_]] = [np.zeros(0, dtype=np.bool_)] * len(rollouts)
    for row in _order([says[numbers] for numbers in numbered]):
        places[row], alike[row] = table.add(says[numbered[row]])
    at = np.argsort(table.order)  # a column keeps its number while others come before it
    counts = table.counts
    return Alignment(
        tuple(at[numbers] for numbers in places),
        tuple(same & (counts[numbers] > 1) for same, numbers in zip(alike, places, strict=True)),
        len(table.order),
    )


def _order(rollouts: Sequence[Floats]) -> list[int]:
    """From the one that is most like all others to the one that is least."""
    means = np.array([said.mean(axis=0) if len(said) else np.zeros(said.shape[1]) for said in rollouts])
    return np.argsort(-(means @ means.mean(axis=0)), kind="stable").tolist() if len(rollouts) else []


class _Columns:
    """The columns so far: what was said in each, and their order."""

    def __init__(self, width: int) -> None:
        self.order: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.said = np.zeros((0, width), dtype=np.float32)
        self._used: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many rollouts say what a column says, by the column's number."""
        return self._used

    def add(self, says: Floats) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The columns' numbers for one rollout, and which of its sentences are alike to theirs."""
        ordered = self.said[self.order]
        size = np.maximum(np.linalg.norm(ordered, axis=1), 1e-9)
        pairs = _best(says @ (ordered / size[:, None]).T - ALIKE)
        places, alike = np.zeros(len(says), dtype=np.int64), np.zeros(len(says), dtype=np.bool_)
        order: list[int] = []
        row, column = 0, 0
        for to_row, to_column in [*pairs, (len(says), len(self.order))]:
            gap = self.order[column:to_column].tolist()
            own = range(row, to_row)
            filled = len(gap)
            gap += self._new(says[row + filled : to_row])
            places[row:to_row] = gap[: len(own)]
            alike[row + filled : to_row] = True  # the first to say it, and alike once another joins
            order += gap
            if to_row < len(says):
                number = int(self.order[to_column])
                places[to_row], alike[to_row] = number, True
                self.said[number] += says[to_row]
                self._used[number] += 1
                order.append(number)
            row, column = to_row + 1, to_column + 1
        self.order = np.array(order, dtype=np.int64)
        return places, alike

    def _new(self, says: Floats) -> list[int]:
        if not len(says):
            return []
        first = len(self.said)
        self.said = np.concatenate([self.said, says])
        self._used = np.concatenate([self._used, np.ones(len(says), dtype=np.int64)])
        return list(range(first, first + len(says)))


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
