"""Rows of tokens to feed, of which a trie is made; see `trie`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from cotlens.models.contract import Intervention
from cotlens.models.contract.interventions import covers

Ints = NDArray[np.int64]
Tokens = tuple[int, ...]
Wanted = list[tuple[int, int, int]]  # column of the fed token that predicts it, target, slot
Changes = tuple[Intervention, ...]
# prefix, hidden, left out, number of its interventions, fed, refed, positions of the fed, wants
Row = tuple[int, Tokens, Tokens, int, Tokens, int, Tokens, Wanted]


@dataclass(frozen=True)
class TokenRows:
    """Sorted rows of tokens to feed, stored flat. All arrays have one entry per row unless said otherwise.

    Args:
        prefix: trunk length before the branch.
        refed: trunk position that is fed again as the first token, -1 for none.
        group: index of (prefix, hidden, left out, interventions, whether one is fed again).
        begin: [rows + 1], the row's tokens in `tokens`.
        shared: leading tokens in common with the row before.
        tokens, positions: [total], what is fed, and where it stands.
        limits: [total], trunk columns from here on are out of sight.
        wanted: [rows + 1], the row's predictions in `columns`, `targets` and `slots`.
        columns, targets, slots: which token of its row predicts which target, and the entry for it.
        hidden: per group, hidden trunk positions.
        changes: per group, the interventions of its branches.
    """

    prefix: Ints
    refed: Ints
    group: Ints
    begin: Ints
    shared: Ints
    tokens: Ints
    positions: Ints
    limits: Ints
    wanted: Ints
    columns: Ints
    targets: Ints
    slots: Ints
    hidden: list[Ints]
    changes: list[Changes]

    def __len__(self) -> int:
        return len(self.prefix)


def scattered_row(row: Row, changes: Changes) -> Row:
    """Of a row only the tokens that are changed or asked, which stand in the trunk a second time, out of sight."""
    _, _, left_out, change, fed, refed, at, wants = row
    needed = np.isin(np.arange(len(fed)), [column for column, *_ in wants])
    for item in changes:
        needed |= covers(item.positions, np.asarray(at, np.int64))  # type: ignore[attr-defined]
    kept = np.flatnonzero(needed)
    places = tuple(at[column] for column in kept)
    wants = [(int(np.searchsorted(kept, column)), target, slot) for column, target, slot in wants]
    return places[-1], places, left_out, change, tuple(fed[column] for column in kept), refed, places, wants


def token_rows(rows: list[Row], changes: list[Changes], scattered: bool) -> TokenRows:
    """Rows, sorted, stored flat; what is `scattered` sees all of the trunk before itself that isn't fed again."""

    def column(values: Iterator[int]) -> Ints:
        return np.fromiter(values, np.int64, len(rows))

    begin = np.concatenate([[0], np.cumsum(column(len(row[4]) for row in rows))])
    wanted = np.concatenate([[0], np.cumsum(column(len(row[7]) for row in rows))])
    tokens = np.fromiter(chain.from_iterable(row[4] for row in rows), np.int64, int(begin[-1]))
    positions = np.fromiter(chain.from_iterable(row[6] for row in rows), np.int64, int(begin[-1]))
    wants = np.array([want for row in rows for want in row[7]], dtype=np.int64).reshape(-1, 3)
    prefix, refed = column(row[0] for row in rows), column(row[5] for row in rows)
    groups: dict[tuple[int, Tokens, Tokens, int, bool], int] = {}
    group = column(groups.setdefault((*row[:4], row[5] < 0), len(groups)) for row in rows)
    return TokenRows(
        prefix=prefix,
        refed=refed,
        group=group,
        begin=begin,
        shared=_shared(tokens, begin, group),
        tokens=tokens,
        positions=positions,
        limits=positions if scattered else np.repeat(np.where(refed < 0, prefix, refed), np.diff(begin)),
        wanted=wanted,
        columns=wants[:, 0],
        targets=wants[:, 1],
        slots=wants[:, 2],
        hidden=[np.asarray(key[1], dtype=np.int64) for key in groups],
        changes=[changes[key[3]] for key in groups],
    )


def _shared(tokens: Ints, begin: Ints, group: Ints) -> Ints:
    """Length of the common beginning of each row with the row before; 0 across groups."""
    n = len(group)
    shared = np.zeros(n, np.int64)
    if n < 2:
        return shared
    length = np.diff(begin)
    both = np.where(group[1:] == group[:-1], np.minimum(length[1:], length[:-1]), 0)
    column = ragged(both)
    differs = np.repeat(begin[1:-1], both) + column
    differs = tokens[differs] != tokens[np.repeat(begin[:-2], both) + column]
    # Per compared token: its column where the two rows differ, else the length of the comparison; the least of these is
    # how many leading tokens are the same.
    first = np.where(differs, column, np.repeat(both, both))
    filled = np.flatnonzero(both)
    if len(filled):
        edges = np.concatenate([[0], np.cumsum(both)])[:-1]
        shared[filled + 1] = np.minimum.reduceat(first, edges[filled])
    return shared


def ragged(lengths: Ints) -> Ints:
    """0 .. n-1 for every n of `lengths`, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
