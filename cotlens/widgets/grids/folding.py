"""Tokens put together to sentences, and two runs of texts that differ put beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.trace.splitting.splitters import split
from cotlens.widgets.grids.runs import ABSENT, BELOW, MEASURED, MISSING, WITHOUT, Run

Pairs = list[tuple[int, int]]
"""Places of two runs that stand in one column; -1 where one of them has none."""


def parents_of(run: Run) -> NDArray[np.int64]:
    """The sentence of every token, by number; a place of no or several tokens (the answer's words) is its own."""
    edges = np.concatenate(([0], np.cumsum([len(text) for text in run.texts])))
    begins = [start for start, _ in split("".join(run.texts), "sentence")]
    sentence = np.searchsorted(begins, edges[:-1], side="right")
    # A token that ends the one sentence and begins the next belongs to where most of it lies: to the next.
    middle = np.searchsorted(begins, edges[:-1] + np.maximum(0, np.diff(edges) - 1), side="right")
    alone = (run.last - run.first) != 1
    key = np.where(alone, -1 - np.arange(len(run.texts)), np.maximum(sentence, middle))
    begun = np.concatenate(([True], key[1:] != key[:-1])) if len(key) else np.zeros(0, bool)
    return np.cumsum(begun) - 1


def folded(run: Run, how: str) -> Run:
    """A run by sentences: the mean over a sentence's tokens, the last one of them, or the largest."""
    groups = [np.flatnonzero(run.parents == one) for one in range(int(run.parents.max(initial=-1)) + 1)]
    whole = run.picked([int(group[-1]) for group in groups])
    texts = tuple("".join(run.texts[at] for at in group) for group in groups)
    place = replace(
        whole,
        texts=texts,
        first=run.first[[int(group[0]) for group in groups]],
        unit="sentence",
        parents=np.zeros(0, np.int64),
    )
    if how == "last":
        return place
    put: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]] = (
        _largest if how == "largest" else _mean
    )
    estimate = np.stack([put(run.estimate, group) for group in groups], 1)
    beside = {name: np.stack([_mean(values, group) for group in groups], 1)
              for name, values in run.beside.items() if name in ("floor", "control", "entropy")}  # fmt: skip
    return replace(place, estimate=estimate, code=_together(run, groups, estimate, beside), leading=None, beside=beside)


def _together(run: Run, groups: Sequence[Any], estimate: NDArray[np.float64], beside: Any) -> NDArray[np.uint8]:
    """A sentence lies below the floor where its own number does; it is missing where all of its tokens are."""
    code = np.full(estimate.shape, MEASURED, np.uint8)
    if "floor" in beside:
        code[np.where(run.estimate.max(initial=0) > 0, np.abs(estimate), estimate) <= beside["floor"]] = BELOW
    for column, group in enumerate(groups):
        for only in (BELOW, WITHOUT):
            code[(run.code[:, group] == only).all(1), column] = only
    code[np.isnan(estimate)] = MISSING
    return code


def _mean(values: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    known = np.isfinite(values[:, at])
    total = np.where(known, values[:, at], 0).sum(1)
    return np.where(known.any(1), total / np.maximum(1, known.sum(1)), np.nan)


def _largest(values: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    sizes = np.where(np.isnan(values[:, at]), -1, np.abs(values[:, at]))
    return values[np.arange(len(values)), at[sizes.argmax(1)]]


def within(tokens: Run, coarse: Run) -> NDArray[np.int64]:
    """The column of a coarser run that each token lies in: the last that begins there or before."""
    found = np.searchsorted(coarse.first, tokens.first, side="right") - 1
    for at, (start, end) in enumerate(zip(tokens.first, tokens.last, strict=True)):
        own = np.flatnonzero((coarse.first == start) & (coarse.last == end))
        found[at] = own[0] if len(own) else found[at]
    return found.clip(0)


def aligned(one: Sequence[str], other: Sequence[str]) -> Pairs:
    """Places that begin and end alike stand in one column; what lies between, in the order in which it stands."""
    most = min(len(one), len(other))
    head = next((i for i in range(most) if one[i] != other[i]), most)
    tail = next((i for i in range(most - head) if one[-1 - i] != other[-1 - i]), most - head)
    middle = zip_longest(range(head, len(one) - tail), range(head, len(other) - tail), fillvalue=-1)
    return [
        *((i, i) for i in range(head)), *middle,
        *zip(range(len(one) - tail, len(one)), range(len(other) - tail, len(other)), strict=True),
    ]  # fmt: skip


def difference(one: Run, other: Run, name: str) -> Run:
    """The second run minus the first, both with the same layers and columns."""
    value = other.estimate - one.estimate
    codes = np.stack([one.code, other.code])
    code = np.where(np.isnan(value), MISSING, MEASURED).astype(np.uint8)
    for alike in (BELOW, WITHOUT, ABSENT):
        code[(codes == alike).all(0)] = alike
    lacks = (codes == ABSENT).any(0) & ~(codes == ABSENT).all(0)
    why = np.where(lacks, "only one of the two texts has it", np.where(one.why != "", one.why, other.why))
    why = np.where(code == MEASURED, "", why)
    texts = tuple(mine or theirs for mine, theirs in zip(one.texts, other.texts, strict=True))
    return replace(one, name=name, note="", texts=texts, estimate=value, code=code, why=why, leading=None, beside={})
