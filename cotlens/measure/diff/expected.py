"""What a side expects at the tokens of a text, and how far two sides part there.

With p and q of a token's place, first and other side: log p - log q of the token that was written, KL(p || q),
KL(q || p) and the Jensen-Shannon divergence (with their mean; at most log 2), in nats. Where a side tells only its best
tokens, both are coarsened to the same buckets, each token that both tell and one for all others: the divergences of
these are lower bounds of the true ones (data processing), and log p - log q stays exact.

The whole vocabulary is never held for all places: the stream after the last layer is, and goes through the model's end
a slice at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens.measure.diff.sides import EXACT, Side

Floats = NDArray[np.float64]
Changes = tuple[NDArray[np.int32], Floats]
KINDS = ("kl", "kl_back", "js")
TOLD = 5  # tokens that gained or lost most, of each place
BEST = 20  # asked of a model that tells only its best tokens: what servers give unless told otherwise
_SLICE = 16 * 2**20  # bytes of float32 log-probabilities of one side at once
_COMPARED = 2**20  # bytes of them compared at once: what caches hold
_LEAST = 1e-9  # what is left for all other tokens where rounding leaves nothing


@dataclass(frozen=True)
class Compared:
    """Per place; float64 [n] each.

    Args:
        log_ratio: log p - log q of the token that was written.
        divergences: `KINDS` -> nats.
        exact: whether the whole vocabulary was seen; else the divergences are lower bounds.
    """

    log_ratio: Floats
    divergences: dict[str, Floats]
    exact: bool


class _Whole:
    """A side whose whole vocabulary is seen: the stream after its last layer where each token is predicted."""

    def __init__(self, side: Side, at: Sequence[int]) -> None:
        site = f"resid_post.{side.model.n_layers - 1}"
        before = [i + side.shift - 1 for i in at]
        self.model = side.model
        self.stream = side.model.read(side.trace, site, positions=before)[site]
        self.ids = np.array([side.trace.token_ids[i + side.shift] for i in at])


class _Told:
    """A side that tells only its best tokens: the log-probability of each that is known at each place."""

    def __init__(self, side: Side, at: Sequence[int]) -> None:
        noted = side.model.annotate(side.trace, BEST)
        places = [i + side.shift for i in at]
        assert noted.logprobs is not None and noted.top_ids is not None and noted.top_logprobs is not None
        self.logprobs = np.array([noted.logprobs[i] for i in places], dtype=np.float64)
        self.known = [
            dict(zip(noted.top_ids[i].tolist(), noted.top_logprobs[i].tolist(), strict=True))
            | {noted.token_ids[i]: float(noted.logprobs[i])}
            for i in places
        ]
        for place in self.known:
            place.pop(-1, None)  # fewer than were asked for


Expected = _Whole | _Told


def expected(sides: Sequence[Side], at: Sequence[int]) -> list[Any]:
    """What each side expects at the tokens `at` of the trace that is measured, in what all of them can tell."""
    whole = all(EXACT in side.model.capabilities for side in sides)
    return [(_Whole if whole else _Told)(side, at) for side in sides]


def compare(first: Expected, other: Expected) -> Compared:
    """How far two sides part at every place."""
    if isinstance(first, _Whole) and isinstance(other, _Whole):
        return _over_vocabulary(first, other)
    assert isinstance(first, _Told) and isinstance(other, _Told)
    rows = [_divergences(*pair) for pair in _coarsened(first, other, range(len(first.known)))]
    found = np.array(rows, dtype=np.float64).reshape(-1, len(KINDS)).T
    return Compared(first.logprobs - other.logprobs, dict(zip(KINDS, found, strict=True)), False)


def changes(first: Expected, other: Expected, rows: Sequence[int]) -> tuple[Changes, Changes]:
    """The tokens whose probability on the first side is most above, and most below, that on the other, at some places.

    Token ids int32 and changes of probability float64, [rows, TOLD]; -1 and NaN where fewer are known.
    """
    gained, lost = [(np.full((len(rows), TOLD), -1, np.int32), np.full((len(rows), TOLD), np.nan)) for _ in range(2)]
    for row, (ids, risen) in enumerate(_risen(first, other, rows)):
        for (names, moved), best in ((gained, _largest(risen)), (lost, _largest(-risen))):
            names[row, : len(best)], moved[row, : len(best)] = ids[best], risen[best]
    return gained, lost


def _largest(values: Floats) -> NDArray[np.int64]:
    """Where the `TOLD` largest are, in order."""
    best = np.argpartition(-values, TOLD)[:TOLD] if len(values) > TOLD else np.arange(len(values))
    return best[np.argsort(-values[best], kind="stable")]


def _risen(first: Expected, other: Expected, rows: Sequence[int]) -> Iterator[tuple[NDArray[Any], Floats]]:
    """Of each place the tokens that both tell, and by how much each is likelier on the first side."""
    if isinstance(first, _Told) and isinstance(other, _Told):
        for row, (p, q) in zip(rows, _coarsened(first, other, rows), strict=True):
            yield np.array(_shared(first, other, row), np.int32), (p - q)[:-1]
        return
    assert isinstance(first, _Whole) and isinstance(other, _Whole)
    for p, q in _slices(first, other, np.asarray(rows, dtype=np.int64)):
        for risen in np.exp(p).astype(np.float64) - np.exp(q):
            yield np.arange(len(risen)), risen


def _slices(first: _Whole, other: _Whole, rows: NDArray[np.int64]) -> Iterator[tuple[Any, Any]]:
    """Log-probabilities float32 [some rows, vocabulary] of both."""
    start, step = 0, 1
    while start < len(rows):
        control.current().check()
        part = rows[start : start + step]
        p, q = first.model.predict(first.stream[part]), other.model.predict(other.stream[part])
        size = min(p.shape[1], q.shape[1])  # what one model's embedding is longer by are tokens that nobody writes
        yield p[:, :size], q[:, :size]
        start += step
        step = max(1, _SLICE // (4 * size))


def _over_vocabulary(first: _Whole, other: _Whole) -> Compared:
    import torch

    parts: list[list[Any]] = []
    at = 0
    for p, q in _slices(first, other, np.arange(len(first.ids))):
        step = max(1, _COMPARED // (4 * p.shape[1]))
        for start in range(0, len(p), step):
            a, b = (torch.from_numpy(each[start : start + step]) for each in (p, q))
            parts.append(_rows(a, b, torch.from_numpy(first.ids[at : at + len(a)])))
            at += len(a)
    log_ratio, *found = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Compared(log_ratio, dict(zip(KINDS, found, strict=True)), True)


def _rows(a: Any, b: Any, ids: Any) -> list[Floats]:
    """The log-ratio of the token that was written and `KINDS`, from log-probabilities [n, vocabulary]."""
    own = ids[:, None]
    written = (a.gather(1, own) - b.gather(1, own))[:, 0]
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
    return [written.double().numpy(), *(each.clamp_min(0).double().numpy() for each in (kl, back, mean))]


def _shared(first: _Told, other: _Told, row: int) -> list[int]:
    return [token for token in first.known[row] if token in other.known[row]]


def _coarsened(first: _Told, other: _Told, rows: Sequence[int]) -> Iterator[tuple[Floats, Floats]]:
    """Probabilities of the same buckets on both sides: the tokens that both tell, and all others together."""
    for row in rows:
        both, (here, there) = _shared(first, other, row), (first.known[row], other.known[row])
        yield _buckets([here[token] for token in both]), _buckets([there[token] for token in both])


def _buckets(logprobs: Sequence[float]) -> Floats:
    told = np.exp(np.array(logprobs, dtype=np.float64))
    each = np.append(told, max(_LEAST, 1 - told.sum()))
    return each / each.sum()


def _divergences(p: Floats, q: Floats) -> tuple[float, float, float]:
    middle = (p + q) / 2
    return _kl(p, q), _kl(q, p), (_kl(p, middle) + _kl(q, middle)) / 2


def _kl(p: Floats, q: Floats) -> float:
    return float(max(0.0, (p * np.log(p / q)).sum()))
