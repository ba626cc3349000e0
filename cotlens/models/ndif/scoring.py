"""Scoring branches on a server: trunk and branches in one packed pass per job, for nothing is kept between jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models.architecture.logits import ScoreTable, check_finite
from cotlens.models.architecture.masks import causal
from cotlens.models.contract import Branch, BranchScore
from cotlens.models.contract.interventions import BlockAttention, Intervention
from cotlens.models.local.scoring import dispatch, trie
from cotlens.models.local.scoring.packed import seen_by_nodes
from cotlens.models.local.scoring.token_rows import TokenRows
from cotlens.models.local.scoring.trie import Edges
from cotlens.models.ndif.passes import Ints, RemoteRunner

_NODES = 2048  # branch tokens per job
_NO_EDGES = Edges(*(np.empty(0, np.int64) for _ in range(3)))


@dataclass(frozen=True)
class _Pass:
    """One job: predictions to read off the trunk, and rows of branches [first, last) to run behind it."""

    edges: Edges = field(default_factory=lambda: _NO_EDGES)
    first: int = 0
    last: int = 0


def score(
    remote: RemoteRunner,
    trunk: Sequence[int],
    branches: Sequence[Branch],
    interventions: Sequence[Intervention] = (),
    *,
    pack: bool = True,
) -> list[BranchScore]:
    """Log-probabilities of the tokens of every (checked) branch; raises as `models.local.scoring.dispatch.score`."""
    if any(isinstance(item, BlockAttention) for item in interventions):
        remote.need_masks()
    groups = [branches] if pack else [[branch] for branch in branches]
    found: list[BranchScore] = []
    for group in groups:
        plan = trie.plan(trunk, group)
        scores = ScoreTable(int(plan.starts[-1]), plan.sets)
        waiting = list(_passes(remote, plan))
        for index, one in enumerate(waiting):
            _run(remote, trunk, plan.feeds, one, scores, interventions)
            control.current().report(index + 1, len(waiting), "scoring")
        found += dispatch.to_branch_scores(scores, plan.starts, group)
    return found


def _passes(remote: RemoteRunner, plan: trie.PackedPlan) -> Iterator[_Pass]:
    most = min(_NODES, remote.rows())
    edges = plan.trunk_edges
    order = np.argsort(edges.rows, kind="stable")
    edges = Edges(edges.rows[order], edges.targets[order], edges.slots[order])
    bounds = list(trie.chunks(plan.feeds, lambda prefix: most))
    rows = np.unique(edges.rows)
    # What is read off the trunk goes with the first branches where both fit: one job less.
    if bounds and len(rows) + trie.size(plan.feeds, *bounds[0]) <= most:
        yield _Pass(edges, *bounds[0])
        bounds, rows = bounds[1:], rows[:0]
    for start in range(0, len(rows), most):
        low, high = np.searchsorted(edges.rows, [rows[start], rows[min(len(rows), start + most) - 1] + 1])
        yield _Pass(Edges(edges.rows[low:high], edges.targets[low:high], edges.slots[low:high]))
    for first, last in bounds:
        yield _Pass(_NO_EDGES, first, last)


def _run(
    remote: RemoteRunner,
    trunk: Sequence[int],
    feeds: TokenRows,
    one: _Pass,
    scores: ScoreTable,
    interventions: Sequence[Intervention],
) -> None:
    """One job, in halves where the server's memory runs out."""
    try:
        _job(remote, trunk, feeds, one, scores, interventions)
    except OutOfMemory:
        if one.last - one.first < 2:
            raise
        middle = (one.first + one.last) // 2
        # What is read off the trunk goes with one half only, or it would be entered twice.
        for half in (_Pass(one.edges, one.first, middle), _Pass(_NO_EDGES, middle, one.last)):
            _run(remote, trunk, feeds, half, scores, interventions)


def _job(
    remote: RemoteRunner,
    trunk: Sequence[int],
    feeds: TokenRows,
    one: _Pass,
    scores: ScoreTable,
    interventions: Sequence[Intervention],
) -> None:
    reach = int(one.edges.rows.max(initial=-1)) + 1
    edges, masks = one.edges, None
    ids, at = np.asarray(trunk[:reach], np.int64), np.arange(reach)
    if one.last > one.first:
        chunk = trie.chunk(feeds, one.first, one.last)
        reach, n = max(reach, chunk.width), len(chunk.token_ids)
        ids = np.concatenate([np.asarray(trunk[:reach], np.int64), chunk.token_ids])
        at = np.concatenate([np.arange(reach), chunk.positions])
        edges = Edges(*(np.concatenate(pair) for pair in _pairs(one.edges, chunk.edges, reach)))
        if remote.obeys_masks:
            before = torch.nn.functional.pad(causal(reach, 0, remote.device), (0, n))
            visible = torch.cat([before, seen_by_nodes(chunk, 0, n, reach, remote.device)])
            masks = remote.masks(visible, at, at, interventions)
    # Each row of logits is kept once, whoever reads it; from here on rows count those that are kept.
    kept, rows = np.unique(edges.rows, return_inverse=True)
    order = np.argsort(rows, kind="stable")
    edges = Edges(rows[order], edges.targets[order], edges.slots[order])
    tokens, sets = (Edges(*(part[which] for part in vars(edges).values())) for which in _kinds(edges.targets))
    ask = {"rows": torch.from_numpy(tokens.rows), "targets": torch.from_numpy(tokens.targets), "top": 2}
    if len(sets.rows):
        ask |= _about_sets(sets, scores, remote.layout.vocabulary)
    given = at if masks is not None else None
    found = remote.logits(remote.tensor(ids), given, kept, ask, masks, interventions)
    logprobs, best, values, bad, *summed = (part.numpy() for part in found)
    check_finite(torch.from_numpy(np.where(bad, np.nan, 0)), at[kept])
    scores.enter(tokens.slots, tokens.targets, logprobs, best[tokens.rows], values[tokens.rows])
    if summed:
        totals, beside, beside_ids = summed
        scores.enter_sets(sets.slots, totals, beside, beside_ids, best[sets.rows, 0])


def _kinds(targets: Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which targets are tokens, and which are sets."""
    return targets >= 0, targets < 0


def _about_sets(edges: Edges, scores: ScoreTable, vocabulary: int) -> dict[str, torch.Tensor]:
    """The part of a question that is about sets: a row of flags per set, and which of them each row sums."""
    named, which = np.unique(edges.targets, return_inverse=True)
    flags = [scores.flags(int(code), vocabulary) for code in named]
    return {
        "members": torch.stack([member for member, _ in flags]),
        "rivals": torch.stack([rival for _, rival in flags]),
        "set_rows": torch.from_numpy(edges.rows),
        "set_of": torch.from_numpy(which),
    }


def _pairs(trunk: Edges, nodes: Edges, reach: int) -> tuple[tuple[Ints, Ints], ...]:
    return (trunk.rows, nodes.rows + reach), (trunk.targets, nodes.targets), (trunk.slots, nodes.slots)
