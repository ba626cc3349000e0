"""One table for all benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line: what was timed, ours and theirs in seconds (medians), and the goal in words."""

    name: str
    ours: float
    theirs: float | None = None
    other: str = ""
    goal: str = ""


def timed(fn: Callable[[], object], repeats: int) -> float:
    """Median seconds of `repeats` calls."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        fn()
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def printed(rows: list[Row]) -> str:
    """The table as Markdown."""
    lines = ["| what | CoTLens | beside it | ratio | goal |", "| --- | ---: | ---: | ---: | --- |"]
    for row in rows:
        theirs = "" if row.theirs is None else f"{row.theirs * 1e3:,.0f} ms {row.other}"
        ratio = "" if row.theirs is None else f"{row.theirs / row.ours:.1f}"
        lines.append(f"| {row.name} | {row.ours * 1e3:,.0f} ms | {theirs} | {ratio} | {row.goal} |")
    return "\n".join(lines)
