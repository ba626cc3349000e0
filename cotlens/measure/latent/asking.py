"""What a model answers behind a thought whose latents were replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.answers.forced import Forced, ForcedQuery
from cotlens.models.contract import LatentRow, Model
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm


@dataclass(frozen=True, eq=False)
class Asked:
    """A run of the thought and the answers that are forced behind it.

    Args:
        replaced: latent -> float32 [d_model].
        values: the answers, as they are written.
    """

    values: Sequence[str]
    replaced: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    effect: str = "total"


def ask(model: Model, trace: Trace, asked: Sequence[Asked], form: AnswerForm) -> list[list[Forced]]:
    """How the model takes each answer of each run; all runs go in lockstep."""
    end = int(trace.roles["thought"].end)
    queries: dict[str, ForcedQuery] = {}
    for value in dict.fromkeys(value for one in asked for value in one.values):
        queries[value] = ForcedQuery(model.answer_branch(trace, end, value, form), end)
    rows = [
        LatentRow(one.replaced, one.effect, [branch for value in one.values for branch in queries[value].branches()])
        for one in asked
    ]
    found = []
    for one, run in zip(asked, model.think(trace, rows), strict=True):
        scores = iter(run.scores)
        found.append([queries[v].read([next(scores) for _ in queries[v].branches()]) for v in one.values])
    return found


def answers(forced: Forced) -> bool:
    """Whether a forced answer is the one that the model gives: each of its tokens is the likeliest in its place."""
    return forced.greedy_margin > 0
