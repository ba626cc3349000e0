"""Forks: estimates of a sentence's importance held to the exact value, and what leaving one copy out misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from cotlens.measure.importance import METHODS
from cotlens.models.abacus.truth import Truth
from tests.truth.figures import Figure, mean
from tests.truth.questions import Question
from tests.truth.settings import COVERED


@dataclass(frozen=True)
class ForkRow:
    """One method over forks.

    error: |estimate - exact| at the deciding sentence; bias: estimate - exact there; elsewhere: |estimate| of the other
    sentences, whose exact value is 0. covers: share of deciding sentences whose interval holds the exact value;
    covers_zero: the same for the others. first: share of thoughts in which the deciding sentence ranks first.
    """

    question: Question
    error: Figure
    bias: Figure
    elsewhere: Figure
    covers: Figure
    covers_zero: Figure
    first: Figure
    seconds: float


def ask(question: Question, truths: Sequence[Truth], model: Any) -> ForkRow:
    """A method on every fork whose exact value is known."""
    found: dict[str, list[float]] = {name: [] for name in ("error", "bias", "elsewhere", "covers", "zero", "first")}
    spent = []
    for truth in usable(truths)[: question.most]:
        assert truth.fork is not None
        result = METHODS.get(question.method)(**question.made(truth)).run(truth.trace, model, 0)
        columns = result.columns
        exact, scores = getattr(truth.fork, question.exact), question.score(result)
        at = int(np.flatnonzero(columns["start"] == truth.sentences[truth.fork.sentence].span.start)[0])
        others = np.isfinite(scores) & (np.arange(len(scores)) != at)
        found["error"].append(abs(scores[at] - exact))
        found["bias"].append(scores[at] - exact)
        found["elsewhere"].append(float(np.abs(scores[others]).mean()))
        low, high = columns["low"], columns["high"]
        found["covers"].append(_holds(low[at], high[at], exact))
        found["zero"].append(float(np.mean([_holds(low[i], high[i], 0.0) for i in np.flatnonzero(others)])))
        found["first"].append(float(scores[at] >= np.nanmax(scores)) if np.isfinite(scores[at]) else 0.0)
        spent.append(float(result.provenance.cost.seconds))
    figures = {name: mean(values, bounds=(-1.0 if name == "bias" else 0.0, 1.0)) for name, values in found.items()}
    return ForkRow(question, figures["error"], figures["bias"], figures["elsewhere"], figures["covers"],
                   figures["zero"], figures["first"], median(spent) if spent else float("nan"))  # fmt: skip


def usable(truths: Sequence[Truth]) -> list[Truth]:
    """Forks that the model settles in a known way almost surely, so that their value is exact."""
    return [truth for truth in truths if truth.fork is not None and truth.fork.covered >= COVERED]


def _holds(low: float, high: float, exact: float) -> float:
    if not (np.isfinite(low) and np.isfinite(high)):
        return float("nan")
    return float(low <= exact <= high)


def redundancy(truths: Sequence[Truth], model: Any, effect: str) -> Figure:
    """Where the final total is said more than once: effect of the copy that matters most, as a share of the set's."""
    shares = []
    for truth in truths:
        if not truth.restated or truth.from_prompt:
            continue
        places = [(number.start, number.end) for number in truth.copies]
        groups = [places, *([place] for place in places)]
        result = METHODS.get("Occlusion")(effect=effect, groups=groups).run(truth.trace, model, 0)
        together, *alone = np.asarray(result.columns["estimate"], dtype=np.float64)
        if together > 0:
            shares.append(float(max(alone) / together))
    return mean(shares)
