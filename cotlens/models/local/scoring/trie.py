"""Which tokens a packed pass is made of: a trie of branches, cut into chunks. Numbers only, no model.

Branches that share prefix and hidden positions share the tokens they have in common, as nodes of a trie. A chunk is one
sequence of nodes that follow the cached trunk: each node sees the trunk before its prefix and its own ancestors. Nodes
are numbered depth first, so the ancestors of node n are the nodes m <= n whose subtree ends after n; that makes the
mask two comparisons. A branch's last token needs no node unless it is asked what follows it.

Where only the last layer is run, a token is as it stands in the trunk unless it is changed itself, so that only those
that are, and those that something is asked of, become nodes ("scattered"); they see the rest in the trunk.

A target is a token, or a set of tokens whose probabilities are summed: -1 is the first set of the plan, -2 the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cotlens.models.contract import Branch, TokenSet
from cotlens.models.local.scoring.token_rows import (
    Changes,
    Ints,
    Row,
    TokenRows,
    Wanted,
    ragged,
    scattered_row,
    token_rows,
)


@dataclass(frozen=True)
class Edges:
    """Predictions to read off a pass: row `rows[i]` predicts `targets[i]`, which belongs into entry `slots[i]`."""

    rows: Ints
    targets: Ints
    slots: Ints


@dataclass(frozen=True)
class Chunk:
    """One sequence of a packed pass: n nodes.

    Args:
        token_ids, positions: int64 [n].
        ends: int64 [n], first node after the subtree of each node.
        limits: int64 [n], trunk columns from here on are out of sight.
        hidden: the distinct sets of hidden trunk positions in this chunk.
        hidden_of: int64 [n], index into `hidden` per node, -1 for none.
        changes: what branches of this chunk change for themselves, as sets of interventions.
        changes_of: int64 [n], index into `changes` per node, -1 for none.
        edges: rows are nodes.
    """

    token_ids: Ints
    positions: Ints
    ends: Ints
    limits: Ints
    hidden: list[Ints]
    hidden_of: Ints
    changes: list[Changes]
    changes_of: Ints
    edges: Edges

    @property
    def width(self) -> int:
        """How many trunk columns any node sees."""
        return int(self.limits.max(initial=0))


@dataclass(frozen=True)
class PackedPlan:
    """All that is to be computed for a set of branches.

    Args:
        starts: int64 [branches + 1], each branch's entries in the flat table of scores: its tokens, then its sets.
        prefill: trunk tokens that have to be run.
        trunk_edges: first tokens of branches without hidden positions; rows are trunk positions.
        feeds: the branches that need nodes, sorted; cut them with `chunks`.
        sets: those that negative targets name.
    """

    starts: Ints
    prefill: int
    trunk_edges: Edges
    feeds: TokenRows
    sets: list[TokenSet]


def seen_from(prefix: int, hidden: Sequence[int]) -> tuple[Ints, int]:
    """Hidden positions before `prefix`, sorted, and the last position before it that isn't hidden (-1 if none)."""
    out = np.unique(np.asarray([h for h in hidden if h < prefix], dtype=np.int64))
    last = prefix - 1
    for position in out[::-1]:
        if position != last:
            break
        last -= 1
    return out, last


def starts_of(branches: Sequence[Branch]) -> Ints:
    """Where each branch's entries begin in a flat table, and where the last one's end; int64 [branches + 1]."""
    lengths = np.fromiter((branch.entries for branch in branches), np.int64, len(branches))
    return np.concatenate([[0], np.cumsum(lengths)])


