"""Which tokens forked scoring feeds after the trunk: branches of one prefix share a stem where that pays.

A branch that is the beginning of another is read off that one's pass. Branches that part late, as the ways in which a
value may end, are fed what they share once, and go on from copies of the state there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from cotlens.models.local.scoring.forked_trunk import Row, Tail
from cotlens.models.local.scoring.trie import Edges, Ints, TokenRows

NOTHING = Edges(*(np.empty(0, np.int64) for _ in range(3)))
_SHORTEST = 4  # a stem is a pass of its own


def rows_of(feeds: TokenRows, *, stems: bool) -> list[Row]:
    """The rows to feed, sorted by prefix."""
    found: list[Row] = []
    for prefix, group in groupby(_tails(feeds), lambda pair: pair[0]):
        tails = [tail for _, tail in group]
        shared = min((_shared(tails[0].tokens, tail.tokens) for tail in tails[1:]), default=0)
        if stems and shared >= _SHORTEST:
            found.append(_split(prefix, tails, shared))
        else:
            found += [Row(prefix, tail) for tail in tails]
    return found


def _tails(feeds: TokenRows) -> list[tuple[int, Tail]]:
    """(prefix, tokens to feed), sorted, without those that are the beginning of the next."""
    found: list[tuple[int, Tail]] = []
    for i, (begin, end) in enumerate(zip(feeds.begin[:-1].tolist(), feeds.begin[1:].tolist(), strict=True)):
        mine = slice(int(feeds.wanted[i]), int(feeds.wanted[i + 1]))
        edges = Edges(feeds.columns[mine], feeds.targets[mine], feeds.slots[mine])
        if found and int(feeds.shared[i]) == len(found[-1][1].tokens):
            edges = joined([found.pop()[1].edges, edges])
        found.append((int(feeds.prefix[i]), Tail(feeds.tokens[begin:end], edges)))
    return found


def _split(prefix: int, tails: Sequence[Tail], at: int) -> Row:
    """Tails that share `at` tokens as a stem and what goes on from it."""
    stem = joined([_some(tail.edges, tail.edges.rows < at) for tail in tails])
    leaves = [Tail(tail.tokens[at:], moved(_some(tail.edges, tail.edges.rows >= at), -at)) for tail in tails]
    return Row(prefix, Tail(tails[0].tokens[:at], stem), tuple(leaf for leaf in leaves if len(leaf.tokens)))


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
