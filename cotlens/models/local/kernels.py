"""Whether the recurrent layers of a model run without the kernels made for them, and how much time that takes.

transformers falls back to plain operations where a package is not installed, and logs that once per process. It is
caught here for every model, in one pass that is timed as well.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers.utils import logging as theirs

if TYPE_CHECKING:
    from cotlens.models.local.engine import Engine

_LACKS = re.compile(r"is falling back .* because `(.+?)` is not installed")
_TOKENS = 24
_told: set[str] = set()
"""Packages that a model here was said to lack: transformers need not say so again, below the cell that then runs."""


def fallback(engine: Engine) -> str:
    """A sentence on what is missing and what a pass takes for it; "" where nothing is. Costs the meter nothing."""
    before, n = engine.meter.snapshot(), min(_TOKENS, engine.layout.context)
    ids = engine.tensor([(7919 * (i + 3)) % engine.layout.vocabulary for i in range(n)])
    with _missing_kernels() as lacking, _timed(engine.hf) as products:
        began = time.perf_counter()
        engine.forward(ids, np.arange(n), keep=1)
        whole = time.perf_counter() - began
    engine.meter.tokens, engine.meter.forwards = before.tokens, before.forwards
    if not lacking:
        return ""
    _told.update(lacking)
    times = whole / max(sum(products), 1e-9)
    return (
        f"Its recurrent layers run without kernels of their own, because {' and '.join(sorted(lacking))} "
        f"{'is' if len(lacking) == 1 else 'are'} not installed: the numbers are right, but a pass takes about "
        f"{times:.2g} times as long as its matrix products, to which such kernels come close on a GPU."
    )


@contextmanager
def _missing_kernels() -> Iterator[set[str]]:
    """The packages that transformers warns that it lacks meanwhile; its warnings are shown nowhere else."""
    lacking: set[str] = set()

    def note(record: logging.LogRecord) -> bool:
        found = _LACKS.search(record.getMessage())
        if found:
            lacking.add(found[1])
        return not found

    logger = theirs.get_logger("transformers.integrations.hub_kernels")
    logger.removeFilter(_untold)
    once: Any = logger.warning_once
    once.__func__.cache_clear()
    level = logger.level
    logger.setLevel(logging.WARNING)  # whatever a user has silenced
    logger.addFilter(note)
    try:
        yield lacking
    finally:
        logger.removeFilter(note)
        logger.addFilter(_untold)
        logger.setLevel(level)


def _untold(record: logging.LogRecord) -> bool:
    """Whether a record is news."""
    found = _LACKS.search(record.getMessage())
    return found is None or found[1] not in _told


@contextmanager
def _timed(hf: Any) -> Iterator[list[float]]:
    """Seconds of every linear module that runs meanwhile."""
    took: list[float] = []
    began: list[float] = []
    with ExitStack() as hooks:
        for part in hf.modules():
            if isinstance(part, torch.nn.Linear):
                first = part.register_forward_pre_hook(lambda *_: began.append(time.perf_counter()))
                last = part.register_forward_hook(lambda *_: took.append(time.perf_counter() - began[-1]))
                hooks.callback(first.remove)
                hooks.callback(last.remove)
        yield took
