"""How often the interval of a signature holds its large-sample value, by the outcomes that were recorded.

    python -m tests.truth.faithfulness.coverage

No model is asked: what the cells of confusion.json recorded for the same organism in the same condition, over all
seeds, is taken as the large sample, and samples of as many problems as the battery takes are drawn from it with
replacement. Of a share that has a closed law, the binomial one, and its coverage is summed exactly. A difference needs
both shares of the same problems: what they have in common is known where one of them is 0 or 1, and only such are
counted. A signature that was the same in all problems has one value in every draw, which its interval always holds;
these are counted apart, since they can't tell an interval that is too long from one that is right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, binom

from cotlens.measure.faithfulness.shared.outcomes import difference, share
from cotlens.measure.stats import modified_wilson, wilson
from tests.truth.faithfulness.run import kept

N = 40
DIFFERENCES = {
    "followed": ("answers_cue", "answers_cue_without"),
    "direct": ("cell_direct", "cell_neither"),
    "via_thought": ("cell_via", "cell_neither"),
    "gain": ("reader_agrees", "others_steps"),
}
UNKNOWN = ("accuracy_lost", "normalised", "decided_where_easy", "decided_where_hard")
"""Not recorded with both of their shares, or of a number of problems that differs between draws."""


@dataclass(frozen=True)
class Coverage:
    """Of one signature over all cells.

    Args:
        open: how often its interval holds the large-sample value, one per cell in which that isn't 0 or 1.
        values: what these are.
        settled: cells in which it is.
    """

    name: str
    open: tuple[float, ...]
    values: tuple[float, ...]
    settled: int


def coverages(cells: dict[str, Any], n: int = N) -> list[Coverage]:
    """Of every signature that was recorded."""
    found: dict[str, list[float]] = defaultdict(list)
    values: dict[str, list[float]] = defaultdict(list)
    settled: dict[str, int] = defaultdict(int)
    for pooled in _pooled(cells):
        for name, value, held in _each(pooled, n):
            if value in (0.0, 1.0, -1.0):
                settled[name] += 1
            else:
                found[name].append(held())
                values[name].append(value)
    return [Coverage(name, tuple(found[name]), tuple(values[name]), settled[name]) for name in {**found, **settled}]


def _pooled(cells: dict[str, Any]) -> Iterator[dict[str, float]]:
    """For each organism and condition the share of each signature, over the problems of all seeds."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, cell in cells.items():
        groups[key.partition(", seed ")[0]].append(cell["rows"])
    for group in groups.values():
        names = [name for name in group[0] if name not in UNKNOWN and all(rows[name][0] is not None for rows in group)]
        yield {
            name: sum(rows[name][0] * rows[name][3] for rows in group) / sum(rows[name][3] for rows in group)
            for name in names
        }


def _each(pooled: dict[str, float], n: int) -> Iterator[tuple[str, float, Callable[[], float]]]:
    for name, value in pooled.items():
        if name not in DIFFERENCES:
            yield name, _whole(value), lambda value=value: held_share(_whole(value), n)  # type: ignore[misc]
            continue
        one, other = (_whole(pooled[part]) for part in DIFFERENCES[name])
        if other in (0.0, 1.0) or one in (0.0, 1.0):
            apart = _whole(one - other)
            yield name, apart, lambda one=one, other=other: held_difference(one, other, n)  # type: ignore[misc]


def _whole(value: float) -> float:
    """A share of at most some hundreds, without what summing rounded."""
    return round(value, 9) + 0.0


@cache
def held_share(value: float, n: int) -> float:
    """The chance that the interval of n problems holds the share that they are drawn from."""
    return _held(value, value, n, lambda k: _flags(k, n), None)


@cache
def held_difference(one: float, other: float, n: int) -> float:
    """The same of a difference of two shares of which one is 0 or 1."""
    if other in (0.0, 1.0):
        return _held(one - other, one, n, lambda k: _flags(k, n), lambda k: [bool(other)] * n)
    return _held(one - other, other, n, lambda k: [bool(one)] * n, lambda k: _flags(k, n))


def _held(value: float, drawn: float, n: int, first: Any, second: Any) -> float:
    """The chance of the counts, drawn from a share, whose interval holds a value."""
    total = 0.0
    for k, chance in enumerate(binom.pmf(np.arange(n + 1), n, drawn)):
        row = share("", "", first(k)) if second is None else difference("", "", first(k), second(k))
        total += chance * (row.low - 1e-9 <= value <= row.high + 1e-9)
    return float(total)


def _flags(k: int, n: int) -> list[bool]:
    return [True] * k + [False] * (n - k)


def table(cells: dict[str, Any]) -> str:
    """A row per signature."""
    lines = [
        "| signature | cells that can tell | mean coverage | least | most | cells where it never varies |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    found = coverages(cells)
    for one in found:
        told = [f"{value:.1%}" for value in (np.mean(one.open), min(one.open), max(one.open))] if one.open else [""] * 3
        lines.append(f"| {one.name} | {len(one.open)} | {' | '.join(told)} | {one.settled} |")
    for words, names in (("shares", set()), ("differences", set(DIFFERENCES))):
        every = [value for one in found if (one.name in DIFFERENCES) == bool(names) for value in one.open]
        told = [f"{value:.1%}" for value in (np.mean(every), min(every), max(every))]
        settled = sum(one.settled for one in found if (one.name in DIFFERENCES) == bool(names))
        lines.append(f"| **all {words}** | {len(every)} | {' | '.join(told)} | {settled} |")
    return "\n".join(lines)


def by_share(n: int = N) -> str:
    """How often other intervals would hold a share, and the one that is used: what whole counts leave possible."""
    lines = ["| share | Wilson | the one used | mid-P | exact |", "| ---: | ---: | ---: | ---: | ---: |"]
    ends: list[Callable[[int, int], tuple[float, float]]] = [wilson, modified_wilson, _mid_p, _exact]
    for value in (1 / 80, 1 / 40, 1 / 20, 0.1, 0.2, 0.3, 0.5):
        chances = binom.pmf(np.arange(n + 1), n, value)
        held = []
        for interval in ends:
            kept = [low - 1e-9 <= value <= high + 1e-9 for low, high in (interval(k, n) for k in range(n + 1))]
            held.append(f"{chances[np.array(kept)].sum():.1%}")
        lines.append(f"| {value:.4g} | {' | '.join(held)} |")
    return "\n".join(lines)


def _exact(k: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's."""
    return (beta.ppf(0.025, k, n - k + 1) if k else 0.0), (beta.ppf(0.975, k + 1, n - k) if k < n else 1.0)


@cache
def _mid_p(k: int, n: int) -> tuple[float, float]:
    """The same with half the chance of what was seen."""

    def above(share: float) -> float:
        return float(binom.sf(k, n, share) + binom.pmf(k, n, share) / 2)

    return (
        brentq(lambda share: above(share) - 0.025, 0, 1) if k else 0.0,
        brentq(lambda share: above(share) - 0.975, 0, 1) if k < n else 1.0,
    )


if __name__ == "__main__":
    print(table(kept()))
