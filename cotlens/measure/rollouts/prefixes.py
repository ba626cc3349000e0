"""The tree of prefixes that rollouts share, exact by token, and where the distribution of their answers shifts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.stats import benjamini_hochberg
from cotlens.measure.stats.null import permutation_p

FEWEST = 5  # rollouts on either side of a test: with fewer, no shift could be told from chance
DRAWS = 1999
RATE = 0.05
NAN = float("nan")


@dataclass(frozen=True)
class Prefix:
    """A prefix that at least two rollouts share, and none longer is shared by all of them.

    Args:
        rows: of the rollouts that begin with it.
        parent: number of the next shorter prefix in the tree, -1 for the root.
        start, end: tokens; those before `start` are the parent's.
        shift: total variation distance, 0 to 1, of the answers of these rollouts to those of the others that share the
            parent; NaN where fewer than `FEWEST` stand on either side.
        p: the share of re-splits of the parent's rollouts in which it is as large.
        q: the false discovery rate over the tree at which it would be called a shift.
    """

    rows: tuple[int, ...]
    parent: int
    start: int
    end: int
    shift: float = NAN
    p: float = NAN
    q: float = NAN

    @property
    def shifts(self) -> bool:
        """Whether the answers shift here by more than chance, at a false discovery rate of 5 % over the tree."""
        return self.q <= RATE


def prefixes(token_ids: Sequence[Sequence[int]], answers: Sequence[Hashable], *, seed: int = 0) -> list[Prefix]:
    """The tree, parents before children, from what all share (maybe no token); empty without two rollouts.

    Args:
        token_ids: n rollouts from their first token, as ids of one vocabulary; traces that were made of text without a
            model have each its own.
        answers: n answers; one that could not be read is an answer of its own (None).
        seed: of the re-splits. Each test draws as many of the parent's rollouts, without replacement, as the child has.
    """
    # Sorted by their tokens, all rollouts of a prefix stand side by side, so that a node is a range of rows.
    order = sorted(range(len(token_ids)), key=lambda row: tuple(token_ids[row]))
    ids = [tuple(token_ids[row]) for row in order]
    found: list[tuple[int, int, int, int, int]] = []  # parent, first and last in that order, start, end
    todo = [(-1, 0, len(ids), 0)] if len(ids) > 1 else []
    while todo:
        parent, first, last, start = todo.pop()
        end = _shared(ids[first], ids[last - 1])  # of rows in order, the outermost differ the most
        found.append((parent, first, last, start, end))
        todo += [(len(found) - 1, a, b, end) for a, b in reversed(_runs(ids, first, last, end)) if b - a > 1]
    codes = {value: code for code, value in enumerate(dict.fromkeys(answers))}
    coded = np.array([codes[answers[row]] for row in order], dtype=np.int64)
    tests = _tests(found, coded, len(codes), np.random.default_rng(seed))
    q = benjamini_hochberg([p for _, p in tests]).tolist() if tests else []
    return [
        Prefix(tuple(sorted(order[first:last])), parent, start, end, shift, p, rate)
        for (parent, first, last, start, end), (shift, p), rate in zip(found, tests, q, strict=True)
    ]


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two begin with alike."""
    most = min(len(one), len(other))
    return next((at for at in range(most) if one[at] != other[at]), most)


def _runs(ids: Sequence[tuple[int, ...]], first: int, last: int, at: int) -> list[tuple[int, int]]:
    """The stretches of rows whose token number `at` is the same; those that have ended are a stretch of their own."""
    edges = [first]
    edges += [row for row in range(first + 1, last) if ids[row][at : at + 1] != ids[row - 1][at : at + 1]]
    runs = list(zip(edges, [*edges[1:], last], strict=True))
    return [run for run in runs if len(ids[run[0]]) > at]


def _tests(
    found: Sequence[tuple[int, int, int, int, int]], coded: NDArray[np.int64], kinds: int, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """(shift, p) of every prefix."""
    made: list[tuple[float, float]] = []
    for parent, first, last, _, _ in found:
        if parent < 0:
            made.append((NAN, NAN))
            continue
        whole = np.bincount(coded[found[parent][1] : found[parent][2]], minlength=kinds)
        made.append(_test(np.bincount(coded[first:last], minlength=kinds), whole, rng))
    return made


def _test(part: NDArray[np.int64], whole: NDArray[np.int64], rng: np.random.Generator) -> tuple[float, float]:
    n, rest = int(part.sum()), int(whole.sum() - part.sum())
    if min(n, rest) < FEWEST:
        return NAN, NAN
    shift = float(_distance(part[None], whole, n, rest)[0])
    # A random part of the parent's rollouts, of the child's size, by its counts of answers.
    drawn = rng.multivariate_hypergeometric(whole, n, size=DRAWS)
    return shift, permutation_p(_distance(drawn, whole, n, rest), shift)


def _distance(parts: NDArray[np.int64], whole: NDArray[np.int64], n: int, rest: int) -> NDArray[np.float64]:
    return np.abs(parts / n - (whole - parts) / rest).sum(axis=1) / 2
