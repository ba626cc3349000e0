"""The fast path: the trunk is run once, then many branches at a time behind its cache, packed into a few sequences.

Equal to one pass per branch up to rounding (`check` tries that on the loaded model): each node sees the trunk before
its prefix minus what is hidden from it, and its own ancestors; positions are explicit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models.architecture.logits import ScoreTable
from cotlens.models.architecture.masks import Masks, stacked
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.local import budget
from cotlens.models.local.caches import has_capacity, preallocated, rewound
from cotlens.models.local.engine import Engine
from cotlens.models.local.incremental import pieces
from cotlens.models.local.passes import memory_errors
from cotlens.models.local.scoring import from_layer, trie
from cotlens.models.local.scoring.from_layer import Beginning
from cotlens.models.local.scoring.token_rows import Ints, TokenRows
from cotlens.models.local.scoring.trie import Chunk
from cotlens.models.local.scoring.trunk import prefill

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.contract import Branch
    from cotlens.models.contract.interventions import Intervention

Rows = tuple[int, int]


def score(
    engine: Engine,
    trunk: Sequence[int],
    branches: Sequence[Branch],
    interventions: Sequence[Intervention] = (),
    sites: Sequence[str] = (),
    beginning: Beginning | None = None,
) -> tuple[ScoreTable, Ints]:
    """Score checked branches.

    Args:
        beginning: the layer at which all of them begin, see `from_layer`; None for the first.

    Returns:
        flat scores, and int64 [branches + 1] where each branch's entries start.

    Raises:
        OutOfMemory: not even one branch, or a short stretch of the trunk, fits.
        Cancelled: between two passes.
    """
    last = engine.layout.n_layers - 1
    plan = trie.plan(trunk, branches, scattered=beginning is not None and beginning.layer >= last)
    scores = ScoreTable(int(plan.starts[-1]), plan.sets, sites)
    reach = plan.prefill
    if not _in_activations(interventions):  # what they do to later tokens could leak: masked NaN is still NaN
        reach = budget.reach(engine, reach, len(trunk))
    total = reach + int((np.diff(plan.feeds.begin) - plan.feeds.shared).sum())
    cache = prefill(engine, trunk[:reach], plan.trunk_edges, scores, interventions, total)
    late = None
    if beginning is not None:
        late = Late(beginning, from_layer.streams(engine, trunk, [beginning.layer])[beginning.layer])
    done, buffer = reach, _CacheBuffer(cache)
    # Rows are sorted by prefix: backwards, every pass needs at most as much of the trunk as the one before, whose nodes
    # it may write over.
    for sequences in reversed(list(_passes(engine, cache, plan.feeds, interventions, beginning))):
        done += _run(engine, buffer, plan.feeds, sequences, scores, interventions, late)
        control.current().report(done, total, "scoring")
    return scores, plan.starts


def _passes(
    engine: Engine,
    cache: Any,
    feeds: TokenRows,
    interventions: Sequence[Intervention],
    beginning: Beginning | None,
) -> Iterator[list[Rows]]:
    """Which rows go into one pass, and which of them into one sequence; all sequences stand behind the same trunk.

    Nodes see few of the others, so several short sequences waste less attention than one long one. Interventions that
    change activations name rows of one sequence, so with them there is one sequence.
    """
    traced = any(feeds.changes) and not (beginning and beginning.patched)
    one = len(_in_activations(interventions)) > 0 or traced
    found: list[Rows] = []
    longest = 0
    for rows in trie.chunks(
        feeds, lambda prefix: budget.nodes(engine, prefix) if one else budget.sequence_tokens(engine, prefix)
    ):
        prefix, size = int(feeds.prefix[rows[1] - 1]), trie.size(feeds, *rows)
        longest = max(longest, size)
        full = (len(found) + 1) * longest > budget.nodes(engine, prefix)
        if found and (one or full or len(found) == budget.sequences(engine, cache, prefix)):
            yield found
            found, longest = [], size
        found.append(rows)
    if found:
        yield found


class _CacheBuffer:
    """A cache for the trunk and the nodes of every sequence, filled once, for passes over less and less.

    A pass writes its nodes behind the trunk it needs, over what only the passes before it needed.
    """

    def __init__(self, trunk: Any) -> None:
        self._trunk = trunk
        self._cache: Any = None
        self._clean = 0

    def behind(self, width: int, sequences: int, n: int) -> Any:
        """A cache of `width` trunk tokens in each sequence, that may grow by `n` tokens."""
        if self._cache is None or width > self._clean or not has_capacity(self._cache, sequences, width + n):
            self._cache = None  # freed before another is made
            self._cache = preallocated(self._trunk, width, sequences, width + n)
        self._clean = width
        return rewound(self._cache, width, sequences)


@dataclass(frozen=True)
class Late:
    """Where a pass begins, and the trunk's stream before that layer, [tokens, d_model]."""

    where: Beginning
    stream: Tensor

    def before(self, sequences: Sequence[Chunk], start: int, stop: int) -> tuple[int, Tensor]:
        """The layer, and the stream of the nodes [start, stop) before it, [sequences, nodes, d_model]."""
        each = [from_layer.stream_of(one, start, stop, self.stream, self.where.patched) for one in sequences]
        return self.where.layer, torch.cat(each)


def _in_activations(interventions: Sequence[Intervention]) -> list[Intervention]:
    return [item for item in interventions if not isinstance(item, BlockAttention)]


