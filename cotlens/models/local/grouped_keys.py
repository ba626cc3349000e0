"""Attention of query heads that share keys, on a CPU: torch reads the keys where they are.

transformers copies them for every query head wherever there is a mask, which is right on CUDA: there torch would take
its slowest kernel. On a CPU the copies are a fifth to two fifths of attention, and the numbers are the same bit for bit
(torch 2.13; earlier ones are left alone, as they weren't tried).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from transformers.integrations import sdpa_attention

if TYPE_CHECKING:
    from torch import Tensor

_TRIED = (2, 13)
_ASKED = "use_gqa_in_sdpa"  # what transformers asks: whether torch may take grouped keys as they are
_reading: ContextVar[bool] = ContextVar("cotlens_reads_grouped_keys", default=False)


@contextmanager
def read_in_place() -> Iterator[None]:
    """Within, this thread's passes on a CPU copy no keys."""
    _install()
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


@cache
def _install() -> None:
    """Answer for transformers, once per process; what isn't asked within `read_in_place` it answers itself."""
    theirs: Callable[..., bool] | None = getattr(sdpa_attention, _ASKED, None)
    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if theirs is None or version < _TRIED:
        return

    def answer(attention_mask: Tensor | None, key: Tensor, value: Tensor, *rest: Any) -> bool:
        own = _reading.get() and key.device.type == "cpu" and not torch.is_grad_enabled()
        # One token per row is quicker the way transformers goes about it.
        many = attention_mask is not None and attention_mask.shape[-2] > 1
        return (own and many) or theirs(attention_mask, key, value, *rest)

    setattr(sdpa_attention, _ASKED, answer)
