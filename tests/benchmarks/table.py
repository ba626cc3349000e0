"""One table for all benchmarks: ratios, with the seconds they come from beside them.

Seconds are those of the processor, so that what else runs on a machine hardly matters.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line: what was done, its cost for us and them, what the other side did, the goal in words.

    Args:
        ours, theirs: seconds (medians), or a number of `unit`.
    """

    name: str
    ours: float
    theirs: float
    other: str
    goal: str = ""
    unit: str = ""

    def said(self, cost: float) -> str:
        """A cost in words."""
        return f"{cost:,.0f} {self.unit}" if self.unit else f"{cost * 1e3:,.0f} ms"


def at_limit(name: str, ours: float, per_token: float, spent: int, goal: str = "") -> Row:
    """The share of the limit: what plain forwards over the tokens that were `spent` would take, by what ours takes."""
    return Row(f"{name}: share of the limit", ours, per_token * spent, f"plain forwards over {spent:,} tokens", goal)


def in_turn(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of both, run in turn `rounds` times: what slows the machine down slows both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for fn, taken in zip((ours, theirs), seconds, strict=True):
            began = time.process_time()
            fn()
            taken.append(time.process_time() - began)
    return median(seconds[0]), median(seconds[1])


def printed(rows: list[Row]) -> str:
    """The table as Markdown; a ratio of 10 means that the other way takes ten times as long."""
    lines = ["| what | ratio | CoTLens | beside it | goal |", "| --- | ---: | ---: | ---: | --- |"]
    for row in rows:
        costs = f"{row.said(row.ours)} | {row.said(row.theirs)}: {row.other}"
        lines.append(f"| {row.name} | {row.theirs / row.ours:.1f} | {costs} | {row.goal} |")
    return "\n".join(lines)
