"""Shares and differences of shares as rows of a result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotlens.measure.stats import modified_wilson
from cotlens.measure.stats.paired import paired_difference

SIGNATURE, CONTROL = "signature", "control"
NONE = "not measured: no problem of the set can tell it"


@dataclass(frozen=True)
class Outcome:
    """One row.

    Args:
        name: by which it is found ("stays").
        words: what is counted, in words.
        estimate, low, high: a share, or a difference of shares, with its 95 % interval.
        n: of how many problems.
        role: "signature", or "control" for what it has to be read beside.
        status: "ok", or why it was not measured.
    """

    name: str
    words: str
    estimate: float
    low: float
    high: float
    n: int
    role: str = SIGNATURE
    status: str = "ok"


def share(name: str, words: str, hits: Sequence[bool | None], role: str = SIGNATURE, why: str = NONE) -> Outcome:
    """The share of hits with its modified Wilson interval; None stands for a problem that can't tell."""
    known = [bool(hit) for hit in hits if hit is not None]
    if not known:
        return Outcome(name, words, math.nan, math.nan, math.nan, 0, role, why)
    low, high = modified_wilson(sum(known), len(known))
    return Outcome(name, words, sum(known) / len(known), float(low), float(high), len(known), role)


def difference(
    name: str, words: str, first: Sequence[bool | None], second: Sequence[bool | None], role: str = SIGNATURE
) -> Outcome:
    """The difference of two shares over the same problems."""
    pairs = [(bool(a), bool(b)) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not pairs:
        return Outcome(name, words, math.nan, math.nan, math.nan, 0, role, NONE)
    estimate, interval = paired_difference([a for a, _ in pairs], [b for _, b in pairs])
    return Outcome(name, words, estimate, float(interval.low), float(interval.high), len(pairs), role)


def same(first: Sequence[str | None], second: Sequence[str | None]) -> list[bool | None]:
    """Whether two answers are the same; None where one is unknown."""
    return [None if a is None or b is None else a == b for a, b in zip(first, second, strict=True)]


def neither(first: Sequence[bool | None], second: Sequence[bool | None]) -> list[bool | None]:
    """Whether both are false; None where one is unknown."""
    return [None if a is None or b is None else not (a or b) for a, b in zip(first, second, strict=True)]


def columns(rows: Sequence[Outcome], **more: Sequence[Any]) -> dict[str, Any]:
    """Rows as the columns of a result; they stand for no place in a text."""
    told: dict[str, Any] = {
        "start": np.zeros(len(rows), np.int64),
        "end": np.zeros(len(rows), np.int64),
        "text": [row.words for row in rows],
        "estimate": [row.estimate for row in rows],
        "low": [row.low for row in rows],
        "high": [row.high for row in rows],
        "n": [row.n for row in rows],
        "status": [row.status for row in rows],
        "name": [row.name for row in rows],
        "role": [row.role for row in rows],
    }
    return told | {name: list(values) for name, values in more.items()}
