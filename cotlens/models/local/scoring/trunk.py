"""The trunk of packed scoring: run once in fixed pieces, its cache kept for the next question about the same text.

Measurements ask in blocks, and edited traces share their beginnings, so the cache of the last trunk is kept and pieces
that it holds are run again only where their logits are wanted. A piece is taken over only if it was run by the same
weights, with the same bounds, after the same tokens: its numbers are then bit for bit those of a fresh run, and no
result depends on history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models.contract.interventions import EVER, BlockAttention
from cotlens.models.local import budget
from cotlens.models.local.caches import fresh_cache, view
from cotlens.models.local.engine import Engine

if TYPE_CHECKING:
    from cotlens.models.architecture.logits import ScoreTable
    from cotlens.models.contract.interventions import Intervention
    from cotlens.models.local.scoring.trie import Edges

Bounds = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Trunk:
    """A trunk that was run: its tokens and interventions, the pieces it was run in, the cache of all of them.

    Args:
        state: of the model that ran it; see `identity.Identity`.
    """

    state: str
    ids: tuple[int, ...]
    interventions: tuple[Intervention, ...]
    bounds: Bounds
    cache: Any

    def shared(self, ids: tuple[int, ...], interventions: tuple[Intervention, ...], bounds: Bounds) -> int:
        """How many leading pieces of another trunk are the same, interventions that reach them included."""
        count = 0
        for mine, theirs in zip(self.bounds, bounds, strict=False):
            if mine != theirs or self.ids[slice(*mine)] != ids[slice(*mine)]:
                break
            if _reaching(self.interventions, mine[1]) != _reaching(interventions, mine[1]):
                break
            count += 1
        return count


def _reaching(interventions: Sequence[Intervention], stop: int) -> list[Intervention]:
    """Those that change a token before `stop`: earlier tokens are as if the others weren't there."""
    return [item for item in interventions if _first(item) < stop]


def _first(item: Any) -> int:
    """The first position whose state an intervention changes itself."""
    positions = item.queries if isinstance(item, BlockAttention) else item.positions
    if positions is None:
        return 0
    return positions.start if isinstance(positions, range) else min(positions, default=EVER)


def prefill(
    engine: Engine,
    ids: Sequence[int],
    edges: Edges,
    scores: ScoreTable,
    interventions: Sequence[Intervention],
    total: int,
) -> Any:
    """Run the trunk `ids` and read the first tokens of branches (`edges`) off it.

    Returns:
        a cache of the trunk that must not be extended in place (use `view`).

    Raises:
        OutOfMemory: not even a short piece fits.
        Cancelled: between two pieces.
    """
    ids, interventions = tuple(ids), tuple(interventions)
    bounds, state = _bounds(engine, len(ids)), engine.state()
    kept: Trunk | None = engine.trunk if engine.trunk is not None and engine.trunk.state == state != "" else None
    known = kept.shared(ids, interventions, bounds) if kept is not None else 0
    cache = view(kept.cache, bounds[known - 1][1]) if kept is not None and known else fresh_cache()
    engine.trunk = kept = None
    order = np.argsort(edges.rows, kind="stable")
    rows, whole = edges.rows[order], True
    for index, (start, stop) in enumerate(bounds):
        control.current().check()
        low, high = np.searchsorted(rows, [start, stop])
        if index >= known or low < high:
            mine = order[low:high]
            extended, unbroken = _piece(engine, cache, ids, (start, stop), edges, mine, scores, interventions)
            whole &= unbroken
            cache = extended if index >= known else cache
        control.current().report(stop, total, "scoring")
    engine.trunk = Trunk(state, ids, interventions, bounds, cache) if whole else None
    return cache


def _bounds(engine: Engine, n: int) -> Bounds:
    step = budget.piece(engine, n)
    return tuple((start, min(n, start + step)) for start in range(0, n, step))


def _piece(
    engine: Engine,
    cache: Any,
    ids: tuple[int, ...],
    bounds: tuple[int, int],
    edges: Edges,
    mine: np.ndarray,
    scores: ScoreTable,
    interventions: Sequence[Intervention],
) -> tuple[Any, bool]:
    """Run one piece, in halves where memory runs out: the extended cache, and whether it went in one."""
    start, stop = bounds
    wanted, index = np.unique(edges.rows[mine], return_inverse=True)
    at, extended = np.arange(start, stop), view(cache, start)
    try:
        logits, seen, _ = engine.forward(
            engine.tensor(ids[start:stop]),
            at,
            masks=engine.causal(at, start, interventions),
            cache=extended,
            keep=torch.from_numpy(wanted - start).to(engine.device),
            interventions=interventions,
            sites=scores.sites,
        )
    except OutOfMemory:
        if stop - start <= budget.FEWEST_ROWS:
            raise
        middle = (start + stop) // 2
        left, right = mine[edges.rows[mine] < middle], mine[edges.rows[mine] >= middle]
        cache, _ = _piece(engine, cache, ids, (start, middle), edges, left, scores, interventions)
        cache, _ = _piece(engine, cache, ids, (middle, stop), edges, right, scores, interventions)
        return cache, False
    scores.put(logits[0], index, edges.targets[mine], edges.slots[mine], wanted)
    scores.see({site: one[0] for site, one in seen.items()}, edges.rows[mine] - start, edges.slots[mine])
    return extended, True
