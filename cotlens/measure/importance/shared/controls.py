"""What an early-answer curve has to be read beside: no thought at all, no stated answer, and how long nothing changed.

Without them a flat curve may mean that the question alone gives the answer away, and a late jump that the thought ends
in a line that states it (arXiv 2605.10799).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens.measure.answers.forced import Forced, StopPoint, score_points
from cotlens.measure.method import in_blocks
from cotlens.models.contract import EVER, BlockAttention, Model
from cotlens.trace import Span, Trace
from cotlens.trace.answers import AnswerForm

BY_TOKENS = "trapezoid over the share of the thought's tokens that is kept"
OTHER = "(other)"
BY_UNITS = "trapezoid over the share of the thought's units that is kept, each counting the same"


@dataclass(frozen=True)
class LastChange:
    """After which token the forced answer stays what it is.

    Args:
        at: the token before which the thought stops when the last answer is first given for good; None where the answer
            never changes.
        tokens_after: tokens of the thought from there on.
        was: the answer before it, "" where there is no change.
    """

    at: int | None
    tokens_after: int
    was: str


def masked(
    model: Model, trace: Trace, at: Sequence[int], target: str, lines: Sequence[Span], form: AnswerForm
) -> Iterator[Forced]:
    """Forced answers at the points `at` of a thought whose `lines` are hidden from everything after them.

    A line that is cut by its point is hidden as far as it was said.
    """

    def work(block: Sequence[int]) -> list[Forced]:
        found: list[Forced] = []
        for whole, part in groupby(block, lambda point: sum(line.end <= point for line in lines)):
            blocks = [BlockAttention(range(line.end, EVER), range(line.start, line.end)) for line in lines[:whole]]
            begun = lines[whole : whole + 1]  # cut by the point, if it has begun
            points = [StopPoint(at, target, tuple(t for line in begun for t in range(line.start, at))) for at in part]
            found += score_points(model, trace, points, blocks, form)
        return found

    return in_blocks(at, work, "answer lines masked")


def area_over(curve: ArrayLike, at: ArrayLike) -> float:
    """1 - the area under `curve` over `at` stretched to [0, 1], by trapezoids; NaN where the curve has gaps.

    High: the answer is not there until late, so the thought matters (Lanham et al. 2023, arXiv 2307.13702). Ports
    differ in what stands on the axis, so say it: tokens, or units counted alike.
    """
    heights, places = np.asarray(curve, dtype=np.float64), np.asarray(at, dtype=np.float64)
    if len(places) < 2:
        return float("nan")
    share = (places - places[0]) / (places[-1] - places[0])
    return float(1 - np.sum((heights[1:] + heights[:-1]) / 2 * np.diff(share)))


def leading(curve: NDArray[np.float64], answers: Sequence[str]) -> list[str]:
    """At every point the likeliest of the followed answers, `OTHER` where all that aren't followed have more together.

    "" where they weren't measured. `curve` is [points, n].
    """
    found = []
    for row in curve:
        best, rest = int(np.argmax(row)), 1 - row.sum()
        found.append("" if not np.isfinite(row).all() else answers[best] if row[best] >= rest else OTHER)
    return found


def last_change(leaders: Sequence[str], at: Sequence[int]) -> LastChange:
    """The last of the points `at`, the last of which is all of the thought, at which the leading answer changes."""
    for i in range(len(leaders) - 1, 0, -1):
        if leaders[i] != leaders[i - 1]:
            return LastChange(int(at[i]), int(at[-1] - at[i]), leaders[i - 1])
    return LastChange(None, int(at[-1] - at[0]), "")
