"""How many tokens go into one pass, so that it fits into memory and wastes little work."""

from __future__ import annotations

import os

import torch

from cotlens.models.engine import Engine

FEWEST_ROWS = 8
_PIECE = {"cpu": 128}  # trunk tokens per pass: small pieces can be taken over more often, larger ones are no faster
_PIECE_ELSEWHERE = 512
_NODES = {"cpu": 384}  # beyond this the n x n part of the mask costs more than a fuller pass saves (measured)
_NODES_ELSEWHERE = 2048
_DEFAULT_BYTES = 2**30
_SHARE = 0.5


def nodes(engine: Engine, prefix: int) -> int:
    """How many branch tokens fit into one pass behind `prefix` trunk tokens; at least FEWEST_ROWS."""
    most = _NODES.get(engine.device.type, _NODES_ELSEWHERE)
    return rows(engine, prefix + most, most)


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