class ScoreTargets:
    """What branches ask for, as targets, with the sets they name on the way."""

    def __init__(self) -> None:
        self.sets: list[TokenSet] = []
        self._codes: dict[int, int] = {}

    def of(self, branch: Branch, start: int) -> Wanted:
        """(index in the branch, target, slot) of everything asked of a branch whose entries begin at `start`."""
        n = len(branch.token_ids)
        tokens = [(i, branch.token_ids[i], start + i) for i in range(branch.given, n)]
        return tokens + [(i, self._code(one), start + n + j) for j, (i, one) in enumerate(branch.sets)]

    def _code(self, one: TokenSet) -> int:
        if id(one) not in self._codes:
            self.sets.append(one)
            self._codes[id(one)] = -len(self.sets)
        return self._codes[id(one)]


def plan(
    trunk: Sequence[int], branches: Sequence[Branch], wanted: ScoreTargets | None = None, scattered: bool = False
) -> PackedPlan:
    """Lay out `branches` (already checked) over `trunk`; with `wanted`, that of other plans of one table.

    Args:
        scattered: whether they go on with the very tokens of the trunk and are run through the last layer alone, so
            that only what is changed or asked for has to be fed.
    """
    starts, wanted = starts_of(branches), ScoreTargets() if wanted is None else wanted
    roots: list[tuple[int, int, int]] = []
    rows: list[Row] = []
    sight: dict[tuple[int, tuple[int, ...]], tuple[Ints, int]] = {}
    changed: dict[Changes, int] = {(): 0}
    for branch, start in zip(branches, starts.tolist(), strict=False):
        asked = wanted.of(branch, start)
        if not asked:
            continue
        tokens, indices = branch.token_ids, [index for index, *_ in asked]
        first, end = min(indices), max(indices)
        hidden, last = _hidden_before(branch, sight)
        change = changed.setdefault(branch.changes, len(changed)) if branch.interventions else 0
        where = (branch.prefix, tuple(hidden.tolist()), branch.left_out, change)
        at = tuple(branch.positions[:end])
        # Its first token would be predicted by the trunk token before it, which saw the hidden positions: the last one
        # that isn't hidden is run again behind them.
        if len(hidden) and not first:
            rows.append((*where, (trunk[last], *tokens[:end]), last, (last, *at), asked))
            continue
        roots += [(branch.prefix - 1, target, slot) for index, target, slot in asked if not index]
        if fed := tokens[:end]:
            later = [(index - 1, target, slot) for index, target, slot in asked if index]
            row = (*where, fed, -1, at, later)
            rows.append(scattered_row(row, branch.changes) if scattered else row)
    # Sorted, rows with a common beginning stand side by side, so a trie needs only each row's overlap with the one
    # before.
    rows.sort(key=lambda row: row[:6])
    root = np.asarray(roots, dtype=np.int64).reshape(-1, 3)
    feeds = token_rows(rows, list(changed), scattered)
    reach = max(int(root[:, 0].max(initial=-1)) + 1, int(feeds.prefix.max(initial=0)))
    return PackedPlan(starts, reach, Edges(root[:, 0], root[:, 1], root[:, 2]), feeds, wanted.sets)


def _hidden_before(branch: Branch, known: dict[tuple[int, tuple[int, ...]], tuple[Ints, int]]) -> tuple[Ints, int]:
    if not branch.hidden:
        return np.empty(0, np.int64), branch.prefix - 1
    key = (branch.prefix, branch.hidden)
    if key not in known:
        known[key] = seen_from(branch.prefix, branch.hidden)
    return known[key]


