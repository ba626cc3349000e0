"""How many tokens go into one pass, so that it fits into memory and wastes little work."""

from __future__ import annotations

import os
from typing import Any

import torch

from cotlens.models.engine import Engine

FEWEST_ROWS = 8
_PIECE = {"cpu": 128}  # trunk tokens per pass: small pieces can be taken over more often, larger ones are no faster
_PIECE_ELSEWHERE = 512
_NODES = {"cpu": 1024}
_NODES_ELSEWHERE = 2048
_STRETCH = {"cpu": 384}
_LANE = {"cpu": 128}  # branch tokens per lane: longer ones waste attention on each other, shorter ones copy more trunk
_DEFAULT_BYTES = 2**30
_SHARE = 0.5


def nodes(engine: Engine, prefix: int) -> int:
    """How many branch tokens fit into one pass behind `prefix` trunk tokens; at least FEWEST_ROWS."""
    most = _NODES.get(engine.device.type, _NODES_ELSEWHERE)
    return rows(engine, prefix + most, most)


def stretch(engine: Engine, prefix: int) -> int:
    """How many tokens of one long branch are run between two chances to cancel."""
    return min(nodes(engine, prefix), _STRETCH.get(engine.device.type, _NODES_ELSEWHERE))


def lane(engine: Engine, prefix: int) -> int:
    """How many branch tokens go into one lane of a pass; all of them where lanes are no faster."""
    return min(nodes(engine, prefix), _LANE.get(engine.device.type, _NODES_ELSEWHERE))


def lanes(engine: Engine, cache: Any, prefix: int) -> int:
    """How many lanes go into one pass behind `prefix` trunk tokens, each with a copy of the trunk's keys and values."""
    copies = sum(2 * layer.keys[0, :, 0].numel() * layer.keys.element_size() for layer in cache.layers) * prefix
    room = int(available(engine) // max(1, copies))
    return max(1, min(room, nodes(engine, prefix) // lane(engine, prefix)))


def rows(engine: Engine, columns: int, most: int) -> int:
    """How many of `most` queries fit into one pass, each over `columns` keys; at least FEWEST_ROWS."""
    layout = engine.layout
    width = torch.finfo(engine.dtype).bits // 8
    mask = columns * (width * len(set(layout.kinds)) + 3)
    scores = columns * layout.heads * (width + 4)  # eager attention holds them, fused kernels don't
    states = layout.d_model * width * 24
    output = layout.vocabulary * (width + 4)
    room = available(engine) // (mask + scores + states + output)
    return int(max(FEWEST_ROWS, min(most, room)))


def piece(engine: Engine, n: int) -> int:
    """How many tokens of a trunk of n are run in one pass."""
    return min(_PIECE.get(engine.device.type, _PIECE_ELSEWHERE), nodes(engine, n))


def reach(engine: Engine, wanted: int, n: int) -> int:
    """How much of a trunk of n tokens to run where `wanted` are needed: whole pieces, which can be used again."""
    step = piece(engine, n)
    return min(-(-wanted // step) * step, n, max(wanted, engine.layout.context))


def available(engine: Engine) -> int:
    """Bytes that one pass may take."""
    if engine.budget is not None:
        return engine.budget
    if engine.device.type == "cuda":
        return int(torch.cuda.mem_get_info(engine.device)[0] * _SHARE)
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _DEFAULT_BYTES
    return int(min(_DEFAULT_BYTES, free * _SHARE))
