"""Picking tokens: temperature, nucleus, and seeds that give the same text whatever else is run."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
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

    def number(self, index: int) -> int:
        """The seed of sample `index`."""
        if index == 0:
            return int(self.seed)
        return int(np.random.SeedSequence([self.seed, index]).generate_state(1, np.uint64)[0] >> 1)

    def source(self, index: int) -> torch.Generator:
        """The random numbers of sample `index`, one float64 per token, on the CPU whatever the model's device."""
        return torch.Generator().manual_seed(self.number(index))


def rollout_seed(seed: int, ids: Sequence[int]) -> int:
    """The seed of rollouts that begin after the tokens `ids`: `resume(..., seed=rollout_seed(seed, ids))` writes them.

    It depends on the text before them alone, so that rollouts from different places of a trace are independent, and
    the same place gives the same rollouts whatever else is asked.
    """
    text = hashlib.sha256(np.asarray(ids, "<i8").tobytes()).digest()
    words = np.frombuffer(text, "<u4").astype(np.uint32)
    return int(np.random.SeedSequence([seed, *words.tolist()]).generate_state(1, np.uint64)[0] >> 1)


def choose(logits: Tensor, rows: Sequence[int], chances: Sequence[float], sampling: Sampling) -> list[int]:
    """A token for every sample.

    Args:
        logits: float32 [r, vocabulary].
        rows: which row of logits each sample draws from, rising.
        chances: one random number in [0, 1) per sample; unused at temperature 0.
    """
    if sampling.temperature == 0:
        best = logits.argmax(-1).tolist()
        return [best[row] for row in rows]
    probabilities = torch.softmax(logits.double() / sampling.temperature, -1)
    if sampling.top_p == 1:
        reach = torch.cumsum(probabilities, -1)
        return _drawn(reach, torch.full_like(reach[:, 0], reach.shape[1] - 1).long(), rows, chances).tolist()
    ordered, ids = torch.sort(probabilities, descending=True, stable=True)
    reach = torch.cumsum(ordered, -1)
    last = (reach < sampling.top_p).sum(-1).clamp(max=reach.shape[1] - 1)
    at = _drawn(reach, last, rows, chances)
    return ids[torch.as_tensor(rows, device=ids.device), at].tolist()


def _drawn(reach: Tensor, last: Tensor, rows: Sequence[int], chances: Sequence[float]) -> Tensor:
    """Per sample the first entry of its row of the cumulative `reach` above its chance of `reach[row, last]`."""
    row = np.asarray(rows)
    place = np.arange(len(row)) - np.searchsorted(row, row)  # which sample of its row
    points = torch.zeros(len(reach), int(place.max(initial=0)) + 1, dtype=reach.dtype, device=reach.device)
    where = torch.from_numpy(row).to(reach.device), torch.from_numpy(place).to(reach.device)
    points[where] = torch.tensor(chances, dtype=reach.dtype, device=reach.device)
    points = points * reach.gather(1, last[:, None])
    found = torch.searchsorted(reach, points, right=True)
    return torch.minimum(found, last[:, None])[where]
