"""How often known intervals of a paired difference hold it: exactly, over all tables of so many pairs.

Of each pair the first alone, the second alone, both or neither may be so; all tables of counts are summed with their
multinomial chances. `coverage` says it of the cells that were recorded, this of all shares there are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from cotlens.measure.stats import modified_wilson
from cotlens.measure.stats.paired import above, score_interval
from cotlens.measure.stats.proportions import normal_quantile

Floats = NDArray[np.float64]
Ends = tuple[Floats, Floats]

_FINE = np.arange(0, 0.1, 0.0125)
AXIS = np.concatenate([_FINE, np.arange(0.1, 0.91, 0.05), 1 - _FINE[::-1]])  # of shares of the plane
TOGETHER = (0.0, 0.5, 1.0)  # of the pairs that are alike, the part that has both
NEAR = (1 / 80, 1 / 40, 0.05, 0.075, 0.1, 0.15)
_ROUNDED = 1e-9


@cache
def tables(n: int) -> NDArray[np.int64]:
    """Counts of pairs with both, the first alone, the second alone, neither: [tables, 4]."""
    return np.array(
        [(a, b, c, n - a - b - c) for a in range(n + 1) for b in range(n + 1 - a) for c in range(n + 1 - a - b)]
    )


def chances(shares: Floats, found: NDArray[np.int64]) -> Floats:
    """Of some tables, under shares [points, 4] of the four kinds of pairs: [points, tables]."""
    ways = gammaln(found[0].sum() + 1) - gammaln(found + 1).sum(1)
    return np.exp(ways + sum(xlogy(found[:, i], shares[:, i, None]) for i in range(4)))


def used(n: int) -> Ends:
    """The one that is used."""
    known = cache(score_interval)
    return _each(n, lambda both, first, second: known(first, second, n))


def newcombe(n: int) -> Ends:
    """Newcombe's hybrid score interval of pairs, method 10, of modified Wilson limits and phi, corrected as he does."""
    limits = [modified_wilson(k, n) for k in range(n + 1)]

    def ends(both: int, first: int, second: int) -> tuple[float, float]:
        one, other, none = both + first, both + second, n - both - first - second
        apart = both * none - first * second
        spread = one * (n - one) * other * (n - other)
        phi = (max(apart - n / 2, 0) if apart > 0 else apart) / spread**0.5 if spread else 0.0
        (l1, u1), (l2, u2) = limits[one], limits[other]

        def joined(x: float, y: float) -> float:
            return float(max(x * x - 2 * phi * x * y + y * y, 0) ** 0.5)

        seen = (one - other) / n
        return seen - joined(one / n - l1, u2 - other / n), seen + joined(u1 - one / n, other / n - l2)

    return _each(n, ends)


def agresti_min(n: int) -> Ends:
    """Wald's, with half a pair more of each kind."""
    return _wald(n, 0.5)


def bonett_price(n: int) -> Ends:
    """Wald's, with one pair more of either kind in which the two differ (adjusted by Laplace's rule)."""
    return _wald(n, 1.0)


def tango(n: int) -> Ends:
    """Tango's score interval as it was published."""
    z = normal_quantile(0.95)
    known = cache(above)
    return _each(n, lambda both, first, second: (-known(second, first, n, z), known(first, second, n, z)))


METHODS: dict[str, Callable[[int], Ends]] = {
    "Newcombe's method 10": newcombe,
    "Agresti and Min": agresti_min,
    "Bonett and Price": bonett_price,
    "Tango's score": tango,
    "Tango's score, longer near 1: the one used": used,
}


