"""One table for all benchmarks: ratios, with the seconds they come from beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line: what was timed, ours and theirs in seconds (medians), what the other side did, the goal in words."""

    name: str
    ours: float
    theirs: float
    other: str
    goal: str = ""


def in_turn(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of both, run in turn `rounds` times: what slows the machine down slows both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for fn, taken in zip((ours, theirs), seconds, strict=True):
            began = time.perf_counter()
            fn()
            taken.append(time.perf_counter() - began)
    return median(seconds[0]), median(seconds[1])


def printed(rows: list[Row]) -> str:
    """The table as Markdown; a ratio of 10 means that the other way takes ten times as long."""
    lines = ["| what | ratio | CoTLens | beside it | goal |", "| --- | ---: | ---: | ---: | --- |"]
    for row in rows:
        times = f"{row.ours * 1e3:,.0f} ms | {row.theirs * 1e3:,.0f} ms: {row.other}"
        lines.append(f"| {row.name} | {row.theirs / row.ours:.1f} | {times} | {row.goal} |")
    return "\n".join(lines)
