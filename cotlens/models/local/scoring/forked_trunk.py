"""The trunk of forked scoring: run in fixed pieces, and again in strides to the places where branches begin.

What a recurrent layer remembers can't be cut back to an earlier token, so it is copied at every place that is gone on
from. The pieces don't depend on what is asked: their states are kept for the next question about the same text, and
are bit for bit those of a fresh run, so that no result depends on history. The places depend on it, so they are reached
from the piece that they stand in by passes of their own, which costs at most the trunk once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models.local import budget, states
from cotlens.models.local.engine import Engine
from cotlens.models.local.scoring.trunk import Trunk

if TYPE_CHECKING:
    from cotlens.models.architecture.logits import ScoreTable
    from cotlens.models.contract.interventions import Intervention
    from cotlens.models.local.scoring.token_rows import Ints
    from cotlens.models.local.scoring.trie import Edges

NONE = np.empty(0, np.int64)
_SHARE = 4  # a quarter of the memory of a pass may hold states


@dataclass(frozen=True)
class Tail:
    """Tokens to feed, and which of them predict what.

    Args:
        tokens, positions: int64 [n].
        edges: rows are columns of `tokens`.
    """

    tokens: Ints
    positions: Ints
    edges: Edges


@dataclass(frozen=True)
class Row:
    """What goes on after `prefix` tokens of the trunk: a stem, and leaves that go on from its end, if any.

    Args:
        hidden: positions of the trunk that its attention can't look back at.
    """

    prefix: int
    stem: Tail
    leaves: tuple[Tail, ...] = ()
    hidden: Ints = field(default_factory=lambda: NONE)

    @property
    def size(self) -> int:
        """How many tokens it has."""
        return len(self.stem.tokens) + sum(len(leaf.tokens) for leaf in self.leaves)


@dataclass
class Fork:
    """What the model remembers after `length` tokens of the trunk, in a piece of it, and the rows that go on there."""

    cache: Any
    piece: int
    length: int
    rows: list[Row]


@dataclass(frozen=True)
class _Reads:
    """What is read off the trunk itself: `edges`, whose rows are trunk tokens."""

    edges: Edges
    scores: ScoreTable


@dataclass(frozen=True)
class Grid:
    """How a trunk is cut.

    Args:
        piece: tokens that are run in one pass, whatever is asked.
        stride: rows that begin less than this many tokens after a fork go on from it, with the tokens between; so
            many forks take these side by side.
    """

    piece: int
    stride: int


class Walk:
    """A walk along the trunk, past all places that rows go on from.

    Attributes:
        open: forks whose rows have not been run; take them out when they have.
    """

    def __init__(self, engine: Engine, ids: Sequence[int], interventions: Sequence[Intervention], grid: Grid) -> None:
        self._engine, self._ids, self._interventions = engine, tuple(ids), tuple(interventions)
        self._grid, n = grid, len(ids)
        self._bounds = tuple((start, min(n, start + grid.piece)) for start in range(0, n, grid.piece))
        self._state, self._whole = engine.state(), True
        self._by_one = engine.forking is not None and engine.forking.by_one
        self._together = together(engine, interventions)
        self.open: list[Fork] = []
        self._kept = self._taken_over()

    def _taken_over(self) -> dict[int, Any]:
        """Piece -> state after it, of the pieces that were run before just as they would be now."""
        kept: Trunk | None = self._engine.forks
        self._engine.forks = None
        if kept is None or not self._state or kept.state != self._state:
            return {}
        known = kept.shared(self._ids, self._interventions, self._bounds)
        return {index: cache for index, cache in kept.cache.items() if index < known}

    def along(self, rows: Sequence[Row], edges: Edges, scores: ScoreTable) -> Iterator[int]:
        """Open forks for `rows` (sorted by prefix), one at a time, and score `edges`, whose rows are trunk tokens.

        Yields:
            how much of the trunk has been walked.
        """
        last_piece = len(self._bounds) - 1
        of_rows = np.minimum([row.prefix // self._grid.piece for row in rows], last_piece).astype(np.int64)
        of_edges = edges.rows // self._grid.piece
        for index in np.unique(np.concatenate([of_rows, of_edges])).tolist():
            yield from self._places(index, [row for row, of in zip(rows, of_rows, strict=True) if of == index])
            if (of_edges == index).any():
                self._keep(index, self._advanced(self._before(index), self._bounds[index], _Reads(edges, scores)))
        if self._whole:
            self._engine.forks = Trunk(self._state, self._ids, self._interventions, self._bounds, self._kept)

    def _places(self, index: int, rows: Sequence[Row]) -> Iterator[int]:
        if not rows:
            return
        at, cache = self._bounds[index][0], self._before(index)
        for group in _within(rows, self._grid.stride, hiding_apart=not self._together):
            place = group[0].prefix
            if place > at:
                cache, at = self._advanced(cache, (at, place)), place
            for fork in self.open:
                if fork.piece == index:
                    states.lean(fork.cache, cache)
            self.open.append(Fork(states.copied(cache), index, place, group))
            yield place

    def _before(self, index: int) -> Any:
        """The state before a piece; None at the beginning."""
        near = max((i for i in self._kept if i < index), default=-1)
        cache = self._kept.get(near)
        for i in range(near + 1, index):
            cache = self._advanced(cache, self._bounds[i])
            self._keep(i, cache)
        return cache

    def _keep(self, index: int, cache: Any) -> None:
        """Keep a state; every other of the rest is let go where they are more than may be held."""
        self._kept[index] = cache
        for i, each in self._kept.items():
            if i < index:
                states.lean(each, cache)
        if len(self._kept) * states.size(cache)[0] > room(self._engine):
            self._kept = {i: self._kept[i] for i in sorted(self._kept)[::-2]}

    def _advanced(self, cache: Any, bounds: tuple[int, int], reads: _Reads | None = None) -> Any:
        """The state after trunk tokens, in halves where memory runs out, or where only single tokens go on."""
        start, stop = bounds
        if not (cache is not None and stop - start > 1 and self._by_one):
            try:
                return self._pass(cache, bounds, reads)
            except OutOfMemory:
                if stop - start <= budget.FEWEST_ROWS:
                    raise
                self._whole = False
        middle = (start + stop) // 2
        for part in ((start, middle), (middle, stop)):
            cache = self._advanced(cache, part, reads)
        return cache

    def _pass(self, cache: Any, bounds: tuple[int, int], reads: _Reads | None) -> Any:
        control.current().check()
        start, stop = bounds
        mine = np.flatnonzero((reads.edges.rows >= start) & (reads.edges.rows < stop)) if reads else np.empty(0, int)
        wanted = np.unique(reads.edges.rows[mine]) if reads and len(mine) else np.array([stop - 1])
        logits, _, after = self._engine.forward(
            self._engine.tensor(self._ids[start:stop]),
            np.arange(start, stop),
            cache=True if cache is None else states.copied(cache),
            keep=torch.from_numpy(wanted - start).to(self._engine.device),
            interventions=self._interventions,
        )
        if reads and len(mine):
            edges, rows = reads.edges, np.searchsorted(wanted, reads.edges.rows[mine])
            reads.scores.put(logits[0], rows, edges.targets[mine], edges.slots[mine], wanted)
        return after


def room(engine: Engine) -> int:
    """Bytes that states may take, those kept and those open each."""
    return budget.available(engine) // _SHARE


def together(engine: Engine, interventions: Sequence[Intervention]) -> bool:
    """Whether rows that go on from different places may go into one pass; interventions name positions of one."""
    return engine.forking is not None and engine.forking.side_by_side and not interventions


def _within(rows: Sequence[Row], stride: int, *, hiding_apart: bool) -> Iterator[list[Row]]:
    """Rows that begin less than `stride` tokens after the first of them.

    What lies between is part of the trunk, and sees all of it. Where it is fed with the row rather than before it, rows
    that hide tokens have to go on at once (`hiding_apart`).
    """
    group = [rows[0]]
    for row in rows[1:]:
        hides = hiding_apart and (len(row.hidden) or len(group[0].hidden))
        if row.prefix >= group[0].prefix + max(1, 1 if hides else stride):
            yield group
            group = []
        group.append(row)
    yield group