def plane(n: int = 40) -> str:
    """A row per interval: how often it holds, over the plane of both shares of pairs that differ."""
    each = [(p, q, part) for p in AXIS for q in AXIS if p + q < 1 + _ROUNDED for part in TOGETHER]
    shares = _shares([one for one in each if 0 < max(one[:2]) < 1])
    lines = ["| interval | mean | least | most | within 93 to 97 % |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, ends in METHODS.items():
        held = holding(shares, ends(n), n)
        within = np.mean((held >= 0.93) & (held <= 0.97))
        lines.append(f"| {name} | {held.mean():.1%} | {held.min():.1%} | {held.max():.1%} | {within:.0%} |")
    return "\n".join(lines)


def by_difference(n: int = 40) -> str:
    """How often differences of almost nothing are held, and what is the least that can be had."""
    lines = [
        "| difference | " + " | ".join(METHODS) + " | shortest, never below 95 % | shortest, never below 93 % |",
        "| ---: |" + " ---: |" * (len(METHODS) + 2),
    ]
    ends = [each(n) for each in METHODS.values()]
    for apart in NEAR:
        held = [holding(_shares([(apart, 0.0, 0.5)]), each, n)[0] for each in ends]
        held += [shortest(apart, n, floor) for floor in (0.95, 0.93)]
        lines.append(f"| {apart:.4g} | " + " | ".join(f"{one:.1%}" for one in held) + " |")
    return "\n".join(lines)


def holding(shares: Floats, ends: Ends, n: int) -> Floats:
    """The chance of the tables whose interval holds the difference, at each of some shares [points, 4]."""
    low, high = ends
    found = []
    for part in np.array_split(shares, max(1, len(shares) // 100)):
        apart = (part[:, 1] - part[:, 2])[:, None]
        found.append((chances(part, tables(n)) * ((low - _ROUNDED <= apart) & (apart <= high + _ROUNDED))).sum(1))
    return np.concatenate(found)


@cache
def shortest(apart: float, n: int, floor: float) -> float:
    """How often the shortest interval of its kind holds a difference, where the second share alone is 0.

    Of its kind: tables are given up in the order of their score. The shortest gives up the most that leaves the chance
    of the others at or above `floor`, whatever the second share is.
    """
    most = (1 - apart) / 2
    seconds = np.concatenate([np.linspace(0, min(0.1, most), 60), np.linspace(min(0.1, most), most, 60)])
    apart_only = tables(n)[tables(n)[:, 0] == 0]  # the score doesn't tell pairs apart that are alike: all have neither
    likely = chances(_shares([(apart + second, second, 0.0) for second in seconds]), apart_only)
    order = np.round(_scores(apart, apart_only), 9)
    kept = 1.0
    for line in np.unique(order)[::-1]:
        held = likely[:, order < line].sum(1)
        if held.min() < floor:
            break
        kept = float(held[0])
    return kept


def _scores(apart: float, found: NDArray[np.int64]) -> Floats:
    """How many standard deviations each table is off a difference."""
    n, (_, more, fewer, _) = int(found[0].sum()), found.T.astype(np.float64)
    half = (2 * n - more + fewer) * apart - more - fewer
    second = (np.sqrt(half**2 + 8 * n * fewer * apart * (1 - apart)) - half) / (4 * n)
    spread = np.sqrt(np.maximum(n * (2 * second + apart * (1 - apart)), 1e-30))
    return np.asarray(np.abs(more - fewer - n * apart) / spread)


def _shares(each: list[tuple[float, float, float]]) -> Floats:
    """Of both, the first alone, the second alone and neither, from the middle two and how the rest is split."""
    given = np.array(each, dtype=np.float64)
    rest = np.maximum(1 - given[:, 0] - given[:, 1], 0.0)
    return np.stack([rest * given[:, 2], given[:, 0], given[:, 1], rest * (1 - given[:, 2])], axis=1)


def _each(n: int, ends: Callable[[int, int, int], Any]) -> Ends:
    found = np.array([ends(*each[:3]) for each in tables(n).tolist()])
    return found[:, 0], found[:, 1]


def _wald(n: int, more: float) -> Ends:
    _, first, second, _ = tables(n).T
    p, q = (first + more) / (n + 2), (second + more) / (n + 2)
    half = normal_quantile(0.95) * np.sqrt(np.maximum(p + q - (p - q) ** 2, 0) / (n + 2))
    return np.maximum(p - q - half, -1.0), np.minimum(p - q + half, 1.0)


if __name__ == "__main__":
    print(plane(), by_difference(), sep="\n\n")
