"""A sequence that is run bit by bit behind its own cache, with interventions at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models.contract.interventions import BlockAttention, Intervention
from cotlens.models.local import states
from cotlens.models.local.caches import fresh_cache
from cotlens.models.local.engine import Engine

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
FEWEST = 8  # tokens in a pass
STEP = 1024  # tokens per pass of a long prefix; a cancel waits for one pass at most


class IncrementalSequence:
    """One or several sequences of equal length that grow together.

    Without interventions the model makes its own masks and cache. With them, masks and positions are explicit and the
    cache keeps everything; where a model can't take masks it still makes its own. A model without a cache is run from
    the start each time.

    Args:
        interventions: applied to every token that is fed.
    """

    def __init__(self, engine: Engine, interventions: Sequence[Intervention] = ()) -> None:
        if any(isinstance(item, BlockAttention) for item in interventions):
            engine.need_masks()
        self._engine = engine
        self._interventions = interventions
        self._masked = bool(interventions) and engine.obeys_masks
        self._cache: Any = fresh_cache() if self._masked else True
        self._history: Tensor | None = None  # for models without a cache
        self.length = 0

    def feed(self, ids: Tensor, keep: Tensor | int = 1, sites: Sequence[str] = ()) -> tuple[Tensor, dict[str, Tensor]]:
        """Run the next tokens, int64 [batch, q].

        Args:
            keep: rows of logits wanted, counted within these tokens: an index tensor, or the last k.

        Returns:
            logits [batch, kept, vocabulary], site -> [batch, q, d_model].
        """
        before, count = self.length, ids.shape[1]
        if self._cache is None and self._history is not None:
            return self._again(ids, keep, sites)
        at = np.arange(before, before + count)
        logits, seen, cache = self._engine.forward(
            ids,
            at,
            masks=self._engine.causal(at, before, self._interventions) if self._masked else None,
            cache=self._cache,
            keep=keep,
            interventions=self._interventions,
            sites=sites,
        )
        self._cache = cache
        self._history = ids if cache is None else None
        self.length += count
        return logits, seen

    def repeat(self, n: int) -> None:
        """Make n copies of the one sequence."""
        if self._history is not None:
            self._history = self._history.repeat_interleave(n, dim=0)
        elif n > 1:
            self._cache = states.picked(self._cache, [0] * n)

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these sequences only."""
        if self._history is not None:
            self._history = self._history[list(rows)]
        else:
            self._cache = states.picked(self._cache, rows)

    def _again(self, ids: Tensor, keep: Tensor | int, sites: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        assert self._history is not None
        whole = torch.cat([self._history, ids], dim=1)
        shifted = keep + self.length if isinstance(keep, torch.Tensor) else keep or ids.shape[1]
        logits, seen, _ = self._engine.forward(
            whole, np.arange(whole.shape[1]), keep=shifted, interventions=self._interventions, sites=sites
        )
        self._history, self.length = whole, whole.shape[1]
        return logits, {site: values[:, -ids.shape[1] :] for site, values in seen.items()}


def fitting(engine: Engine, most: int, run: Callable[[int], T]) -> T:
    """`run(step)` with passes of at most `step` tokens: `most`, or so many fewer that they fit into memory.

    What a pass leaves half done is in the cache, so `run` begins anew each time. Some models can't be run in pieces.

    Raises:
        OutOfMemory: not even FEWEST tokens fit.
    """
    while True:
        try:
            return run(most)
        except OutOfMemory:
            if not engine.in_pieces or most <= FEWEST:
                raise
        most = max(FEWEST, most // 2)


def pieces(engine: Engine, count: int, most: int = STEP) -> Iterator[tuple[int, int]]:
    """Cut `count` tokens into [start, stop) of at most `most` for one pass each, checking for a cancel before each.

    Models that can't be run in pieces get all in one pass.
    """
    step = most if engine.in_pieces else count
    for start in range(0, count, max(1, step)):
        control.current().check()
        yield start, min(count, start + step)
