"""Which other answers to watch: the ones a reader could plausibly read off this trace."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from cotlens.measure.importance.forced import Point, score_points, values
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.trace.answers import Choice, Number

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")
POOL = 48


def pool(trace: Trace, target: str) -> list[str]:
    """Answers other than `target` that stand in the prompt or the thought (numbers), or all letters of a choice.

    At most 48, the ones said last; empty for readers whose answers can't be listed.
    """
    if isinstance(trace.reader, Choice):
        return [letter for letter in trace.reader.letters if letter != target]
    if not isinstance(trace.reader, Number):
        return []
    found: dict[str, None] = {}
    for text in (trace.thought, trace.prompt):
        for number in reversed(_NUMBER.findall(text)):
            answer = trace.reader.read(number)
            if answer is not None and answer.text != target:
                found.setdefault(answer.text)
    return list(found)[:POOL]


def likeliest(model: Model, trace: Trace, target: str, at: Sequence[int], most: int) -> list[str]:
    """The `most` rivals whose probability is highest at any of the points `at`, likeliest first."""
    rivals = pool(trace, target)
    if not rivals or not most:
        return []
    points = [Point(position, rival) for rival in rivals for position in at]
    probabilities = values(score_points(model, trace, points), "probability").reshape(len(rivals), len(at))
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    return [rivals[i] for i in order[:most]]