def _run(
    engine: Engine,
    buffer: _CacheBuffer,
    feeds: TokenRows,
    sequences: list[Rows],
    scores: ScoreTable,
    interventions: Sequence[Intervention],
    late: Late | None,
) -> int:
    """Score rows, in halves where memory runs out. Returns the number of nodes that were run."""
    chunks = [trie.chunk(feeds, *rows) for rows in sequences]
    try:
        _pass(engine, buffer, chunks, scores, interventions, late)
    except OutOfMemory as error:
        halves = _halves(sequences)
        if halves is None:
            raise OutOfMemory(
                f"A branch of {len(chunks[0].token_ids)} tokens after {chunks[0].width} others did not fit into memory "
                "on its own; use a shorter trace, a smaller model or a device with more memory."
            ) from error
        return sum(_run(engine, buffer, feeds, half, scores, interventions, late) for half in halves)
    return sum(len(chunk.token_ids) for chunk in chunks)


def _halves(sequences: list[Rows]) -> tuple[list[Rows], list[Rows]] | None:
    """Half of the sequences each, or half of the rows of the only one; None for a single row."""
    if len(sequences) > 1:
        return sequences[: len(sequences) // 2], sequences[len(sequences) // 2 :]
    first, last = sequences[0]
    middle = (first + last) // 2
    return ([(first, middle)], [(middle, last)]) if last - first > 1 else None


def _pass(
    engine: Engine,
    buffer: _CacheBuffer,
    chunks: list[Chunk],
    scores: ScoreTable,
    interventions: Sequence[Intervention],
    late: Late | None,
) -> None:
    """Run and score chunks, one sequence each. One long branch goes in pieces: a cancel never waits for all of it."""
    n, width = max(len(chunk.token_ids) for chunk in chunks), max(chunk.width for chunk in chunks)
    sequences = [padded(chunk, n) for chunk in chunks]
    positions = np.stack([sequence.positions for sequence in sequences])
    with memory_errors(len(sequences), n, engine.device):
        extended = buffer.behind(width, len(sequences), n)
    for start, stop in pieces(engine, n, budget.stretch(engine, width) if len(sequences) == 1 else n):
        at = positions[:, start:stop]
        edges, wanted = trie.joined_edges([sequence.edges for sequence in sequences], start, stop)
        logits, seen, _ = engine.forward(
            torch.from_numpy(np.stack([sequence.token_ids[start:stop] for sequence in sequences])).to(engine.device),
            at if len(sequences) > 1 else at[0],
            masks=stacked([_masks(engine, sequence, start, stop, width, interventions) for sequence in sequences]),
            cache=extended,
            keep=torch.from_numpy(wanted).to(engine.device),
            interventions=_in_activations(interventions),
            own=_own(sequences[0], start, stop) if len(sequences) == 1 and not (late and late.where.patched) else (),
            sites=scores.sites,
            before=None if late is None else late.before(sequences, start, stop),
        )
        scores.put(logits.flatten(0, 1), edges.rows, edges.targets, edges.slots, at[:, wanted].ravel())
        scores.see({site: one[:, wanted].flatten(0, 1) for site, one in seen.items()}, edges.rows, edges.slots)


def _own(sequence: Chunk, start: int, stop: int) -> list[tuple[Ints, tuple[Intervention, ...]]]:
    """Rows of the nodes [start, stop) whose branches change something for themselves, and what."""
    which = sequence.changes_of[start:stop]
    return [(np.flatnonzero(which == index), sequence.changes[index]) for index in np.unique(which[which >= 0])]


def padded(chunk: Chunk, n: int) -> Chunk:
    """The chunk with nodes added up to `n`, that see only themselves and that nothing sees."""
    more = n - len(chunk.token_ids)
    if not more:
        return chunk
    return replace(
        chunk,
        token_ids=np.pad(chunk.token_ids, (0, more)),
        positions=np.pad(chunk.positions, (0, more), mode="edge"),
        ends=np.concatenate([chunk.ends, np.arange(n - more, n) + 1]),
        limits=np.pad(chunk.limits, (0, more)),
        hidden_of=np.pad(chunk.hidden_of, (0, more), constant_values=-1),
        changes_of=np.pad(chunk.changes_of, (0, more), constant_values=-1),
    )


def _masks(
    engine: Engine, sequence: Chunk, start: int, stop: int, width: int, interventions: Sequence[Intervention]
) -> Masks:
    visible = seen_by_nodes(sequence, start, stop, width, engine.device)
    columns = np.concatenate([np.arange(width), sequence.positions[:stop]])
    return engine.masks(visible, sequence.positions[start:stop], columns, interventions)


def seen_by_nodes(sequence: Chunk, start: int, stop: int, width: int, device: torch.device) -> Tensor:
    """Bool [stop - start, width + stop]: the trunk before a node's limit minus what is hidden, and its ancestors."""
    nodes = torch.arange(stop, device=device)
    limits = torch.from_numpy(sequence.limits[start:stop]).to(device)
    trunk = torch.arange(width, device=device)[None] < limits[:, None]
    if (sequence.hidden_of >= 0).any():
        out = torch.zeros(len(sequence.hidden) + 1, width, dtype=torch.bool)
        for index, hidden in enumerate(sequence.hidden):
            out[index, torch.from_numpy(hidden[hidden < width])] = True
        trunk &= ~out.to(device)[torch.from_numpy(sequence.hidden_of[start:stop]).to(device)]
    ends = torch.from_numpy(sequence.ends[:stop]).to(device)
    own = (nodes[None] <= nodes[start:, None]) & (nodes[start:, None] < ends[None])
    return torch.cat([trunk, own], dim=1)
