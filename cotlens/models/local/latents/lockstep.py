"""One thought run many times in lockstep, each time with other vectors in place of some of its latents.

The thought as it is recorded is run once, all positions at a time. A row joins at the first latent that it replaces,
behind a copy of what stands before; from there on all rows take a step together. So however many steps, modes and
donors are asked about, they cost a pass over one position for every latent, and one over the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cotlens._core import control
from cotlens.models.architecture.logits import ScoreTable
from cotlens.models.architecture.masks import stacked
from cotlens.models.contract.latents import Begun, LatentFormat, LatentRow, LatentRun, check_rows
from cotlens.models.contract.validation import check_branches
from cotlens.models.local import budget
from cotlens.models.local.caches import view
from cotlens.models.local.latents.loop import embedded, run, taken
from cotlens.models.local.scoring import trie
from cotlens.models.local.scoring.dispatch import to_branch_scores
from cotlens.models.local.scoring.packed import padded, seen_by_nodes
from cotlens.models.whitebox.decoding import logits_after_norm

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import DynamicCache

    from cotlens.models.local.engine import Engine
    from cotlens.models.local.scoring.token_rows import TokenRows
    from cotlens.trace import Trace


@dataclass(frozen=True, eq=False)
class _Base:
    """The thought as it is recorded: what its positions read and say, and the cache behind them."""

    inputs: Tensor  # [n, d_model]
    hidden: Tensor  # [n, d_model]
    cache: Any
    places: tuple[int, ...]
    latents: Tensor  # [k, d_model]


def think(engine: Engine, form: LatentFormat, trace: Trace, rows: Sequence[LatentRow]) -> list[LatentRun]:
    """What comes of each row; see `contract.LatentRow`.

    Raises:
        InputError: a row can't be run on this trace.
        OutOfMemory: not even a few rows fit.
        Cancelled: between two steps.
    """
    check_rows(trace, rows, engine.layout.vocabulary)
    end = max([int(trace.latent_tokens[-1]) + 1, *(branch.prefix for row in rows for branch in row.branches)])
    ids = trace.token_ids[:end]
    check_branches(engine, ids, [branch for row in rows for branch in row.branches])
    text = Begun(ids, trace.latent_tokens, form.inputs(trace.latents), 0)
    hidden, cache = run(engine, text)
    latents = torch.tensor(trace.latents, device=engine.device)
    base = _Base(embedded(engine, text)[0], hidden[0], cache, tuple(trace.latent_tokens.tolist()), latents)
    order = sorted(range(len(rows)), key=lambda i: min(rows[i].replaced, default=len(latents)))
    found: dict[int, LatentRun] = {}
    step = _rows_at_once(engine, cache, end)
    for start in range(0, len(order), step):
        part = order[start : start + step]
        found.update(zip(part, _block(engine, form, ids, base, [rows[i] for i in part]), strict=True))
        control.current().report(start + len(part), len(rows), "thinking")
    return [found[index] for index in range(len(rows))]


def _rows_at_once(engine: Engine, cache: Any, end: int) -> int:
    """How many rows' keys and values fit into a share of what one pass may take: they are copied as they grow."""
    token = sum(p[:1, :, :1].numel() * p.element_size() for layer in cache.layers for p in (layer.keys, layer.values))
    return max(8, int(budget.available(engine) // (4 * max(1, token) * end)))


def _block(
    engine: Engine, form: LatentFormat, ids: Sequence[int], base: _Base, rows: Sequence[LatentRow]
) -> list[LatentRun]:
    """Rows in the order in which they join."""
    n, k = len(ids), len(base.latents)
    latents = base.latents[None].repeat(len(rows), 1, 1)
    hidden = base.hidden[None].repeat(len(rows), 1, 1)
    firsts = [min(row.replaced, default=k) for row in rows]
    joined, cache = 0, None
    steps = {place: step for step, place in enumerate(base.places)}
    begin = base.places[firsts[0]] if firsts and firsts[0] < k else n
    for at in range(begin, n):
        control.current().check()
        more = sum(first <= steps[at] for first in firsts) if at in steps else joined
        cache, joined = _joining(base.cache, cache, at, more - joined), more
        inputs = base.inputs[at][None].expand(joined, -1)
        if at in steps:
            said = torch.from_numpy(taken(engine, form, hidden[:joined, at - 1]))
            _next(latents[:joined], rows, steps[at], said.to(engine.device), firsts)
            given = form.inputs(latents[:joined, steps[at]].cpu().numpy())
            inputs = torch.from_numpy(given).to(engine.device)
        where = np.array([at])
        hidden[:joined, at] = engine.hidden(inputs[:, None], where, engine.causal(where, at), cache)[:, 0]
    behind = _joining(base.cache, cache, n, len(rows) - joined)
    return _scored(engine, ids, rows, latents, hidden, behind)


def _next(latents: Tensor, rows: Sequence[LatentRow], step: int, said: Tensor, firsts: Sequence[int]) -> None:
    """Enter latent `step` of the rows that have joined: what was put in its place, what came, or what is held."""
    for index in range(len(latents)):
        row = rows[index]
        if step in row.replaced:
            latents[index, step] = torch.tensor(row.replaced[step]).to(latents.device)
        elif row.effect == "total" and step > firsts[index]:
            latents[index, step] = said[index]


def _joining(base: DynamicCache, cache: DynamicCache | None, length: int, more: int) -> DynamicCache:
    """The cache of the rows so far with `more` rows that are as the base was, up to token `length`."""
    found = view(base, length)
    for place, layer in enumerate(found.layers):
        for name in ("keys", "values"):
            new = getattr(layer, name).expand(more, -1, -1, -1)
            old = [] if cache is None else [getattr(cache.layers[place], name)]
            setattr(layer, name, torch.cat([*old, new]) if more or not old else old[0])
    return found


def _scored(
    engine: Engine,
    ids: Sequence[int],
    rows: Sequence[LatentRow],
    latents: Tensor,
    hidden: Tensor,
    cache: DynamicCache,
) -> list[LatentRun]:
    branches = [branch for row in rows for branch in row.branches]
    starts, wanted = trie.starts_of(branches), trie.ScoreTargets()
    plans, slot, done = [], [], 0
    for row in rows:
        plans.append(trie.plan(ids, row.branches, wanted))
        slot.append(int(starts[done]))
        done += len(row.branches)
    table = ScoreTable(int(starts[-1]), wanted.sets)
    for index, plan in enumerate(plans):  # what the thought's own last position says of the first token behind it
        edges = plan.trunk_edges
        if len(edges.rows):
            at, where = np.unique(edges.rows, return_inverse=True)
            said = hidden[index, torch.from_numpy(at).to(hidden.device)].float().cpu().numpy()
            table.put(logits_after_norm(engine, said), where, edges.targets, edges.slots + slot[index], at)
    _fed(engine, [(i, plan.feeds, slot[i]) for i, plan in enumerate(plans) if len(plan.feeds)], cache, table)
    scores = iter(to_branch_scores(table, starts, branches))
    told = latents.cpu().numpy()
    return [LatentRun(told[i], [next(scores) for _ in row.branches]) for i, row in enumerate(rows)]


def _fed(engine: Engine, feeds: Sequence[tuple[int, TokenRows, int]], cache: DynamicCache, table: ScoreTable) -> None:
    """Score what has tokens to feed: a sequence for each row, as many in a pass as fit."""
    chunks = [(index, trie.chunk(rows, 0, len(rows)), slot) for index, rows, slot in feeds]
    chunks.sort(key=lambda one: len(one[1].token_ids))
    width = cache.layers[0].keys.shape[2]
    while chunks:
        longest = len(chunks[-1][1].token_ids)
        part = [chunks.pop() for _ in range(min(len(chunks), max(1, budget.nodes(engine, width) // longest)))]
        _pass(engine, part, longest, width, cache, table)


def _pass(
    engine: Engine,
    part: Sequence[tuple[int, trie.Chunk, int]],
    n: int,
    width: int,
    cache: DynamicCache,
    table: ScoreTable,
) -> None:
    control.current().check()
    sequences = [padded(chunk, n) for _, chunk, _ in part]
    positions = np.stack([one.positions for one in sequences])
    masks = [
        engine.masks(
            seen_by_nodes(one, 0, n, width, engine.device),
            one.positions,
            np.concatenate([np.arange(width), one.positions]),
        )
        for one in sequences
    ]
    edges, wanted = trie.joined_edges(
        [
            trie.Edges(one.edges.rows, one.edges.targets, one.edges.slots + slot)
            for one, (_, _, slot) in zip(sequences, part, strict=True)
        ],
        0,
        n,
    )
    logits, _, _ = engine.forward(
        torch.from_numpy(np.stack([one.token_ids for one in sequences])).to(engine.device),
        positions if len(sequences) > 1 else positions[0],
        masks=stacked(masks),
        cache=_rows_of(cache, [index for index, _, _ in part]),
        keep=torch.from_numpy(wanted).to(engine.device),
    )
    table.put(logits.flatten(0, 1), edges.rows, edges.targets, edges.slots, positions[:, wanted].ravel())


def _rows_of(cache: DynamicCache, rows: Sequence[int]) -> DynamicCache:
    """A cache of some rows, that may be extended."""
    found = view(cache, cache.layers[0].keys.shape[2])
    chosen = torch.tensor(rows, device=found.layers[0].keys.device)
    for layer in found.layers:
        layer.keys, layer.values = layer.keys[chosen], layer.values[chosen]
    return found
