"""Where tokens that nobody later sees can be left out of a pass instead of being hidden from all that follows.

Such a pass is an ordinary one with a gap in its positions. Kernels know that it is causal, which they can't know of a
mask that hides some tokens: they leave out half of the work, and no mask is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from cotlens._core.errors import CotLensError
from cotlens.models.architecture.masks import Masks
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.local.scoring.verification import TOLERANCE

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.local.engine import Engine

_BEFORE = 4  # what stands before the tokens is run a second time: this part of the text at most
_TRIED, _GAP = 12, (4, 7)


def gap_of(engine: Engine, blocks: Sequence[BlockAttention], n: int) -> tuple[int, int] | None:
    """The first and the one after the last of `n` tokens that can be left out, which is what `blocks` come to.

    None where there are several blocks, where some layers, heads or later tokens would still see them, where too much
    stands before them, or where this model makes something else of a gap.
    """
    if len(blocks) != 1 or not hidden_from_all(blocks[0], n):
        return None
    first, last = blocks[0].keys.start, blocks[0].keys.stop  # type: ignore[union-attr]
    window = engine.layout.window
    # A window that the text outgrows is counted in tokens by some kernels, which would then reach further back.
    if _BEFORE * first > n or not engine.obeys_masks or (window is not None and n > window):
        return None
    if engine.takes_gaps is None:
        engine.takes_gaps = _equal(engine)
    return (first, last) if engine.takes_gaps else None


def logits_without(engine: Engine, ids: Sequence[int], at: np.ndarray, keep: int) -> Tensor:
    """Logits [1, q - keep, vocabulary] of the tokens at positions `at` [q] alone, from their `keep`-th on."""
    # Without a mask, a model takes what follows a gap for another text.
    whole = Masks(torch.ones(1, len(at), dtype=torch.long, device=engine.device))
    kept = torch.arange(keep, len(at), device=engine.device)
    return engine.forward(engine.tensor([ids[i] for i in at]), at, masks=whole, keep=kept)[0]


def hidden_from_all(block: BlockAttention, n: int) -> bool:
    """Whether its keys lie side by side, and no token behind them sees one, in any layer."""
    keys, queries = block.keys, block.queries
    ranges = isinstance(keys, range) and isinstance(queries, range) and keys.step == queries.step == 1
    everywhere = block.layers is None and block.heads is None
    return everywhere and ranges and len(keys) > 0 and keys.stop == queries.start and queries.stop >= n  # type: ignore[arg-type, union-attr]


def _equal(engine: Engine) -> bool:
    """Whether a pass with a gap finds what one finds in which the same tokens are hidden; costs the meter nothing."""
    ids = [(7919 * (i + 3)) % engine.layout.vocabulary for i in range(_TRIED)]
    at, before = np.arange(_TRIED), engine.meter.snapshot()
    hidden = BlockAttention(range(_GAP[1], _TRIED), range(*_GAP))
    try:
        whole, _, _ = engine.forward(engine.tensor(ids), at, masks=engine.causal(at, 0, [hidden]))
        short = logits_without(engine, ids, np.delete(at, slice(*_GAP)), _GAP[0])
    except CotLensError:
        return False
    finally:
        engine.meter.tokens, engine.meter.forwards = before.tokens, before.forwards
    apart = torch.log_softmax(whole[:, _GAP[1] :].float(), -1) - torch.log_softmax(short.float(), -1)
    return float(apart.abs().max()) <= TOLERANCE.get(engine.dtype, TOLERANCE[torch.bfloat16])
