"""Forced answers: what a model answers when its thought is closed at a point, and how sure it is.

A forced answer is the reader's value and terminator after the closed thought and the reader's suffix. Three metrics
read it, all from one pass:

- `log_probability`: log p(value and terminator), nats.
- `probability`: its exponential.
- `logit_difference`: log-odds of the answer against its best rival, min over its tokens i of
  log p(a_i..a_m | a_<i) - max_{v != a_i} log p(v | a_<i), nats. For an answer of one token this is exactly the
  difference of two logits. It goes on moving where a sure answer's log-probability has no room left to move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.models.contract import Branch, BranchScore, Intervention, Model
from cotlens.trace import Trace

FORCED_TOKENS = 24  # bound on the tokens of close, suffix, value and terminator
METRICS = {"logit_difference": "nats", "log_probability": "nats", "probability": "probability"}
METRIC_WORDS = {
    "logit_difference": "logit difference of {answer!r} to its best rival",
    "log_probability": "log p({answer!r})",
    "probability": "p({answer!r})",
}


@dataclass(frozen=True)
class Point:
    """One forced answer to score: the thought closed before token `at`, the value given, tokens hidden from it."""

    at: int
    value: str
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True)
class Forced:
    """How a model takes one forced answer, nats."""

    log_probability: float
    logit_difference: float

    @property
    def probability(self) -> float:
        """exp of the log-probability."""
        return float(np.exp(self.log_probability))


NOT_MEASURED = Forced(float("nan"), float("nan"))


def target_answer(trace: Trace, given: str | None) -> str:
    """The answer to measure: the one given, else the one the trace gives.

    Raises:
        InputError: the trace has no answer that its reader can read, and none was given.
    """
    if given is not None:
        return given
    answer = trace.read_answer()
    if answer is None:
        reader = trace.reader.name if trace.reader is not None else "none"
        raise InputError(
            f"The answer of this trace could not be read (reader: {reader}; answer text: {trace.answer[:60]!r}): "
            "pass target= with the answer to measure, or let the model finish with model.resume(trace)."
        )
    return answer.text


def score_points(
    model: Model, trace: Trace, points: Sequence[Point], interventions: Sequence[Intervention] = ()
) -> list[Forced]:
    """Score forced answers, all of them against one trunk."""
    answers = [model.answer_branch(trace, point.at, point.value) for point in points]
    branches = [
        Branch(point.at, answer.token_ids, point.hidden, given=answer.value_start)
        for point, answer in zip(points, answers, strict=True)
    ]
    scores = model.score(trace, branches, interventions=interventions)
    return [read(score, answer.value_start) for score, answer in zip(scores, answers, strict=True)]


def read(score: BranchScore, start: int) -> Forced:
    """The metrics of an answer whose tokens begin at `start` in the branch."""
    own = score.logprobs[start:].astype(np.float64)
    rivals = score.rival_logprobs[start:].astype(np.float64)
    rest = np.cumsum(own[::-1])[::-1]  # log p of token i and all after it
    return Forced(float(own.sum()), float((rest - rivals).min()))


def values(forced: Sequence[Forced], metric: str) -> NDArray[np.float64]:
    """One metric of many forced answers, float64 [n]."""
    return np.array([getattr(one, metric) for one in forced], dtype=np.float64)
