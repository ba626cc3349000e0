"""Integrals of slopes along a path, with the numerical error found and not assumed.

The path is cut into panels. On each, Simpson's rule on its halves is held against the rule on the whole of it, row by
row, and its sum against what the metric really changes by between the ends of the panel: the completeness of integrated
gradients holds on every piece of the path. The panel with the largest error is halved until all errors are within a
tolerance or the points are spent. Where the metric is steep, as a root mean square norm makes it near a zero embedding,
the points gather by themselves, and a kink (the best rival changes) costs a dozen of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
At = Callable[[float], tuple[float, Floats]]
"""Place on the path, 0 to 1 -> the metric there, and each token's part of its slope along the whole path, [tokens]."""

FEWEST = 5
"""Points of a panel, and so of the first."""

_NARROWEST = 2.0**-20  # share of the path: in float32 the points of a narrower panel are hardly apart
_HALVES, _WHOLE = np.array([1.0, 4, 2, 4, 1]) / 12, np.array([2.0, 0, 8, 0, 2]) / 12  # Simpson's rule


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A piece of the path: its ends, each token's integral over it, and what is wrong with that.

    Args:
        tokens: float64 [tokens], Simpson's rule on both halves.
        doubts: float64 [rows], how far a row's sum is from the rule on the whole; where the metric is smooth about 15
            times the error.
        gap: the sum of `tokens` minus the change of the metric.
    """

    start: float
    end: float
    tokens: Floats
    doubts: Floats
    gap: float

    @property
    def error(self) -> float:
        """The largest of its errors."""
        return max(float(self.doubts.max(initial=0.0)), abs(self.gap))


@dataclass(frozen=True, slots=True)
class PathIntegral:
    """What was found.

    Args:
        tokens: float64 [tokens], the integral of each token's slope.
        errors: float64 [rows], how far off the sum of a row's tokens may be: all doubts about it, and the gap, which
            may lie in any of them. With too few points for the shape of the path this is a guess.
        change: what the metric changes by along the path.
        gap: the sum of `tokens` minus `change`; 0 for the exact integral.
        points: how many points were computed.
        converged: whether every row's doubts, and the gaps of all panels, add up to less than was allowed.
    """

    tokens: Floats
    errors: Floats
    change: float
    gap: float
    points: int
    converged: bool


def integrate(at: At, rows: Sequence[slice], *, tolerance: float, least: float, points: int) -> PathIntegral:
    """The integral over the whole path.

    Args:
        rows: tokens of each row, whose sums are to be right.
        tolerance: the error allowed, as a share of the metric's change along the path.
        least: changes smaller than this count as this, in units of the metric.
        points: most points, though never fewer than `FEWEST`.
    """
    known: dict[float, tuple[float, Floats]] = {}
    panels = [_panel(at, known, rows, 0.0, 1.0)]
    change = float(known[1.0][0] - known[0.0][0])
    allowed = tolerance * max(abs(change), least)
    while True:
        doubts = np.sum([panel.doubts for panel in panels], axis=0)
        gaps = sum(abs(panel.gap) for panel in panels)
        converged = bool(max(gaps, float(doubts.max(initial=0.0))) <= allowed)
        wide = [panel for panel in panels if panel.end - panel.start > _NARROWEST]
        # Halving a panel takes at most FEWEST - 1 new points: every other one is known.
        if converged or not wide or len(known) + FEWEST - 1 > points:
            break
        worst = max(wide, key=lambda panel: panel.error)
        middle = (worst.start + worst.end) / 2
        panels.remove(worst)
        panels += [_panel(at, known, rows, worst.start, middle), _panel(at, known, rows, middle, worst.end)]
    tokens = np.sum([panel.tokens for panel in panels], axis=0)
    gap = float(tokens.sum() - change)
    return PathIntegral(tokens, doubts + abs(gap), change, gap, len(known), converged)


def _panel(at: At, known: dict[float, tuple[float, Floats]], rows: Sequence[slice], start: float, end: float) -> Panel:
    places = [start + (end - start) * k / (FEWEST - 1) for k in range(FEWEST)]
    for place in places:
        if place not in known:
            known[place] = at(place)
    slopes = np.stack([known[place][1] for place in places]) * (end - start)
    tokens = _HALVES @ slopes
    # Two rules over the same points: their difference is the doubt about the better one, and costs no further point.
    apart = tokens - _WHOLE @ slopes
    change = known[end][0] - known[start][0]
    doubts = np.array([abs(apart[row].sum()) for row in rows])
    return Panel(start, end, tokens, doubts, float(tokens.sum() - change))
