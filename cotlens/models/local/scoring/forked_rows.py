"""Which tokens forked scoring feeds after the trunk: branches of one prefix share a stem where that pays.

A branch that is the beginning of another is read off that one's pass. Branches that part late, as the ways in which a
value may end, are fed what they share once, and go on from copies of the state there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from cotlens.models.local.scoring.forked_trunk import NONE, Row, Tail
from cotlens.models.local.scoring.token_rows import Ints, TokenRows
from cotlens.models.local.scoring.trie import Edges

NOTHING = Edges(NONE, NONE, NONE)
_SHORTEST = 4  # a stem is a pass of its own


def rows_of(feeds: TokenRows, *, stems: bool) -> list[Row]:
    """The rows to feed, sorted by prefix."""
    found: list[Row] = []
    for (prefix, of), group in groupby(sorted(_tails(feeds), key=lambda pair: pair[0]), lambda pair: pair[0]):
        tails, hidden = [tail for _, tail in group], feeds.hidden[of]
        shared = min((_shared(tails[0].tokens, tail.tokens) for tail in tails[1:]), default=0)
        if stems and shared >= _SHORTEST:
            found.append(_split(prefix, tails, shared, hidden))
        else:
            found += [Row(prefix, tail, hidden=hidden) for tail in tails]
    return found


def _tails(feeds: TokenRows) -> list[tuple[tuple[int, int], Tail]]:
    """((prefix, group), tokens to feed), sorted, without those that are the beginning of the next."""
    found: list[tuple[tuple[int, int], Tail]] = []
    for i, (begin, end) in enumerate(zip(feeds.begin[:-1].tolist(), feeds.begin[1:].tolist(), strict=True)):
        mine = slice(int(feeds.wanted[i]), int(feeds.wanted[i + 1]))
        edges = Edges(feeds.columns[mine], feeds.targets[mine], feeds.slots[mine])
        if found and int(feeds.shared[i]) == len(found[-1][1].tokens):
            edges = joined([found.pop()[1].edges, edges])
        tail = Tail(feeds.tokens[begin:end], feeds.positions[begin:end], edges)
        prefix = int(feeds.prefix[i]) - (feeds.refed[i] >= 0)  # what is fed again hasn't been taken in there
        found.append(((prefix, int(feeds.group[i])), tail))
    return found


def _split(prefix: int, tails: Sequence[Tail], at: int, hidden: Ints) -> Row:
    """Tails that share `at` tokens as a stem and what goes on from it."""
    stem = joined([_some(tail.edges, tail.edges.rows < at) for tail in tails])
    leaves = [
        Tail(tail.tokens[at:], tail.positions[at:], moved(_some(tail.edges, tail.edges.rows >= at), -at))
        for tail in tails
    ]
    first = Tail(tails[0].tokens[:at], tails[0].positions[:at], stem)
    return Row(prefix, first, tuple(leaf for leaf in leaves if len(leaf.tokens)), hidden)


def joined(parts: Sequence[Edges]) -> Edges:
    """Edges of one sequence in one table."""
    return Edges(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "targets", "slots")))


def moved(edges: Edges, by: int) -> Edges:
    """The same edges with their rows `by` further on."""
    return Edges(edges.rows + by, edges.targets, edges.slots)


def _some(edges: Edges, which: np.ndarray) -> Edges:
    return Edges(edges.rows[which], edges.targets[which], edges.slots[which])


def _shared(one: Ints, other: Ints) -> int:
    n = min(len(one), len(other))
    same = one[:n] == other[:n]
    return n if bool(same.all()) else int(np.argmin(same))
