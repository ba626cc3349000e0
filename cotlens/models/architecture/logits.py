"""From logits to the few numbers that are kept: log-probabilities, best rivals, best alternatives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core.errors import BackendError

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.contract.branches import TokenSet

_SLICE = {"cpu": 4 * 2**20}  # bytes of float32 logits that are worked on at once: on a CPU what caches hold
_SLICE_ELSEWHERE = 64 * 2**20


class ScoreTable:
    """Growing table of what was found about n branch tokens and sets of tokens; see `contract.BranchScore`.

    Args:
        sets: those that negative targets name, -1 the first.
        sites: where activations are kept, too.
    """

    def __init__(self, n: int, sets: Sequence[TokenSet] = (), sites: Sequence[str] = ()) -> None:
        self._sets, self._n = sets, n
        self.sites = tuple(sites)
        self.activations: dict[str, NDArray[np.float32]] = {}
        self._flags: dict[int, tuple[Tensor, Tensor]] = {}
        self._without: dict[int, tuple[Tensor, ...]] = {}
        self.logprobs = np.full(n, np.nan, np.float32)
        self.rival_logprobs = np.full(n, np.nan, np.float32)
        self.rival_ids = np.full(n, -1, np.int32)
        self.greedy_ids = np.full(n, -1, np.int32)

    def put(
        self,
        logits: Tensor,
        rows: NDArray[np.int64],
        targets: NDArray[np.int64],
        slots: NDArray[np.int64],
        positions: NDArray[np.int64],
    ) -> None:
        """Score `targets[i]`, a token or (negative) a set, by `logits[rows[i]]` into entry `slots[i]`.

        Args:
            logits: [r, vocabulary].
            positions: int64 [r], where each row stands in the sequence; named if its logits are NaN.

        Raises:
            BackendError: a row holds NaN.
        """
        # Sorted by row, what is asked of a slice of the logits is one stretch; float32 copies are made of a slice at a
        # time.
        order = np.argsort(rows, kind="stable")
        bounds = np.searchsorted(rows[order], _starts(logits))
        for (start, part), low, high in zip(_slices(logits), bounds, [*bounds[1:], len(order)], strict=True):
            if low == high:
                continue
            chosen = order[low:high]
            known = torch.log_softmax(part, -1)
            best = torch.topk(known, 2, dim=-1)
            check_finite(best.values[:, 0], positions[start:])
            row = torch.from_numpy(rows[chosen] - start).to(part.device)
            self.greedy_ids[slots[chosen]] = best.indices[row, 0].cpu().numpy()
            wanted = targets[chosen]
            for code in np.unique(wanted[wanted < 0]):
                mine = wanted == code
                self._sum(known[row[torch.from_numpy(mine)]], int(code), slots[chosen[mine]])
            mine = wanted >= 0
            row, target = row[torch.from_numpy(mine)], torch.from_numpy(wanted[mine]).to(part.device)
            # The rival is the best other token: the second best where the target itself is the best.
            second = (best.indices[row, 0] == target).long()
            at = slots[chosen[mine]]
            self.logprobs[at] = _numpy(_of(known, row, target))
            self.rival_logprobs[at] = _numpy(best.values[row, second])
            self.rival_ids[at] = best.indices[row, second].cpu().numpy()

    def see(self, seen: Mapping[str, Tensor], rows: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        """Enter row `rows[i]` of the activations [r, d_model] at each site into entry `slots[i]`."""
        for site, values in seen.items():
            empty = np.full((self._n, values.shape[-1]), np.nan, np.float32)
            table = self.activations.setdefault(site, empty)
            table[slots] = _numpy(values[torch.from_numpy(rows).to(values.device)])

    def _sum(self, known: Tensor, code: int, at: NDArray[np.int64]) -> None:
        """The total of a set by some rows of log-probabilities, and the best token against it."""
        if code not in self._without:
            self._without[code] = tuple(_without(flag).to(known.device) for flag in self.flags(code, known.shape[-1]))
        no_other, no_neutral = self._without[code]
        beside = (known + no_neutral).max(-1)
        self.logprobs[at] = _numpy((known + no_other).logsumexp(-1))
        self.rival_logprobs[at] = _numpy(beside.values)
        self.rival_ids[at] = beside.indices.cpu().numpy()

    def flags(self, code: int, vocabulary: int) -> tuple[Tensor, Tensor]:
        """What a set sums and what counts against it, bool [vocabulary]."""
        if code not in self._flags:
            member, rival = self._sets[-code - 1].flags(vocabulary)
            self._flags[code] = torch.from_numpy(member), torch.from_numpy(rival)
        return self._flags[code]

    def enter_sets(
        self,
        slots: NDArray[np.int64],
        summed: NDArray[np.float32],
        beside: NDArray[np.float32],
        beside_ids: NDArray[np.int64],
        greedy: NDArray[np.int64],
    ) -> None:
        """Enter what was found elsewhere about sets."""
        self.logprobs[slots], self.rival_logprobs[slots] = summed, beside
        self.rival_ids[slots], self.greedy_ids[slots] = beside_ids, greedy

    def enter(
        self,
        slots: NDArray[np.int64],
        targets: NDArray[np.int64],
        logprobs: NDArray[np.float32],
        ids: NDArray[np.int64],
        best: NDArray[np.float32],
    ) -> None:
        """Enter what was found elsewhere.

        Args:
            logprobs: of `targets`.
            ids, best: [len(slots), 2 or more], the most probable tokens where each target stands, best first.
        """
        second = (ids[:, 0] == targets).astype(np.int64)[:, None]
        self.logprobs[slots] = logprobs
        self.rival_logprobs[slots] = np.take_along_axis(best, second, 1)[:, 0]
        self.rival_ids[slots] = np.take_along_axis(ids, second, 1)[:, 0]
        self.greedy_ids[slots] = ids[:, 0]


def alternatives(
    logits: Tensor, targets: Tensor, k: int, positions: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]:
    """Log-probability of `targets` [r] and the k best tokens by `logits` [r, vocabulary].

    Returns:
        float32 [r], int32 [r, k], float32 [r, k] (best first; k is cut to the vocabulary).

    Raises:
        BackendError: a row holds NaN.
    """
    k = min(k, logits.shape[-1])
    chosen, ids, values = [], [], []
    for start, part in _slices(logits):
        known = torch.log_softmax(part, -1)
        best = torch.topk(known, k, dim=-1)
        check_finite(best.values[:, 0], positions[start:])
        mine = targets[start : start + len(part)]
        chosen.append(_numpy(_of(known, torch.arange(len(mine), device=mine.device), mine)))
        ids.append(best.indices.cpu().numpy().astype(np.int32))
        values.append(_numpy(best.values))
    if not chosen:
        return np.empty(0, np.float32), np.empty((0, k), np.int32), np.empty((0, k), np.float32)
    return np.concatenate(chosen), np.concatenate(ids), np.concatenate(values)


WHERE_NOT_FINITE = (
    "remove the intervention that caused it, or, without one, load the model with dtype='float32'; where it is in "
    "float32 already, its weights hold such numbers: get them again"
)
"""What to do where a model's numbers are NaN or infinite."""


