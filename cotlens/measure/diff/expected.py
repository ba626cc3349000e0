"""What two sides expect of each token, compared over the whole vocabulary, or as far as their best tokens tell.

With p and q of a token's place, first and other side: log p - log q of the token that was written, KL(p || q),
KL(q || p) and the Jensen-Shannon divergence (with their mean; at most log 2), in nats. Where a side tells only its best
tokens, both are coarsened to the same buckets, each token that both tell and one for all others: the divergences of
these are lower bounds of the true ones (data processing), and log p - log q stays exact.

The whole vocabulary is never held for all places: the stream after the last layer is, and goes through the model's end
a slice at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens.measure.diff.sides import EXACT, Side

Floats = NDArray[np.float64]
KINDS = ("kl", "kl_back", "js")
TOLD = 5  # tokens that gained or lost most, of each place
BEST = 20  # asked of a model that tells only its best tokens: what servers give unless told otherwise
_SLICE = 16 * 2**20  # bytes of float32 log-probabilities of one side at once
_LEAST = 1e-9  # what is left for all other tokens where rounding leaves nothing


@dataclass(frozen=True)
class Compared:
    """Per place; float64 [n] each.

    Args:
        log_ratio: log p - log q of the token that was written.
        divergences: `KINDS` -> nats.
        gained, lost: the tokens whose probability on the first side is most above, and below, that on the other: int32
            and float64 [n, TOLD], -1 and NaN where fewer are known.
        exact: whether the whole vocabulary was seen; else the divergences are lower bounds.
    """

    log_ratio: Floats
    divergences: dict[str, Floats]
    gained: tuple[NDArray[np.int32], Floats]
    lost: tuple[NDArray[np.int32], Floats]
    exact: bool


def compare(first: Side, others: Sequence[Side], at: Sequence[int]) -> list[Compared]:
    """The first side with each of the others, at the tokens `at` of the trace that is measured."""
    if all(EXACT in side.model.capabilities for side in (first, *others)):
        return _over_vocabulary(first, others, at)
    mine = _Told(first, at)
    return [_coarse(mine, _Told(other, at)) for other in others]


def _over_vocabulary(first: Side, others: Sequence[Side], at: Sequence[int]) -> list[Compared]:
    stream, found = _stream(first, at), []
    ids = np.array([first.trace.token_ids[i + first.shift] for i in at])
    for other in others:
        theirs, parts, start = _stream(other, at), list[dict[str, Any]](), 0
        step = 1
        while start < len(at):
            control.current().check()
            part = slice(start, start + step)
            p, q = first.model.predict(stream[part]), other.model.predict(theirs[part])
            parts.append(_rows(p, q, ids[part]))
            start += step
            step = max(1, _SLICE // (4 * p.shape[1]))
        found.append(_joined(parts))
    return found


def _stream(side: Side, at: Sequence[int]) -> NDArray[np.float32]:
    """The stream after the last layer where each token is predicted: at the one before it."""
    site = f"resid_post.{side.model.n_layers - 1}"
    return side.model.read(side.trace, site, positions=[i + side.shift - 1 for i in at])[site]


def _rows(p: NDArray[np.float32], q: NDArray[np.float32], ids: NDArray[np.int64]) -> dict[str, Any]:
    """Some places, from log-probabilities [n, vocabulary]."""
    import torch

    size = min(p.shape[1], q.shape[1])  # what one model's embedding is longer by are tokens that nobody writes
    a, b = torch.from_numpy(p)[:, :size], torch.from_numpy(q)[:, :size]
    rows = torch.arange(len(ids))
    written = (a[rows, torch.from_numpy(ids)] - b[rows, torch.from_numpy(ids)]).double()
    # No log-probability counts as less than -80, so that no product is 0 times infinity.
    a, b = a.clamp_min(-80), b.clamp_min(-80)
    pa, pb, apart = a.exp(), b.exp(), a - b
    risen = pa - pb
    kl = (pa * apart).sub_(risen).sum(-1)  # the sum of q - p, 0 but for rounding, is taken out
    back = (pb * apart).sub_(risen).sum(-1).neg_()
    both = pa.add_(pb)
    # With m = (p + q) / 2: p log(m / p) + q log(m / q) = 2m log(m / p) + q log(p / q).
    middle = both.log().sub_(np.log(2)).sub_(a)
    mean = middle.mul_(both).add_(apart.mul_(pb)).sum(-1).mul_(-0.5)
    up, down = torch.topk(risen, min(TOLD, size)), torch.topk(risen, min(TOLD, size), largest=False)
    return {
        "log_ratio": written.numpy(),
        "kl": kl.clamp_min(0).double().numpy(),
        "kl_back": back.clamp_min(0).double().numpy(),
        "js": mean.clamp_min(0).double().numpy(),
        "gained": up.indices.int().numpy(),
        "rise": up.values.double().numpy(),
        "lost": down.indices.int().numpy(),
        "fall": down.values.double().numpy(),
    }


def _joined(parts: Sequence[dict[str, Any]]) -> Compared:
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    gained, lost = (whole["gained"], whole["rise"]), (whole["lost"], whole["fall"])
    return Compared(whole["log_ratio"], {kind: whole[kind] for kind in KINDS}, gained, lost, True)


class _Told:
    """What a side tells of its places: the log-probability of each token that is known there."""

    def __init__(self, side: Side, at: Sequence[int]) -> None:
        noted = side.model.annotate(side.trace, BEST)
        places = [i + side.shift for i in at]
        assert noted.logprobs is not None and noted.top_ids is not None and noted.top_logprobs is not None
        self.ids = [noted.token_ids[i] for i in places]
        self.logprobs = np.array([noted.logprobs[i] for i in places], dtype=np.float64)
        self.known = [
            dict(zip(noted.top_ids[i].tolist(), noted.top_logprobs[i].tolist(), strict=True)) | {token: float(logprob)}
            for i, token, logprob in zip(places, self.ids, self.logprobs, strict=True)
        ]
        for place in self.known:
            place.pop(-1, None)  # fewer than were asked for


def _coarse(mine: _Told, theirs: _Told) -> Compared:
    count = len(mine.ids)
    divergences = {kind: np.full(count, np.nan) for kind in KINDS}
    gained, lost = [(np.full((count, TOLD), -1, np.int32), np.full((count, TOLD), np.nan)) for _ in range(2)]
    for row, (here, there) in enumerate(zip(mine.known, theirs.known, strict=True)):
        both = [token for token in here if token in there]
        p, q = _buckets([here[token] for token in both]), _buckets([there[token] for token in both])
        middle = (p + q) / 2
        divergences["kl"][row], divergences["kl_back"][row] = _kl(p, q), _kl(q, p)
        divergences["js"][row] = (_kl(p, middle) + _kl(q, middle)) / 2
        risen = p[:-1] - q[:-1]
        for table, order in ((gained, np.argsort(-risen, kind="stable")), (lost, np.argsort(risen, kind="stable"))):
            best = order[:TOLD]
            table[0][row, : len(best)], table[1][row, : len(best)] = [both[i] for i in best], risen[best]
    return Compared(mine.logprobs - theirs.logprobs, divergences, gained, lost, False)


def _buckets(logprobs: Sequence[float]) -> Floats:
    """Probabilities of the tokens that both tell, and of all others together."""
    told = np.exp(np.array(logprobs, dtype=np.float64))
    each = np.append(told, max(_LEAST, 1 - told.sum()))
    return each / each.sum()


def _kl(p: Floats, q: Floats) -> float:
    return float(max(0.0, (p * np.log(p / q)).sum()))