def chunks(feeds: TokenRows, capacity: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    """Cut rows into [first, last) so that each has at most `capacity(prefix)` nodes, but at least one row."""
    length = np.diff(feeds.begin)
    total = np.cumsum(length - feeds.shared)
    first = 0
    while first < len(feeds):
        before = total[first] - length[first]
        last = first + 1
        most = capacity(int(feeds.prefix[first]))
        for _ in range(2):  # the rows further on may see more trunk and so leave less capacity
            last = max(first + 1, int(np.searchsorted(total, before + most, side="right")))
            most = min(most, capacity(int(feeds.prefix[last - 1])))
        yield first, last
        first = last


def size(feeds: TokenRows, first: int, last: int) -> int:
    """How many nodes the sequence of rows [first, last) has."""
    length = int(feeds.begin[last] - feeds.begin[first])
    return length - int(feeds.shared[first + 1 : last].sum())


def chunk(feeds: TokenRows, first: int, last: int) -> Chunk:
    """The sequence of rows [first, last)."""
    length = np.diff(feeds.begin)[first:last]
    shared = feeds.shared[first:last].copy()
    shared[0] = 0
    fresh = length - shared
    start = np.concatenate([[0], np.cumsum(fresh)])
    row = np.repeat(np.arange(last - first), fresh)
    column = shared[row] + ragged(fresh)
    flat = feeds.begin[first:last][row] + column
    group = feeds.group[first:last]
    with_hidden = np.asarray([len(feeds.hidden[g]) > 0 for g in group], dtype=bool)
    with_changes = np.asarray([len(feeds.changes[g]) > 0 for g in group], dtype=bool)
    distinct, index = np.unique(group, return_inverse=True)
    return Chunk(
        token_ids=feeds.tokens[flat],
        positions=feeds.positions[flat],
        ends=_ends(shared, start, int(length.max()))[row, column],
        limits=feeds.limits[flat],
        hidden=[feeds.hidden[g] for g in distinct],
        hidden_of=np.where(with_hidden, index, -1)[row],
        changes=[feeds.changes[g] for g in distinct],
        changes_of=np.where(with_changes, index, -1)[row],
        edges=_edges(feeds, first, last, _nodes(shared, fresh, start, int(length.max()))),
    )


def _ends(shared: Ints, start: Ints, width: int) -> Ints:
    """Per (row, column): the first node of the next row that parts from it at or before that column."""
    nodes = int(start[-1])
    # A row that shares `s` tokens with the one before has nodes of its own from column s on, so there it ends the
    # subtrees of all rows before it.
    parts = np.where(shared[:, None] <= np.arange(width), start[:-1, None], nodes)
    later = np.minimum.accumulate(parts[::-1], axis=0)[::-1]
    return np.concatenate([later[1:], np.full((1, width), nodes)])


def _nodes(shared: Ints, fresh: Ints, start: Ints, width: int) -> Ints:
    """Per (row, column): the node that stands for it; shared ones are found in the rows before."""
    columns = np.arange(width)
    # A running maximum down the rows carries a shared node from the row that owns it to those that go through it: node
    # numbers rise with the rows.
    own = (columns >= shared[:, None]) & (columns < (shared + fresh)[:, None])
    return np.maximum.accumulate(np.where(own, start[:-1, None] + columns - shared[:, None], -1), axis=0)


def _edges(feeds: TokenRows, first: int, last: int, nodes: Ints) -> Edges:
    mine = slice(int(feeds.wanted[first]), int(feeds.wanted[last]))
    row = np.repeat(np.arange(last - first), np.diff(feeds.wanted[first : last + 1]))
    return Edges(nodes[row, feeds.columns[mine]], feeds.targets[mine], feeds.slots[mine])


def joined_edges(sequences: Sequence[Edges], start: int, stop: int) -> tuple[Edges, Ints]:
    """The predictions that nodes [start, stop) of several sequences make.

    Returns:
        edges whose rows are those of [sequences x wanted], flattened; the nodes, from `start`, that are wanted in any.
    """
    mine = [(edges.rows >= start) & (edges.rows < stop) for edges in sequences]
    rows = [edges.rows[keep] - start for edges, keep in zip(sequences, mine, strict=True)]
    wanted = np.unique(np.concatenate(rows))
    return Edges(
        np.concatenate([index * len(wanted) + np.searchsorted(wanted, row) for index, row in enumerate(rows)]),
        np.concatenate([edges.targets[keep] for edges, keep in zip(sequences, mine, strict=True)]),
        np.concatenate([edges.slots[keep] for edges, keep in zip(sequences, mine, strict=True)]),
    ), wanted
