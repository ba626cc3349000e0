"""The curve of early answers: what was scored where the thought stops, so that cancelled work leaves a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.answers.forced import NOT_MEASURED, Forced, errors, values
from cotlens.trace import Span
from cotlens.trace.answers import AnswerForm


@dataclass
class Curve:
    """What was scored at each point, so far: every followed answer, then the target with its lines masked.

    Args:
        lines: the sentences that are masked; `unmasked` says why there are none.
        said_at, said: what the model would answer itself at some points; None where nothing can be read.
    """

    at: list[int]
    answers: list[str]
    lines: list[Span]
    form: AnswerForm
    unmasked: str = ""
    said_at: list[int] = field(default_factory=list)
    said: list[str | None] = field(default_factory=list)
    done: list[Forced] = field(default_factory=list)
    masked: list[Forced] = field(default_factory=list)

    @property
    def behind_lines(self) -> list[int]:
        """Points at which something of a line has been said."""
        return [point for point in self.at if self.lines and point > self.lines[0].start]

    def moving(self, floor: float, points: Sequence[int]) -> list[int]:
        """The middle of `points` in every stretch over which a probability, also of all others, changes by more."""
        moves = np.abs(np.diff(with_other(self.probabilities()), axis=0)).max(axis=1) > floor
        first = np.searchsorted(points, self.at)
        return [
            points[(a + b) // 2] for a, b, moved in zip(first, first[1:], moves, strict=False) if moved and b > a + 1
        ]

    def insert(self, more: Sequence[int], scored: Sequence[Forced]) -> None:
        """Add points: `scored` has every answer at each of them, point by point."""
        each, new = len(self.answers), dict[int, list[Forced]]()
        for points, found in ((self.at, self.done), (more, list(scored))):
            new |= {point: found[i * each : (i + 1) * each] for i, point in enumerate(points)}
        self.at[:] = sorted(new)
        self.done[:] = [one for point in self.at for one in new[point]]

    def follow(self, answers: list[str], scored: list[Forced]) -> None:
        """Follow more answers: `scored` has each of them at each point, point by point."""
        # `done` goes point by point, so what is followed later belongs in between.
        old, new = len(self.answers), len(answers)
        points = range(len(self.at))
        self.done[:] = [
            one for i in points for one in (*self.done[i * old : (i + 1) * old], *scored[i * new : (i + 1) * new])
        ]
        self.answers += answers

    def metric(self, name: str) -> NDArray[np.float64]:
        """One metric of the target at every point."""
        # The target is the first of the answers at every point.
        return values(self._all()[:: len(self.answers)], name)

    def errors(self, name: str) -> NDArray[np.float64]:
        """By how much that may be off at every point."""
        return errors(self._all()[:: len(self.answers)], name)

    def probabilities(self) -> NDArray[np.float64]:
        """Of every followed answer, [points, answers]."""
        return values(self._all(), "probability").reshape(len(self.at), len(self.answers))

    def masked_probabilities(self, plain: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the target with its lines masked; before the first of them that is the plain curve."""
        if not self.lines:
            return np.full(len(self.at), np.nan)
        behind = len(self.behind_lines)
        missing = [NOT_MEASURED] * (behind - len(self.masked))
        return np.concatenate([plain[: len(self.at) - behind], values([*self.masked, *missing], "probability")])

    def _all(self) -> list[Forced]:
        return [*self.done, *[NOT_MEASURED] * (len(self.at) * len(self.answers) - len(self.done))]


class Interpolation:
    """Values of measured points at all points: straight lines between them.

    Args:
        at: the measured points.
        every: all of them, in order, of which the first and the last are measured.

    Attributes:
        measured: which of `every` are, bool [every].
        stretches: neighbours among `at` between which some of `every` were left out, int32 [stretches, 2].
    """

    def __init__(self, at: Sequence[int], every: Sequence[int]) -> None:
        self._at, self._every = list(at), list(every)
        self.measured = np.isin(self._every, self._at)
        skipped = np.asarray(self._every)[~self.measured]
        last = np.unique(np.searchsorted(self._at, skipped))
        self.stretches = np.array([[at[i - 1], at[i]] for i in last], np.int32).reshape(-1, 2)

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """One number per measured point as one per point; NaN beside a point that has none yet."""
        return np.where(self.measured, self._spread(values), np.interp(self._every, self._at, values))

    def _spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        spread = np.full(len(self._every), np.nan)
        spread[self.measured] = values
        return spread


def with_other(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities with a last column for all answers that aren't followed."""
    other = np.clip(1 - probabilities.sum(axis=1, keepdims=True), 0, 1)
    return np.hstack([probabilities, other])
