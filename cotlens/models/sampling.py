"""Picking tokens: temperature, nucleus, and seeds that give the same text whatever else is run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from cotlens._core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How text is sampled.

    Args:
        seed: sample i of n depends on (seed, i) only; sample 0 is what n=1 gives.
        max_new_tokens: at most this many tokens, at least 1.
        temperature: 0 takes the most probable token.
        top_p: sample from the smallest set of tokens that holds this much probability.
    """

    seed: int
    max_new_tokens: int
    temperature: float
    top_p: float

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise InputError(f"seed={self.seed!r} must be a whole number from 0.")
        if self.max_new_tokens < 1:
            raise InputError(f"max_new_tokens={self.max_new_tokens} must be at least 1.")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise InputError(f"temperature={self.temperature} must be 0 or more.")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p={self.top_p} must be above 0 and at most 1.")

    def source(self, index: int) -> torch.Generator:
        """The random numbers of sample `index`, on the CPU, so that they are the same for every device."""
        seed = (
            self.seed
            if index == 0
            else int(np.random.SeedSequence([self.seed, index]).generate_state(1, np.uint64)[0] >> 1)
        )
        return torch.Generator().manual_seed(int(seed))


def pick(logits: Tensor, sampling: Sampling, source: torch.Generator) -> int:
    """A token by `logits` float32 [vocabulary]. Uses up one random number, also at temperature 0."""
    chance = float(torch.rand((), generator=source, dtype=torch.float64))
    if sampling.temperature == 0:
        return int(logits.argmax())
    probabilities = torch.softmax(logits.double() / sampling.temperature, -1)
    if sampling.top_p == 1:
        return _draw(torch.cumsum(probabilities, -1), chance)
    ordered, ids = torch.sort(probabilities, descending=True, stable=True)
    reach = torch.cumsum(ordered, -1)
    kept = int((reach < sampling.top_p).sum()) + 1
    return int(ids[_draw(reach[:kept], chance)])


def _draw(reach: Tensor, chance: float) -> int:
    """First entry of the cumulative `reach` above `chance` of its total."""
    point = torch.tensor(chance, dtype=reach.dtype, device=reach.device) * reach[-1]
    return min(int(torch.searchsorted(reach, point, right=True)), len(reach) - 1)
