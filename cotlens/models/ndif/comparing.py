"""How far predictions move when attention is blocked, on a server: an ordinary row and a few blocked ones per job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.errors import Cancelled, OutOfMemory
from cotlens.models.architecture import masks
from cotlens.models.architecture.logits import check_finite
from cotlens.models.contract import Divergence
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.contract.validation import check_sequence
from cotlens.models.ndif.passes import RemoteRunner
from cotlens.models.whitebox.divergence import Floats, check_spans, first_query, means_of_spans

_ROWS = 8  # sequences per job
_PAIRS = 2**26  # pairs of tokens in the masks of a job


def divergence(
    remote: RemoteRunner,
    ids: Sequence[int],
    blocks: Sequence[BlockAttention],
    spans: Sequence[tuple[int, int]],
    temperature: float,
) -> Divergence:
    """Means over the tokens of each span, for each block; raises as `whitebox.divergence.divergence`."""
    check_sequence(remote, ids)
    remote.need_masks()
    check_spans(spans, len(ids))
    starts = [first_query(block) for block in blocks]
    end = max((stop for _, stop in spans), default=0)
    waiting = [i for i in np.argsort(starts, kind="stable").tolist() if starts[i] < end]
    found = np.full((3, len(blocks), len(spans)), np.nan)
    done = 0
    try:
        while done < len(waiting):
            begin = starts[waiting[done]]
            mine = waiting[done : done + _together(remote, begin, end)]
            kl = _compared(remote, ids[:end], [blocks[i] for i in mine], begin, temperature)
            for row, i in enumerate(mine):
                found[:, i] = means_of_spans(kl[:, row], begin, starts[i], spans)
            done += len(mine)
            control.current().report(done, len(waiting), "suppression")
    except Cancelled as error:
        error.partial = Divergence(*found)  # type: ignore[attr-defined]
        raise
    return Divergence(*found)


def _together(remote: RemoteRunner, begin: int, end: int) -> int:
    """How many blocks share a job that compares the tokens from `begin` on."""
    rows = min(_ROWS, remote.rows() // (end - begin), _PAIRS // end**2)
    # One row is the pass without any block.
    return max(1, rows - 1)


def _compared(
    remote: RemoteRunner, ids: Sequence[int], blocks: Sequence[BlockAttention], begin: int, temperature: float
) -> Floats:
    """KL both ways at every token from `begin` on, [2, blocks, tokens]; in halves where memory there runs out."""
    try:
        return np.concatenate(list(_pieces(remote, ids, blocks, begin, temperature)), axis=2)
    except OutOfMemory:
        if len(blocks) == 1:
            raise
    half = len(blocks) // 2
    halves = [_compared(remote, ids, part, begin, temperature) for part in (blocks[:half], blocks[half:])]
    return np.concatenate(halves, axis=1)


def _pieces(
    remote: RemoteRunner, ids: Sequence[int], blocks: Sequence[BlockAttention], begin: int, temperature: float
) -> Iterator[Floats]:
    step = remote.rows(len(blocks) + 1)
    for start in range(begin, len(ids), step):
        stop = min(len(ids), start + step)
        at = np.arange(stop)
        cut = masks.batch(remote.layout, remote.causal(at, 0), [None, *blocks], at, at)
        rows = remote.tensor(ids[:stop]).repeat(len(blocks) + 1, 1)
        kl, bad = remote.logits(rows, at, at[start:], {"temperature": float(temperature)}, cut)
        check_finite(torch.where(bad, torch.nan, 0.0), at[start:])
        yield kl.numpy()
