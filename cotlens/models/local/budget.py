"""How many tokens go into one pass, so that it fits into memory and wastes little work."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from cotlens.models.local.engine import Engine

FEWEST_ROWS = 8
_PIECE = {"cpu": 128}  # trunk tokens per pass: small pieces can be taken over more often, larger ones are no faster
_PIECE_ELSEWHERE = 512
_NODES = {"cpu": 1024}
_NODES_ELSEWHERE = 2048
_STRETCH = {"cpu": 384}
_SEQUENCE = {"cpu": 128}  # branch tokens each: longer ones waste attention on each other, shorter ones copy more trunk
_STRIDE = {"cpu": 128}  # trunk tokens between two copies of the state, which double from there on
_STRIDE_ELSEWHERE = 128
_STRIDE_APART = 16  # the same where they don't: fewer cost passes, more are fed again with every branch
_DEFAULT_BYTES = 2**30
_SHARE = 0.5
_GROUP = Path("/sys/fs/cgroup")


def nodes(engine: Engine, prefix: int) -> int:
    """How many branch tokens fit into one pass behind `prefix` trunk tokens; at least FEWEST_ROWS."""
    most = _NODES.get(engine.device.type, _NODES_ELSEWHERE)
    return rows(engine, prefix + most, most)


def stretch(engine: Engine, prefix: int) -> int:
    """How many tokens of one long branch are run between two chances to cancel."""
    return min(nodes(engine, prefix), _STRETCH.get(engine.device.type, _NODES_ELSEWHERE))


def sequence_tokens(engine: Engine, prefix: int) -> int:
    """How many branch tokens go into one sequence of a pass; all of them where sequences are no faster."""
    return min(nodes(engine, prefix), _SEQUENCE.get(engine.device.type, _NODES_ELSEWHERE))


def sequences(engine: Engine, cache: Any, prefix: int) -> int:
    """How many sequences go into one pass, each with a copy of the keys and values of `prefix` trunk tokens."""
    parts = [part for layer in cache.layers for part in (layer.keys, layer.values)]
    copies = sum(part[0, :, 0].numel() * part.element_size() for part in parts) * prefix
    fitting = int(available(engine) // max(1, copies))
    return max(1, min(fitting, nodes(engine, prefix) // sequence_tokens(engine, prefix)))


def rows(engine: Engine, columns: int, most: int) -> int:
    """How many of `most` queries fit into one pass, each over `columns` keys; at least FEWEST_ROWS."""
    layout = engine.layout
    width = torch.finfo(engine.dtype).bits // 8
    mask = columns * (width * len(set(layout.kinds)) + 3)
    scores = columns * layout.heads * (width + 4)  # eager attention holds them, fused kernels don't
    states = layout.d_model * width * 24
    output = layout.vocabulary * (width + 4)
    fitting = available(engine) // (mask + scores + states + output)
    return int(max(FEWEST_ROWS, min(most, fitting)))


def piece(engine: Engine, n: int) -> int:
    """How many tokens of a trunk of n are run in one pass."""
    return min(_PIECE.get(engine.device.type, _PIECE_ELSEWHERE), nodes(engine, n))


def stride(engine: Engine, *, doubling: bool) -> int:
    """How far from each other places are at which what a recurrent model remembers is copied.

    Args:
        doubling: whether copies go on from there side by side, several tokens in a pass.
    """
    far = _STRIDE.get(engine.device.type, _STRIDE_ELSEWHERE)
    return far if doubling else min(far, _STRIDE_APART)


def reach(engine: Engine, wanted: int, n: int) -> int:
    """How much of a trunk of n tokens to run where `wanted` are needed: whole pieces, which can be used again."""
    step = piece(engine, n)
    return min(-(-wanted // step) * step, n, max(wanted, engine.layout.context))


def available(engine: Engine) -> int:
    """Bytes that one pass may take, on each of the devices that run it."""
    if engine.budget is not None:
        return engine.budget
    return min(_share(device) for device in engine.devices)


def _share(device: torch.device) -> int:
    if device.type == "cpu":
        unused = free(device, enough=int(_DEFAULT_BYTES / _SHARE))
        return _DEFAULT_BYTES if unused is None else int(min(_DEFAULT_BYTES, unused * _SHARE))
    unused = free(device)
    return _DEFAULT_BYTES if unused is None else int(unused * _SHARE)


def free(device: torch.device, enough: int | None = None) -> int | None:
    """Bytes of memory that are free on a device; None where it doesn't say.

    Args:
        enough: where more than this is free it doesn't matter how much more, which is quicker to say.
    """
    if device.type == "cpu":
        known = [size for size in (_unused(enough), _allowed()) if size is not None]
        return min(known, default=None)
    library: Any = getattr(torch, device.type, None)
    return int(library.mem_get_info(device)[0]) if hasattr(library, "mem_get_info") else None


def _unused(enough: int | None) -> int | None:
    """What the machine could give without swapping: Linux counts the caches that it would let go."""
    try:
        pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    if enough is not None and pages >= enough:
        return pages
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else pages


def _allowed() -> int | None:
    """What the container that this process may run in still allows."""
    most = _limit()
    try:
        return None if most is None else max(0, most - int((_GROUP / "memory.current").read_text()))
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=1)
def _limit() -> int | None:
    try:
        return int((_GROUP / "memory.max").read_text())
    except (OSError, ValueError):  # no container, or no limit ("max")
        return None
