"""The state that a loop begins with where it is drawn: the same for a position whatever else is in a pass."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 256  # positions that are drawn together


class DrawnState(nn.Module):
    """A vector for each position, drawn from a normal distribution cut off at three standard deviations.

    Public code draws anew in every pass, so that no two agree, and a token that is read from a cache isn't the one that
    is read again. Here it hangs on seed and position alone.

    Args:
        std, scale: of the distribution, and what it is multiplied by.
    """

    def __init__(self, width: int, std: float, scale: float, seed: int) -> None:
        super().__init__()
        self.width, self.std, self.scale, self.seed = width, std, scale, seed

    def forward(self, positions: Tensor) -> Tensor:
        """float32 [batch, q, width] of positions [batch, q]."""
        blocks = positions // _BLOCK
        found = torch.zeros(*positions.shape, self.width, device=positions.device)
        for block in blocks.unique().tolist() if self.std > 0 else ():
            here = blocks == block
            drawn = _drawn(self.width, self.std, self.seed, block).to(positions.device)
            found[here] = self.scale * drawn[positions[here] % _BLOCK]
        return found


@lru_cache(maxsize=32)
def _drawn(width: int, std: float, seed: int, block: int) -> Tensor:
    mixed = int(np.random.SeedSequence([seed, block]).generate_state(1, np.uint64)[0] >> np.uint64(1))
    generator = torch.Generator().manual_seed(mixed)
    return nn.init.trunc_normal_(torch.empty(_BLOCK, width), 0.0, std, -3 * std, 3 * std, generator=generator)