def check_finite(largest: Tensor, positions: NDArray[np.int64]) -> None:
    """Raise BackendError if an entry of `largest` is NaN or infinite, naming its position.

    Args:
        largest: the largest number of each row of logits, or of what was made of them: NaN where one of them is.
    """
    bad = ~torch.isfinite(largest)
    if bool(bad.any()):
        position = int(positions[int(bad.nonzero()[0, 0])])
        raise BackendError(f"The model's logits at token position {position} are NaN or infinite; {WHERE_NOT_FINITE}.")


def _of(known: Tensor, rows: Tensor, targets: Tensor) -> Tensor:
    """Log-probabilities of targets by their rows; NaN of an id beyond the vocabulary, which stands for a latent."""
    beyond = targets >= known.shape[-1]
    return known[rows, targets.masked_fill(beyond, 0)].masked_fill(beyond, torch.nan)


def _without(flag: Tensor) -> Tensor:
    """What leaves nothing of all tokens but the flagged ones when it is added: quicker than to fill by a mask."""
    return torch.zeros(len(flag)).masked_fill_(~flag, -torch.inf)


def _starts(logits: Tensor) -> NDArray[np.int64]:
    step = max(1, _SLICE.get(logits.device.type, _SLICE_ELSEWHERE) // (4 * logits.shape[-1]))
    return np.arange(0, max(1, len(logits)), step)


def _slices(logits: Tensor) -> Iterator[tuple[int, Tensor]]:
    """(first row, float32 rows) a few at a time."""
    starts = _starts(logits)
    for start, stop in zip(starts, [*starts[1:], len(logits)], strict=True):
        yield int(start), logits[int(start) : int(stop)].float()


def _numpy(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()
