"""The fast path: the trunk is run once, then many branches at a time in one row behind its cache.

Equal to one pass per branch up to rounding (`check` tries that on the loaded model): each node sees the trunk before
its prefix minus what is hidden from it, and its own ancestors; positions are explicit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models import budget, packing
from cotlens.models.engine import Engine, view
from cotlens.models.logits import Scores
from cotlens.models.packing import Chunk, Feeds, Ints
from cotlens.models.stream import pieces
from cotlens.models.trunk import prefill

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.contract import Branch
    from cotlens.models.interventions import Intervention


def score(
    engine: Engine, trunk: Sequence[int], branches: Sequence[Branch], interventions: Sequence[Intervention] = ()
) -> tuple[Scores, Ints]:
    """Score checked branches.

    Returns:
        flat scores, and int64 [branches + 1] where each branch's entries start.

    Raises:
        OutOfMemory: not even one branch, or a short stretch of the trunk, fits.
        Cancelled: between two passes.
    """
    plan = packing.plan(trunk, branches)
    scores = Scores(int(plan.starts[-1]))
    total = plan.prefill + int((np.diff(plan.feeds.begin) - plan.feeds.shared).sum())
    cache = prefill(engine, trunk[: plan.prefill], plan.trunk_edges, scores, interventions, total)
    done = plan.prefill
    for first, last in packing.chunks(plan.feeds, lambda prefix: budget.nodes(engine, prefix)):
        done += _run(engine, cache, plan.feeds, first, last, scores, interventions)
        control.current().report(done, total, "scoring")
    return scores, plan.starts


def _run(
    engine: Engine,
    cache: Any,
    feeds: Feeds,
    first: int,
    last: int,
    scores: Scores,
    interventions: Sequence[Intervention],
) -> int:
    """Score rows [first, last), in halves where memory runs out. Returns the number of nodes that were run."""
    chunk = packing.chunk(feeds, first, last)
    try:
        _pass(engine, cache, chunk, scores, interventions)
    except OutOfMemory as error:
        if last - first == 1:
            raise OutOfMemory(
                f"A branch of {len(chunk.token_ids)} tokens after {chunk.width} others did not fit into memory on its "
                "own; use a shorter trace, a smaller model or a device with more memory."
            ) from error
        middle = (first + last) // 2
        left = _run(engine, cache, feeds, first, middle, scores, interventions)
        return left + _run(engine, cache, feeds, middle, last, scores, interventions)
    return len(chunk.token_ids)


def _pass(engine: Engine, cache: Any, chunk: Chunk, scores: Scores, interventions: Sequence[Intervention]) -> None:
    """Run and score a chunk. One long branch goes in pieces, so that a cancel never waits for all of it."""
    n, edges, extended = len(chunk.token_ids), chunk.edges, view(cache, chunk.width)
    columns = np.concatenate([np.arange(chunk.width), chunk.positions])
    for start, stop in pieces(engine, n, budget.nodes(engine, chunk.width)):
        at = chunk.positions[start:stop]
        visible = _visible(chunk, start, stop, engine.device)
        logits, _, _ = engine.forward(
            engine.tensor(chunk.token_ids[start:stop]),
            at,
            masks=engine.masks(visible, at, columns[: chunk.width + stop], interventions),
            cache=extended,
            interventions=interventions,
        )
        mine = (edges.rows >= start) & (edges.rows < stop)
        scores.put(logits[0], edges.rows[mine] - start, edges.targets[mine], edges.slots[mine], at)


def _visible(chunk: Chunk, start: int, stop: int, device: torch.device) -> Tensor:
    """Bool [stop - start, width + stop]: the trunk before a node's limit minus what is hidden, and its ancestors."""
    nodes = torch.arange(stop, device=device)
    limits = torch.from_numpy(chunk.limits[start:stop]).to(device)
    trunk = torch.arange(chunk.width, device=device)[None] < limits[:, None]
    if (chunk.hidden_of >= 0).any():
        out = torch.zeros(len(chunk.hidden) + 1, chunk.width, dtype=torch.bool)
        for index, hidden in enumerate(chunk.hidden):
            out[index, torch.from_numpy(hidden[hidden < chunk.width])] = True
        trunk &= ~out.to(device)[torch.from_numpy(chunk.hidden_of[start:stop]).to(device)]
    ends = torch.from_numpy(chunk.ends[:stop]).to(device)
    own = (nodes[None] <= nodes[start:, None]) & (nodes[start:, None] < ends[None])
    return torch.cat([trunk, own], dim=1)
