"""The fast path for models whose layers are mostly recurrent: what they remember is copied where branches begin.

Such a model can't be shown a tree of branches behind a mask, for a recurrent layer takes in all tokens that it is fed.
So the trunk is walked once (`forked_trunk`), and branches run many at a time, each behind a copy of the state: behind
copies of one state, or, where that was tried and holds, of the states at different places, whose keys are padded on the
left and masked. Padding on the right is harmless, as nothing after it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models.architecture.logits import ScoreTable
from cotlens.models.architecture.masks import Masks
from cotlens.models.local import budget, states
from cotlens.models.local.engine import Engine
from cotlens.models.local.scoring import trie
from cotlens.models.local.scoring.forked_rows import NOTHING, moved, rows_of
from cotlens.models.local.scoring.forked_trunk import Fork, Grid, Row, Tail, Walk, room, together
from cotlens.models.local.scoring.token_rows import Ints

if TYPE_CHECKING:
    from cotlens.models.contract import Branch
    from cotlens.models.contract.interventions import Intervention

Job = tuple[Fork, Row]


@dataclass(frozen=True)
class Sight:
    """What the rows of a pass can look back at.

    Args:
        begins: int64 [rows], how many tokens of its text a row has seen.
        width: keys that each row has: what is more than `begins` pads it on the left.
        hidden: per row, positions that are out of sight; none for no rows.
    """

    begins: Ints
    width: int
    hidden: Sequence[Ints] = ()

    def of(self, rows: Sequence[int]) -> Sight:
        """That of some rows."""
        return Sight(self.begins[list(rows)], self.width, [self.hidden[i] for i in rows] if self.hidden else ())


def score(
    engine: Engine,
    trunk: Sequence[int],
    branches: Sequence[Branch],
    interventions: Sequence[Intervention] = (),
    *,
    grid: Grid | None = None,
) -> tuple[ScoreTable, Ints]:
    """Score checked branches; returns and raises as `packed.score`.

    Tokens are hidden in attention layers only: what a recurrent layer took in of them stays.
    """
    plan = trie.plan(trunk, branches)
    side_by_side = together(engine, interventions)
    scores, rows = ScoreTable(int(plan.starts[-1]), plan.sets), rows_of(plan.feeds, stems=side_by_side)
    grid = grid or Grid(
        budget.piece(engine, len(trunk)), budget.stride(engine, doubling=side_by_side and not _by_one(engine))
    )
    walk = Walk(engine, trunk, interventions, grid)
    fed, total = 0, plan.prefill + sum(row.size for row in rows)
    for walked in walk.along(rows, plan.trunk_edges, scores):
        control.current().report(walked + fed, total, "scoring")
        if _is_full(engine, walk.open):
            for some in _run_open(engine, trunk, walk, scores, interventions):
                fed += some
                control.current().report(walked + fed, total, "scoring")
    for some in _run_open(engine, trunk, walk, scores, interventions):
        fed += some
        control.current().report(plan.prefill + fed, total, "scoring")
    control.current().report(total, total, "scoring")
    return scores, plan.starts


def _by_one(engine: Engine) -> bool:
    """Whether all is fed a token at a time."""
    return engine.forking is not None and engine.forking.by_one


def _is_full(engine: Engine, forks: Sequence[Fork]) -> bool:
    """Whether the rows of open forks are as many as go into a pass, or their states fill the memory they may take."""
    own, grown = states.size(forks[-1].cache)
    pieces = len({fork.piece for fork in forks})  # within a piece, keys are shared
    full = sum(len(fork.rows) for fork in forks) >= budget.nodes(engine, forks[-1].length)
    return full or len(forks) * own + pieces * grown > room(engine)


def _run_open(
    engine: Engine, trunk: Sequence[int], walk: Walk, scores: ScoreTable, interventions: Sequence[Intervention]
) -> Iterator[int]:
    """Run the rows of all open forks and let go of their states, some at a time: how many tokens these have."""
    forks, walk.open = walk.open, []
    side_by_side = together(engine, interventions)
    copy = 2 * sum(states.size(forks[-1].cache)) if forks else 0  # of one row: padded, then grown
    for _, group in groupby(forks, lambda fork: 0 if side_by_side else fork.length):
        jobs = [(fork, row) for fork in group for row in fork.rows]
        # What is copied for two passes is still at hand when they run, and is memory that the next two take over.
        few = 2 * budget.nodes(engine, forks[-1].length) // max(1, *(row.size for _, row in jobs), 1)
        count = max(1, min(few, budget.available(engine) // max(1, copy)))
        for start in range(0, len(jobs), count):
            some = jobs[start : start + count]
            _run(engine, trunk, some, scores, interventions)
            yield sum(row.size for _, row in some)


def _run(
    engine: Engine, trunk: Sequence[int], jobs: list[Job], scores: ScoreTable, interventions: Sequence[Intervention]
) -> None:
    """Score rows, in halves where memory runs out."""
    try:
        _pass(engine, trunk, jobs, scores, interventions)
    except OutOfMemory as error:
        fork, row = jobs[0]
        if len(jobs) > 1:
            halves = [jobs[: len(jobs) // 2], jobs[len(jobs) // 2 :]]
        elif len(row.leaves) > 1:  # the stem again with half of its leaves each
            middle = len(row.leaves) // 2
            halves = [[(fork, replace(row, leaves=part))] for part in (row.leaves[:middle], row.leaves[middle:])]
        else:
            raise OutOfMemory(
                f"A branch of {row.size} tokens after {row.prefix} others did not fit into memory on its own; use a "
                "shorter trace, a smaller model or a device with more memory."
            ) from error
        for half in halves:
            _run(engine, trunk, half, scores, interventions)


def _pass(
    engine: Engine, trunk: Sequence[int], jobs: list[Job], scores: ScoreTable, interventions: Sequence[Intervention]
) -> None:
    """Run and score rows side by side: their stems, then all leaves of these."""
    if together(engine, interventions):
        cache, at, place = _placed(engine, trunk, jobs, scores)
        stems = [row.stem for _, row in jobs]
    else:  # of one place: the tokens between it and a row are fed with the row
        place = Sight(np.array([fork.length for fork, _ in jobs]), jobs[0][0].length)
        cache, at = states.joined([fork.cache for fork, _ in jobs]), list(range(len(jobs)))
        stems = [_from_fork(trunk, *job) for job in jobs]
    for part in _batches(engine, [row for _, row in jobs], stems, place.width):
        mine, hidden = [stems[i] for i in part], [jobs[i][1].hidden for i in part]
        sight = Sight(place.begins[part], place.width, hidden)
        here = states.picked(cache, [at[i] for i in part])
        behind = _feed(engine, here, sight, 0, mine, scores, interventions)
        # The first leaf of each stem, then the second: so they share its keys, where all at once would copy them.
        for some in zip_longest(*(jobs[i][1].leaves for i in part)):
            leaves = {i: leaf for i, leaf in enumerate(some) if leaf is not None}
            rows = sorted(leaves, key=lambda i: -len(leaves[i].tokens))
            own, fed = [leaves[i] for i in rows], len(mine[0].tokens)
            _feed(engine, states.picked(behind, rows), sight.of(rows), fed, own, scores, interventions)


def _batches(engine: Engine, rows: Sequence[Row], stems: Sequence[Tail], longest: int) -> Iterator[list[int]]:
    """Which rows go into one pass: of about one length, or of exactly one where leaves go on from them."""

    def kind(i: int) -> int:
        return len(stems[i].tokens) if rows[i].leaves else 0

    nodes, single = budget.nodes(engine, longest), _by_one(engine)
    for _, group in groupby(sorted(range(len(rows)), key=kind), kind):
        part = sorted(group, key=lambda i: -len(stems[i].tokens))
        most = max(1 if single else len(stems[i].tokens) + rows[i].size - len(rows[i].stem.tokens) for i in part)
        step = max(1, nodes // most)
        yield from (part[start : start + step] for start in range(0, len(part), step))


def _from_fork(trunk: Sequence[int], fork: Fork, row: Row) -> Tail:
    between = _along(trunk, fork.length, row.prefix)
    tokens, positions = (
        np.concatenate([getattr(part, name) for part in (between, row.stem)]) for name in ("tokens", "positions")
    )
    return Tail(tokens, positions, moved(row.stem.edges, len(between.tokens)))


def _along(trunk: Sequence[int], start: int, stop: int) -> Tail:
    """Tokens of the trunk; what lies behind its end pads them."""
    tokens = np.asarray(trunk[start:stop], np.int64)
    return Tail(np.pad(tokens, (0, stop - start - len(tokens))), np.arange(start, stop), NOTHING)


def _placed(
    engine: Engine, trunk: Sequence[int], jobs: Sequence[Job], scores: ScoreTable
) -> tuple[Any, list[int], Sight]:
    """A cache of the states where rows begin, the row of it that each job goes on from, and what jobs can look back at.

    All forks go on along the trunk side by side by half of the way to the next, then these and those by a quarter, and
    so on: twice as many places in every pass.
    """
    forks = {id(fork): fork for fork, _ in jobs}
    rank = {key: i for i, key in enumerate(forks)}
    begins, ends = np.array([fork.length for fork in forks.values()]), np.array([row.prefix for _, row in jobs])
    at = np.array([rank[id(fork)] for fork, _ in jobs])
    cache, width = states.joined([fork.cache for fork in forks.values()]), int(begins.max())
    for digit in reversed(range(int((ends - begins[at]).max()).bit_length())):
        on = ends - begins[at] >= 2**digit
        if on.any():  # some are there already
            stay, at[~on] = np.unique(at[~on], return_inverse=True)
            go, at[on] = np.unique(at[on], return_inverse=True)
            at[on] += len(stay)
            further = _advanced(engine, trunk, cache, Sight(begins[go], width), go.tolist(), 2**digit, scores)
            cache = states.joined([states.picked(cache, stay.tolist()), *further] if len(stay) else further)
            begins, width = np.concatenate([begins[stay], begins[go] + 2**digit]), width + 2**digit
    return cache, at.tolist(), Sight(ends, width)


def _advanced(
    engine: Engine, trunk: Sequence[int], cache: Any, sight: Sight, rows: list[int], by: int, scores: ScoreTable
) -> list[Any]:
    """These rows of a cache, which have seen as much of the trunk as `sight` says, after `by` more of its tokens."""
    tails = [_along(trunk, begin, begin + by) for begin in sight.begins.tolist()]
    count = max(1, budget.nodes(engine, sight.width) // by)
    found = []
    for start in range(0, len(rows), count):
        part = range(start, min(len(rows), start + count))
        mine = states.picked(cache, [rows[i] for i in part])
        found.append(_feed(engine, mine, sight.of(part), 0, [tails[i] for i in part], scores, ()))
    return found


def _feed(
    engine: Engine,
    cache: Any,
    sight: Sight,
    behind: int,
    tails: Sequence[Tail],
    scores: ScoreTable,
    interventions: Sequence[Intervention],
) -> Any:
    """Feed a tail to each row of a cache, and give the cache after that.

    Args:
        sight: what each row could look back at `behind` tokens ago.
        tails: the longest first: rows that have ended are left out of the cache from then on.

    Long ones go in stretches: a cancel never waits for all of them.
    """
    n = max(len(tail.tokens) for tail in tails)
    ids = np.stack([np.pad(tail.tokens, (0, n - len(tail.tokens))) for tail in tails])
    ends = [(tail.positions, tail.positions[-1] + 1 + np.arange(n - len(tail.positions))) for tail in tails]
    positions = np.minimum(np.stack([np.concatenate(parts) for parts in ends]), engine.layout.context - 1)
    step = 1 if _by_one(engine) else budget.stretch(engine, int(sight.begins.max()))
    cache = states.with_room(cache, n) if step < n else cache
    for start in range(0, n, step):
        control.current().check()
        stop, live = min(n, start + step), sum(len(tail.tokens) > start for tail in tails)
        if live < len(sight.begins):
            sight, cache = sight.of(range(live)), states.picked(states.without_room(cache), range(live))
            cache = states.with_room(cache, n - start) if stop < n else cache
        at = positions[:live, start:stop]
        mine, wanted = trie.joined_edges([tail.edges for tail in tails[:live]], start, stop)
        logits, _, cache = engine.forward(
            torch.from_numpy(ids[:live, start:stop]).to(engine.device),
            at[0] if (at == at[0]).all() else at,
            masks=_mask(engine, sight, behind + stop),
            cache=cache,
            keep=torch.from_numpy(wanted).to(engine.device),
            interventions=interventions,
        )
        scores.put(logits.flatten(0, 1), mine.rows, mine.targets, mine.slots, at[:, wanted].ravel())
    return states.without_room(cache)


def _mask(engine: Engine, sight: Sight, fed: int) -> Any:
    """What pads the keys of shorter texts on the left is hidden, and what is to be; None where that is nothing."""
    padded = engine.forking is not None and engine.forking.masked and sight.begins.min() < sight.width
    if not padded and not any(map(len, sight.hidden)):
        return None
    left = sight.width - sight.begins
    seen = np.arange(sight.width + fed)[None] >= left[:, None]
    for row, hidden in enumerate(sight.hidden):
        seen[row, left[row] + hidden] = False
    return Masks(torch.from_numpy(seen.astype(np.int64)).to(engine.device), {})
