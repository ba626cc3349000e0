"""Adaptive resampling beside 100 rollouts everywhere: rollouts until the widest interval is as narrow.

On Abacus, over the first problems of a kind as they come: where one sentence decides, and where nothing does. There the
answer is settled at every boundary and hardly a sentence comes again word by word, so little can be saved.
"""

from __future__ import annotations

import numpy as np

import cotlens as cl
from cotlens import organisms
from cotlens.models.contract import Model
from cotlens.results import Result
from tests.benchmarks.table import Row

GOAL = "at most half as many"
STEPS = 4


def adaptive() -> list[Row]:
    """A row for each kind of thought."""
    model = cl.load("abacus", store=False)
    return [
        _row("thoughts in which a sentence decides", model, 4, True, GOAL),
        _row("thoughts in which nothing does", model, 2, False),
    ]


def _row(name: str, model: Model, traces: int, fork: bool, goal: str = "") -> Row:
    ours = theirs = 0
    for problem in organisms.problems(traces, steps=STEPS, fork=fork):
        trace = model.reason(problem.prompt)
        fixed = cl.importance.Resampling(n=100).run(trace, model, seed=1)
        found = cl.importance.Resampling(half_width=_widest(fixed), max_rollouts=20_000).run(trace, model, seed=2)
        assert _widest(found) <= _widest(fixed)
        low, high = (np.asarray([each.columns[end] for each in (fixed, found)]) for end in ("low", "high"))
        assert (low.max(axis=0) <= high.min(axis=0)).mean() > 0.9, "the two don't agree"
        ours += found.extras["rollouts_sampled"]
        theirs += fixed.extras["rollouts_sampled"]
    what = f"adaptive resampling to the widest interval of n=100, {traces} {name}"
    return Row(what, ours, theirs, "100 from every boundary", goal, unit="rollouts")


def _widest(result: Result) -> float:
    return float(np.max(result.columns["high"] - result.columns["low"]) / 2)
