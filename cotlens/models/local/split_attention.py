"""Attention in two pieces, on a CPU: to all that stands before the tokens of a pass, and causally to each other.

What each piece reads is put together by the sums of exponentials. torch leaves out half of a piece that it knows to be
causal, where under a mask it looks at every key and reads the mask besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

SDPA = "sdpa"  # what transformers calls the attention of torch
FIRST = 0  # its number of the first layer
_STRETCH = 256
Kept = tuple[Tensor, Tensor]  # keys and values, [1, heads that keep keys, tokens, width]


@dataclass(frozen=True)
class Read:
    """What queries read in some keys.

    Args:
        out: [1, heads, q, width].
        total: float [1, heads, q], the logarithm of their sum of exponentials.
    """

    out: Tensor
    total: Tensor

    def joined(self, other: Read) -> Read:
        """What the same queries read in the keys of both."""
        share = torch.sigmoid(other.total - self.total)[..., None].to(self.out.dtype)
        return Read(self.out.lerp(other.out, share), torch.logaddexp(self.total, other.total))

    def after(self, n: int) -> Read:
        """That of the queries after the first n."""
        return Read(self.out[:, :, n:], self.total[:, :, n:])


def read(query: Tensor, key: Tensor, value: Tensor, scale: float | None, *, causal: bool = False) -> Read:
    """What `query` [1, heads, q, width] reads in `key` and `value` [1, heads that keep keys, k, width]."""
    flash: Any = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    return Read(*flash(query, key, value, is_causal=causal, scale=scale))


@dataclass
class FirstQueries:
    """The queries of the first layer, [1, heads, q, width] of each pass, and what their products are scaled by."""

    parts: list[Tensor] = field(default_factory=list)
    scale: float | None = None


@dataclass(frozen=True)
class _Split:
    before: Sequence[Kept]
    first: Tensor | None


_noting: ContextVar[FirstQueries | None] = ContextVar("cotlens_notes_first_queries", default=None)
_splitting: ContextVar[_Split | None] = ContextVar("cotlens_splits_attention", default=None)


@contextmanager
def noting() -> Iterator[FirstQueries]:
    """Within, this thread's passes leave the queries of their first layer here."""
    _install()
    found = FirstQueries()
    token = _noting.set(found)
    try:
        yield found
    finally:
        _noting.reset(token)


@contextmanager
def splitting(before: Sequence[Kept], first: Tensor | None) -> Iterator[None]:
    """Within, this thread's passes heed no mask: each token sees `before`, and none after itself.

    Args:
        before: by layer, what stands before all that the cache holds.
        first: what the first layer reads, [1, heads, q, width], where that is known.
    """
    _install()
    token = _splitting.set(_Split(before, first))
    try:
        yield
    finally:
        _splitting.reset(token)


@cache
def _install() -> None:
    """Stand in for transformers' way to torch, once per process; what isn't asked within the above it does itself."""
    theirs: Callable[..., tuple[Tensor, Any]] = ALL_ATTENTION_FUNCTIONS[SDPA]

    def attend(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **rest: Any) -> tuple[Tensor, Any]:
        notes, split = _noting.get(), _splitting.get()
        layer: Any = getattr(module, "layer_idx", None)
        if notes is not None and layer == FIRST:
            notes.parts.append(query)
            notes.scale = rest.get("scaling")
        if split is None:
            return theirs(module, query, key, value, mask, **rest)
        known = split.first if layer == FIRST else None
        if known is None:
            known = _in_two(query, (key, value), split.before[layer], rest.get("scaling"))
        return known.transpose(1, 2), None

    ALL_ATTENTION_FUNCTIONS.register(SDPA, attend)


def _in_two(query: Tensor, own: Kept, before: Kept, scale: float | None) -> Tensor:
    found = _causal(query, *own, scale)
    return (read(query, *before, scale).joined(found) if before[0].shape[2] else found).out


def _causal(query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Read:
    """A stretch of queries at a time: torch cuts what is causal into blocks, and fewer of them hang over the edge."""
    found, before = [], key.shape[2] - query.shape[2]
    for part in query.split(_STRETCH, dim=2):
        after = before + part.shape[2]
        own = read(part, key[:, :, before:after], value[:, :, before:after], scale, causal=True)
        if before:
            own = read(part, key[:, :, :before], value[:, :, :before], scale).joined(own)
        found.append(own)
        before = after
    return found[0] if len(found) == 1 else together(found)


def together(parts: Sequence[Read]) -> Read:
    """What queries that follow each other read."""
    return Read(torch.cat([part.out for part in parts], 2), torch.cat([part.total for part in parts], 2))
