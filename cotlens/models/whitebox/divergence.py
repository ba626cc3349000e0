"""How far predictions move when attention is blocked: KL over the whole vocabulary, in both directions.

The text is run once as it is; its distributions are kept, and its cache. Before its first query a block changes
nothing, so every block goes on from that cache, several at once: one per row of a batch with a mask of its own. Blocks
that hide tokens from all that follows are run as texts without them: one alone without a cache, see `gaps`, several
behind it, see `without`.
Distributions are compared on the device, and two numbers per token leave it. Where those of the ordinary text take too
much memory, only its cache is made, and it is run again as the first row of every batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import Cancelled, InputError, OutOfMemory
from cotlens.models.architecture import masks
from cotlens.models.architecture.logits import ScoreTable, check_finite
from cotlens.models.contract import Divergence
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.contract.validation import check_sequence
from cotlens.models.local import budget
from cotlens.models.local.caches import fresh_cache, preallocated
from cotlens.models.local.scoring import trie
from cotlens.models.local.scoring.trunk import prefill
from cotlens.models.whitebox.gaps import gap_of, logits_without
from cotlens.models.whitebox.without import Without, holes_of, noting

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.contract.interventions import Intervention
    from cotlens.models.local.engine import Engine

__all__ = ["EPSILON", "Floats", "check_spans", "divergence", "first_query", "means_of_spans"]

EPSILON = 1e-9  # nats, added under the logarithm, as in the published code
_ROWS, _ROWS_ELSEWHERE = {"cpu": 4}, 16  # blocks per pass: more of them waste queries that only some need
_TOKENS, _TOKENS_ELSEWHERE = {"cpu": 1536}, 4096  # per pass, all rows together
_CACHE_SHARE = 0.25  # of the memory of a pass for copies of the cache
_KEPT_SHARE = 0.25  # of the same for the ordinary distributions
_SLICE, _SLICE_ELSEWHERE = {"cpu": 2**19}, 64 * 2**20  # bytes of float32 logits compared at once: what caches hold
_IMPOSSIBLE = -1e4  # nats, where a model rules a token out: the lowest number there is would outweigh a p of exp(-80)
_LEAST_SHARE = 128  # of a pass: smaller ones would not save much more
_NOTHING = np.empty(0, np.int64)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Text:
    """What all blocks have in common.

    Args:
        ids: tokens up to the last that is compared.
        cache: of the tokens before the last first query, at least; None where a model keeps a state, and is run from
            the start.
        first: the first token that is compared.
        ordinary: log-probabilities [len(ids) - first, vocabulary] after each token from `first` on, as `_logprobs` of
            what is compared with; None if not kept.
        changes: what holds with and without a block: vectors in place of latents.
        gap: the first and the one after the last token that are left out, which is what the only block comes to.
        without: the text without what a block hides, where that is what all of them come to.
    """

    ids: Sequence[int]
    cache: Any
    first: int
    temperature: float
    ordinary: Tensor | None = None
    changes: Sequence[Intervention] = ()
    gap: tuple[int, int] | None = None
    without: Without | None = None


def divergence(
    engine: Engine,
    ids: Sequence[int],
    blocks: Sequence[BlockAttention],
    spans: Sequence[tuple[int, int]],
    temperature: float,
    changes: Sequence[Intervention] = (),
) -> Divergence:
    """Means over the tokens of each span, for each block.

    Raises:
        InputError: a span is empty or out of range, or the temperature isn't positive.
        CapabilityError: this model's attention can't be masked.
        Cancelled: with the blocks that were done as `partial`; the others are NaN.
    """
    check_sequence(engine, ids)
    engine.need_hiding()
    check_spans(spans, len(ids))
    starts = [first_query(block) for block in blocks]
    end = max((stop for _, stop in spans), default=0)
    waiting = [i for i in np.argsort(starts, kind="stable").tolist() if starts[i] < end]
    found = np.full((3, len(blocks), len(spans)), np.nan)
    if not waiting:
        return Divergence(*found)
    first = max(starts[waiting[0]], min(start for start, _ in spans))
    with control.using(control.current().silent()):
        text = _Text(ids[:end], None, first, temperature, changes=changes)
        text = _run(engine, text, [blocks[i] for i in waiting], starts[waiting[-1]])
    total, done, count = sum(end - starts[i] for i in waiting), 0, _rows(engine, text)
    try:
        for at in range(0, len(waiting), count):
            mine = waiting[at : at + count]
            control.current().report(done, total, "suppression")
            kl, begin = _together(engine, text, [blocks[i] for i in mine], [starts[i] for i in mine])
            for row, i in enumerate(mine):
                found[:, i] = means_of_spans(kl[:, row], begin, starts[i], spans)
            done += sum(end - starts[i] for i in mine)
    except Cancelled as error:
        error.partial = Divergence(*found)  # type: ignore[attr-defined]
        raise
    control.current().report(total, total, "suppression")
    return Divergence(*found)


def _run(engine: Engine, text: _Text, blocks: Sequence[BlockAttention], trunk: int) -> _Text:
    """The text run, and its distributions kept where they fit; else its first `trunk` tokens alone."""
    n = len(text.ids)
    if 4 * engine.layout.vocabulary * (n - text.first) <= budget.available(engine) * _KEPT_SHARE:
        alone = not text.changes and n <= _most(engine, n)
        try:
            with torch.inference_mode():
                gap = gap_of(engine, blocks, n) if alone else None
                return _whole(engine, replace(text, gap=gap), blocks)
        except OutOfMemory:
            pass
    if not engine.obeys_masks:
        return text
    none = trie.Edges(_NOTHING, _NOTHING, _NOTHING)
    return replace(text, cache=prefill(engine, text.ids[:trunk], none, ScoreTable(0), text.changes, trunk))


def _whole(engine: Engine, text: _Text, blocks: Sequence[BlockAttention]) -> _Text:
    text = replace(text, cache=fresh_cache() if engine.obeys_masks and text.gap is None else None)
    holes = holes_of(engine, blocks, len(text.ids)) if text.gap is None and not text.changes else []
    with noting(holes) as queries:
        parts = [_kept(engine, logits, text.temperature) for logits in _ordinary(engine, text)]
    text = replace(text, ordinary=parts[0] if len(parts) == 1 else torch.cat(parts))
    if not holes:
        return text
    room = budget.available(engine) * _CACHE_SHARE
    return replace(text, without=Without(engine, text.ids, text.cache, holes, queries, room))


def _kept(engine: Engine, logits: Tensor, temperature: float) -> Tensor:
    """What is compared with, [q, vocabulary], in the memory of the logits where they are float32."""
    known = logits[0].float()
    for part in known.split(_slice(engine, logits)):
        part.copy_(_bounded(_logprobs(part, temperature)))
    return known


def _ordinary(engine: Engine, text: _Text) -> Iterator[Tensor]:
    """Logits [1, q, vocabulary] of passes over the text, from `text.first` on; its cache grows.

    The first pass, often the only one, is left to the model's own masks: kernels know that those are causal, and leave
    out half of the work.
    """
    n, first = len(text.ids), text.first
    if text.cache is None and text.gap is None:
        yield from (logits for _, logits in _passes(engine, text, [], first))
        return
    step = _most(engine, n)
    for start in range(0, n, step):
        control.current().check()
        at = np.arange(start, min(n, start + step))
        cut = engine.causal(at, start) if start or text.changes else None
        keep = torch.arange(max(first - start, 0), len(at), device=engine.device)
        row = engine.tensor(text.ids[start : start + step])
        yield engine.forward(row, at, masks=cut, cache=text.cache, keep=keep, interventions=text.changes)[0]


def _together(
    engine: Engine, text: _Text, blocks: Sequence[BlockAttention], starts: Sequence[int], share: int = 1
) -> tuple[Floats, int]:
    """KL at every compared token from the first that any of `blocks` touches, both ways: [2, blocks, tokens], and
    that token.

    In halves where memory runs out: of the blocks, then of the tokens that go through the model at once.
    """
    begin = max(min(starts), text.first)
    try:
        with torch.inference_mode():
            return _compared(engine, text, blocks, min(starts), share), begin
    except OutOfMemory:
        if len(blocks) == 1 and share >= _LEAST_SHARE:
            raise
    if len(blocks) == 1:
        return _together(engine, text, blocks, starts, 2 * share)
    half = len(blocks) // 2
    parts = [_together(engine, text, blocks[part], starts[part]) for part in (slice(half), slice(half, None))]
    padded = [np.pad(kl, ((0, 0), (0, 0), (at - begin, 0)), constant_values=np.nan) for kl, at in parts]
    return np.concatenate(padded, axis=1), begin


def _compared(engine: Engine, text: _Text, blocks: Sequence[BlockAttention], begin: int, share: int) -> Floats:
    found = []
    for at, logits in _passes(engine, text, blocks, begin, share):
        step = _slice(engine, logits)
        for start in range(0, len(at), step):
            logprobs = _logprobs(logits[:, start : start + step], text.temperature)
            if text.ordinary is None:
                base, others = _bounded(logprobs[0]), logprobs[1:]
            else:
                first = int(at[start]) - text.first
                base, others = text.ordinary[first : first + logprobs.shape[1]], logprobs
            kl = _kl(base, others)
            check_finite(kl.amax((0, 1)), at[start:])
            found.append(kl.double().cpu().numpy())
    return np.concatenate(found, axis=2)


def _passes(
    engine: Engine, text: _Text, blocks: Sequence[BlockAttention], begin: int, share: int = 1
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Positions that are compared, from `begin` on, and logits [rows, q, vocabulary] of passes.

    A row per block; before them one without a block, where ordinary distributions were not kept. Of the tokens that
    should fit into a pass, 1/`share` go through it.
    """
    if text.gap is not None and blocks:
        at = np.delete(np.arange(len(text.ids)), slice(*text.gap))
        first = int(np.searchsorted(at, max(begin, text.first)))
        yield at[first:], logits_without(engine, text.ids, at, first)
        return
    if text.without is not None and blocks:
        (keys,), most = [block.keys for block in blocks], max(1, _most(engine, len(text.ids)) // share)
        yield from text.without.passes((keys.start, keys.stop), max(begin, text.first), most)  # type: ignore[union-attr]
        return
    count = len(blocks) + (text.ordinary is None)
    each = [*([None] if text.ordinary is None else []), *blocks]
    if text.cache is None:
        at = np.arange(len(text.ids))
        cut = masks.batch(engine.layout, engine.causal(at, 0), each, at, at)
        row = engine.tensor(text.ids).expand(count, -1)
        first = max(begin, text.first)
        keep = torch.arange(first, len(at), device=engine.device)
        yield at[first:], engine.forward(row, at, masks=cut, keep=keep, interventions=text.changes)[0]
        return
    cache = preallocated(text.cache, begin, count, len(text.ids))
    step = max(1, _most(engine, len(text.ids)) // (count * share))
    for start in range(begin, len(text.ids), step):
        control.current().check()
        at = np.arange(start, min(len(text.ids), start + step))
        cut = masks.batch(engine.layout, engine.causal(at, start), each, at, np.arange(at[-1] + 1))
        row = engine.tensor(text.ids[start : start + step]).expand(count, -1)
        first = max(text.first - start, 0)
        keep = torch.arange(first, len(at), device=engine.device)
        logits, _, _ = engine.forward(row, at, masks=cut, cache=cache, keep=keep, interventions=text.changes)
        yield at[first:], logits


def _most(engine: Engine, n: int) -> int:
    """How many tokens of a text of n go into one pass."""
    return budget.rows(engine, n, _TOKENS.get(engine.device.type, _TOKENS_ELSEWHERE))


def _slice(engine: Engine, logits: Tensor) -> int:
    """How many tokens of logits [rows, q, vocabulary] are compared at once."""
    most = _SLICE.get(engine.device.type, _SLICE_ELSEWHERE)
    return max(1, most // (4 * logits.shape[0] * logits.shape[2]))


def _logprobs(logits: Tensor, temperature: float) -> Tensor:
    return torch.log_softmax(logits.float() if temperature == 1 else logits.float() / temperature, -1)


def _bounded(base: Tensor) -> Tensor:
    """Log-probabilities with none below -80, in place, so that no ratio to one of them overflows."""
    return base.clamp_min_(-80)


def _kl(base: Tensor, others: Tensor) -> Tensor:
    """KL(base || other) and KL(other || base) of log-probabilities [q, vocabulary] and [blocks, q, vocabulary].

    With d = log q - log p they are the sums of p * (exp(d) - 1 - d) and, less that, of p * (exp(d) - 1) * d, which is
    the same since both sum to one, and keeps its precision where p and q hardly differ.

    Args:
        base: `_bounded`.
        others: is used up.

    Returns:
        [2, blocks, q], nats.
    """
    apart, p = others.clamp_min_(_IMPOSSIBLE).sub_(base), base.exp()
    moved = torch.expm1(apart).mul_(p)  # q - p
    kl = moved.sum(-1) - torch.linalg.vecdot(p.expand_as(apart), apart)
    return torch.stack([kl, torch.linalg.vecdot(moved, apart) - kl]).clamp_min_(0)


def means_of_spans(kl: Floats, begin: int, start: int, spans: Sequence[tuple[int, int]]) -> Floats:
    """Means over every span that lies behind `start`, [3, spans]: of KL, of log(KL + epsilon), of KL back.

    Args:
        kl: KL and KL back, [2, tokens] from `begin` on.
    """
    means = np.full((3, len(spans)), np.nan)
    each = np.array(spans, dtype=np.int64).reshape(-1, 2)
    behind = each[:, 0] >= start
    ends = each[behind] - begin
    for row, values in zip(means, (kl[0], np.log(kl[0] + EPSILON), kl[1]), strict=True):
        # Every other sum is of what lies between two spans; the 0 lets the last span end with the text.
        row[behind] = np.add.reduceat(np.append(values, 0.0), ends.ravel())[::2] if len(ends) else 0.0
    means[:, behind] /= ends[:, 1] - ends[:, 0]
    return means


def _rows(engine: Engine, text: _Text) -> int:
    """How many blocks go through the model together, so that copies of the cache fit."""
    if text.without is not None:
        return 1
    if text.cache is None:
        return max(1, budget.nodes(engine, len(text.ids)) // len(text.ids))
    layers = [layer for layer in text.cache.layers if layer.is_initialized]
    per_token = sum(layer.keys[0, :, :1].numel() + layer.values[0, :, :1].numel() for layer in layers)
    row = max(1, per_token * len(text.ids) * (torch.finfo(engine.dtype).bits // 8))
    most = _ROWS.get(engine.device.type, _ROWS_ELSEWHERE)
    return max(1, min(most, int(budget.available(engine) * _CACHE_SHARE / row) - (text.ordinary is None)))


def first_query(block: BlockAttention) -> int:
    """The first position that a block changes itself."""
    if block.queries is None:
        return 0
    return block.queries.start if isinstance(block.queries, range) else min(block.queries, default=0)


def check_spans(spans: Sequence[tuple[int, int]], n: int) -> None:
    """Raise InputError where spans are not in a trace of `n` tokens."""
    for start, end in spans:
        if not 0 <= start < end <= n:
            raise InputError(f"The span of tokens {start} to {end} is empty or not in this trace of {n} tokens.")
