"""What follows a stretch of hidden tokens, run as a text without it: behind the keys that stand before the stretch.

Several of these share what the ordinary pass left: its cache, and the queries of the first layer, which nothing that
is hidden changes. What those read in all keys but the hidden ones is put together from what they read before and
behind them, each found for one stretch from what it was for the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import CotLensError
from cotlens.models.architecture import masks
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.local import split_attention
from cotlens.models.local.caches import fresh_cache
from cotlens.models.local.scoring.verification import TOLERANCE
from cotlens.models.local.split_attention import SDPA, FirstQueries, Read, read, together
from cotlens.models.whitebox.gaps import hidden_from_all

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.local.engine import Engine

_TRIED, _HIDDEN = 16, ((2, 4), (5, 8), (8, 9))  # tokens of the trial, and which are hidden
Hole = tuple[int, int]


def holes_of(engine: Engine, blocks: Sequence[BlockAttention], n: int) -> list[Hole]:
    """The first and the one after the last of the tokens that each block hides from all `n` behind them.

    Nothing where a block does something else, or where this model can't be run so: tried once.
    """
    window = engine.layout.window
    apt = engine.obeys_masks and engine.device.type == "cpu" and engine.hf.config._attn_implementation == SDPA
    if not apt or (window is not None and n > window) or not all(hidden_from_all(block, n) for block in blocks):
        return []
    if engine.takes_holes is None:
        engine.takes_holes = _equal(engine)
    return [(block.keys.start, block.keys.stop) for block in blocks] if engine.takes_holes else []  # type: ignore[union-attr]


def noting(holes: Sequence[Hole]) -> AbstractContextManager[FirstQueries]:
    """What the ordinary pass runs in."""
    return split_attention.noting() if holes else nullcontext(FirstQueries())


class Without:
    """A text that was run once, and is run again without this or that stretch.

    Args:
        cache: of all of `ids`.
        holes: sorted by their ends, the order in which they are asked for.
        queries: those of the first layer; none to run that like the others.
    """

    def __init__(
        self, engine: Engine, ids: Sequence[int], cache: Any, holes: Sequence[Hole], queries: FirstQueries, room: float
    ) -> None:
        self._engine, self._ids, self._cache = engine, ids, cache
        found = torch.cat(queries.parts, dim=2) if queries.parts else None
        kept = sum(len(ids) - stop for stop in {stop for _, stop in holes})
        fits = found is not None and found.shape[2] == len(ids) and found[:, :, 0].nbytes * kept <= room
        layer = cache.layers[split_attention.FIRST]
        self._first = FirstLayer(found, layer.keys, layer.values, queries.scale, holes) if fits else None

    def passes(self, hole: Hole, keep: int, step: int) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Positions behind a hole, from `keep` on, and logits [1, q, vocabulary], of `step` tokens a pass."""
        engine, (start, stop), n = self._engine, hole, len(self._ids)
        before = [(layer.keys[:, :, :start], layer.values[:, :, :start]) for layer in self._cache.layers]
        cache, known = fresh_cache(), None if self._first is None else self._first.without(hole)
        for begin in range(stop, n, step):
            control.current().check()
            at = np.arange(begin, min(n, begin + step))
            unread = masks.unread(engine.layout, len(at), at[-1] + 1 - stop, engine.dtype)
            rows = torch.arange(max(keep - begin, 0), len(at))
            first = None if known is None else known[:, :, begin - stop : at[-1] + 1 - stop]
            with split_attention.splitting(before, first):
                ids = engine.tensor(self._ids[begin : at[-1] + 1])
                logits, _, cache = engine.forward(ids, at, masks=unread, cache=cache, keep=rows)
            yield at[max(keep - begin, 0) :], logits


class FirstLayer:
    """What the queries of the first layer read in all keys but those of a hole, for one hole after the other."""

    def __init__(self, query: Any, key: Tensor, value: Tensor, scale: float | None, holes: Sequence[Hole]) -> None:
        self._of = query, key, value
        self._scale = scale
        self._behind = self._all_behind(sorted({stop for _, stop in holes}))
        self._before: Read | None = None  # of queries from `_stop` on, in keys up to `_start`
        self._start, self._stop = 0, 0

    def without(self, hole: Hole) -> Tensor:
        """[1, heads, q, width] of all tokens behind a hole, which doesn't end before the one asked for last."""
        start, stop = hole
        if start < self._start:
            self._before, self._start = None, 0
        before = None if self._before is None else self._before.after(stop - self._stop)
        if start > self._start:
            more = self._read(stop, None, self._start, start)
            before = more if before is None else before.joined(more)
        self._before, self._start, self._stop = before, start, stop
        behind = self._behind[stop]
        return (behind if before is None else before.joined(behind)).out

    def _read(self, first: int, last: int | None, start: int, stop: int | None, *, causal: bool = False) -> Read:
        query, key, value = self._of
        queries, kept = slice(first, last), slice(start, stop)
        return read(query[:, :, queries], key[:, :, kept], value[:, :, kept], self._scale, causal=causal)

    def _all_behind(self, stops: Sequence[int]) -> dict[int, Read]:
        """By the end of a hole, what is read in the keys behind it."""
        edges = [*stops, self._of[0].shape[2]]
        found = self._read(stops[-1], None, stops[-1], None, causal=True)
        behind = {stops[-1]: found}
        for start, stop in reversed(list(pairwise(edges[:-1]))):
            own = self._read(start, stop, start, stop, causal=True)
            later = self._read(stop, None, start, stop).joined(found)
            found = together([own, later])
            behind[start] = found
        return behind


def _equal(engine: Engine) -> bool:
    """Whether passes behind a hole find what those find in which it is hidden; costs the meter nothing."""
    ids = [(7919 * (i + 3)) % engine.layout.vocabulary for i in range(_TRIED)]
    at, before, worst = np.arange(_TRIED), engine.meter.snapshot(), 0.0
    try:
        with torch.inference_mode():
            cache = fresh_cache()
            with split_attention.noting() as queries:
                engine.forward(engine.tensor(ids), at, cache=cache, keep=1)
            text = Without(engine, ids, cache, _HIDDEN, queries, np.inf)
            for start, stop in _HIDDEN:
                hidden = BlockAttention(range(stop, _TRIED), range(start, stop))
                whole, _, _ = engine.forward(engine.tensor(ids), at, masks=engine.causal(at, 0, [hidden]))
                short = torch.cat([logits for _, logits in text.passes((start, stop), stop, _TRIED // 3)], dim=1)
                apart = torch.log_softmax(whole[:, stop:].float(), -1) - torch.log_softmax(short.float(), -1)
                worst = max(worst, float(apart.abs().nan_to_num(np.inf).max()))
    except (CotLensError, RuntimeError, AttributeError, IndexError, KeyError, TypeError):
        return False
    finally:
        engine.meter.tokens, engine.meter.forwards = before.tokens, before.forwards
    return worst <= TOLERANCE.get(engine.dtype, TOLERANCE[torch.bfloat16])
