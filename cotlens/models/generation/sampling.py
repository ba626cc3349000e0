"""Picking tokens: temperature, the k likeliest, nucleus, and seeds that give the same text whatever else is run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from cotlens._core import check

if TYPE_CHECKING:
    from torch import Tensor


_FEW = 64  # tokens among which a nucleus is looked for first
STREAMS = 2**32  # how many streams of random numbers torch tells apart: it takes the low half of a seed


@dataclass(frozen=True)
class Sampling:
    """How text is sampled: logits are divided by the temperature, cut to the `top_k` likeliest tokens, then to `top_p`.

    That is the order of transformers and vLLM, and the distribution is theirs.

    Args:
        seed: sample i of n depends on (seed, i) only; sample 0 is what n=1 gives. 0 to 2**64 - 1.
        max_new_tokens: at most this many tokens, at least 1.
        temperature: 0 takes the most probable token.
        top_p: sample from the smallest set of tokens that holds this much of the probability that is left.
        top_k: sample from this many tokens, and those as likely as the last of them; 0 for all.
    """

    seed: int
    max_new_tokens: int
    temperature: float
    top_p: float
    top_k: int = 0

    def __post_init__(self) -> None:
        check.seed(self.seed)
        check.sampling(self)
        for name, kind in (("max_new_tokens", int), ("temperature", float), ("top_p", float), ("top_k", int)):
            object.__setattr__(self, name, kind(getattr(self, name)))  # of numpy's numbers, Python's

    def number(self, index: int, among: int = STREAMS) -> int:
        """The seed of sample `index`, for a source that goes by its remainder modulo `among`.

        That of sample 0 is the seed itself, where such a source tells it from all others.
        """
        if index == 0 and self.seed < among:
            return int(self.seed)
        # Words of 32 bits: without the last one, sample 0 of a wide seed would be a sample of its low half.
        words = [self.seed, index] if index else [self.seed, 0, 1]
        return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)

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
    # Less the largest, so that no quotient overflows: as the temperature falls, sampling becomes greedy. All in place,
    # since memory for a large vocabulary takes as long to get as to fill.
    logits = logits.to(torch.float64, copy=True)
    probabilities = torch.softmax(logits.sub_(logits.amax(-1, keepdim=True)).div_(sampling.temperature), -1)
    if sampling.top_p == 1 and not sampling.top_k:
        reach = probabilities.cumsum_(-1)
        return _drawn(reach, torch.full_like(reach[:, 0], reach.shape[1] - 1).long(), rows, chances).tolist()
    total = probabilities.sum(-1, keepdim=True)
    reach, ids, last = _likeliest(probabilities, total, sampling) or _ordered(probabilities, total, sampling)
    at = _drawn(reach, last, rows, chances)
    return ids[torch.as_tensor(rows, device=ids.device), at].tolist()


Nucleus = tuple["Tensor", "Tensor", "Tensor"]
"""Tokens in falling order of probability: sums so far [r, n], ids [r, n], and the last that may be drawn, int64 [r]."""


def _likeliest(probabilities: Tensor, total: Tensor, sampling: Sampling) -> Nucleus | None:
    """The nuclei by the likeliest tokens, None where so few don't decide: to order all takes up to 30 times as long."""
    if probabilities.shape[1] < 4 * _FEW or sampling.top_k >= _FEW:
        return None
    ordered, ids = torch.topk(probabilities, _FEW)
    if sampling.top_k and not bool((ordered[:, sampling.top_k - 1] > ordered[:, -1]).all()):
        return None  # how many are as likely as the last of the k isn't seen
    reach, last = _cut(ordered, total, sampling)
    behind = torch.arange(1, _FEW, device=last.device) > last[:, None] + 1
    apart = (ordered[:, :-1] > ordered[:, 1:]) | behind  # of equal tokens, their ids decide which comes first
    return (reach, ids, last) if bool((last < _FEW - 1).all()) and bool(apart.all()) else None


def _ordered(probabilities: Tensor, total: Tensor, sampling: Sampling) -> Nucleus:
    """The nuclei by all tokens, equal ones in the order of their ids."""
    ordered, ids = torch.sort(probabilities, descending=True, stable=True)
    reach, last = _cut(ordered, total, sampling)
    return reach, ids, last


def _cut(ordered: Tensor, total: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Sums of probabilities in falling order, and the last of them that may be drawn in each row, int64 [r]."""
    reach = torch.cumsum(ordered, -1)
    last = torch.full_like(reach[:, 0], reach.shape[1] - 1).long()
    if sampling.top_k:
        least = ordered[:, min(sampling.top_k, ordered.shape[1]) - 1, None]
        last = (ordered >= least).sum(-1) - 1  # what is as likely as the last of the k stays, as in transformers
        total = reach.gather(1, last[:, None])
    if sampling.top_p < 1:
        last = torch.minimum(last, (reach < sampling.top_p * total).sum(-1))
    return reach, last


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
