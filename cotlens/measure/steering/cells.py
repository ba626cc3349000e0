"""One cell of a sweep: rollouts under one intervention, what is read off each of them, and intervals over many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.answers.forced import ForcedQuery, Target, score_queries
from cotlens.measure.answers.forms import form_of
from cotlens.measure.stats import Interval, alike, wilson
from cotlens.measure.steering.judging import may_be_damaged
from cotlens.measure.steering.where import Ends, Steering, ends_of, in_thought, interventions
from cotlens.models.contract import Branch, Model, Start
from cotlens.trace import Trace

Metric = Callable[[Trace], float]
READOUTS = ("changed", "probability", "perplexity")
BOUNDED = ("changed", "probability")
"""Readouts between 0 and 1, which a rollout that was cut off may lack."""
_REPEATS = 2000


@dataclass(frozen=True, eq=False)
class SweepQuestion:
    """One trace of a sweep: from which token it is written anew, how often, and the answer that is followed."""

    trace: Trace
    at: int
    indices: range
    answer: Target | None


@dataclass
class SweepCell:
    """What was read off the rollouts of one arm: readout -> one list per cluster (a trace, or a random direction)."""

    values: dict[str, list[list[float]]] = field(default_factory=dict)
    status: str = "not measured: cancelled"

    def add(self, cluster: dict[str, list[float]]) -> None:
        """The rollouts of one more cluster."""
        for name, values in cluster.items():
            self.values.setdefault(name, []).append(values)

    @property
    def n(self) -> int:
        """How many rollouts there are."""
        return sum(map(len, self.values.get("changed", [])))

    def all(self, name: str) -> NDArray[np.float64]:
        """One readout of every rollout."""
        return np.array([value for part in self.values.get(name, []) for value in part], dtype=np.float64)


def measure(
    model: Model,
    question: SweepQuestion,
    steerings: Sequence[Steering],
    metric: Metric | None,
    settings: dict[str, Any],
    seed: int,
) -> dict[str, list[float]]:
    """Write the rollouts of a question under `steerings` and read them: readout -> one value per rollout.

    Beside the readouts "finished": 1 where the rollout ended by itself.

    Raises:
        BackendError: the model's numbers became NaN or infinite.
        Cancelled: between two tokens; finished rollouts are in the model's store.
    """
    rollouts = _written(model, question, steerings, settings, seed)
    found = {
        "changed": [_changed(question, one) for one in rollouts],
        "probability": _probabilities(model, question, rollouts, steerings),
        "perplexity": _surprisal(model, question, rollouts),
        "finished": [float(one.finished) for one in rollouts],
    }
    if metric is not None:
        found["metric"] = [float(metric(one)) for one in rollouts]
    return found


def summary(cell: SweepCell, name: str, seed: int) -> tuple[float, Interval]:
    """The mean of a readout over rollouts and its 95 % interval, for perplexity that of logarithms; NaN for none.

    Bootstrap over clusters and the rollouts within; of a proportion the wider of that and Wilson's. Where all rollouts
    have one value, what so many leave open of a probability, and NaN for what has no bounds.
    """
    clusters = [np.array(part, dtype=np.float64) for part in cell.values.get(name, [])]
    return _mean([part[np.isfinite(part)] for part in clusters], name, seed)


def damaged(cell: SweepCell, own: SweepCell) -> NDArray[np.bool_]:
    """Which rollouts may be damaged, bool [n], each read against that of `own` with the same random numbers.

    Clusters come trace by trace, and those of a trace in the order of its rollouts, so both cells are in one order.
    """
    # A cell that was cancelled has fewer rollouts than that of its unsteered texts.
    texts = [np.stack([each.all("perplexity"), each.all("finished")], 1)[: cell.n] for each in (cell, own)]
    return np.array(
        [
            may_be_damaged(math.exp(s), math.exp(o), o_end > s_end)
            for (s, s_end), (o, o_end) in zip(*texts, strict=True)
        ],
        dtype=np.bool_,
    )


def worst(cell: SweepCell, name: str, seed: int) -> Interval:
    """The interval of a bounded readout over all values that rollouts without one might have had."""
    parts = [np.array(part, dtype=np.float64) for part in cell.values.get(name, [])]
    low, high = (_mean([np.nan_to_num(part, nan=value) for part in parts], name, seed)[1] for value in (0.0, 1.0))
    return Interval(low.low, high.high)


def _mean(clusters: Sequence[NDArray[np.float64]], name: str, seed: int) -> tuple[float, Interval]:
    clusters = [part for part in clusters if len(part)]
    if not clusters:
        return math.nan, Interval(math.nan, math.nan)
    pooled = np.concatenate(clusters)
    mean, drawn = float(pooled.mean()), _redrawn(clusters, seed)
    low, high = (math.nan, math.nan) if len(pooled) < 2 else np.quantile(drawn, [0.025, 0.975])
    if np.ptp(pooled) == 0 and name != "changed":
        low, high = alike(mean, len(pooled), (0.0, 1.0)) if name in BOUNDED else (math.nan, math.nan)
    if name == "changed":
        fixed = wilson(float(pooled.sum()), len(pooled))
        low, high = float(np.fmin(low, fixed.low)), float(np.fmax(high, fixed.high))
    if name == "perplexity":
        return math.exp(mean), Interval(math.exp(low), math.exp(high))
    return mean, Interval(float(low), float(high))


def _redrawn(clusters: Sequence[NDArray[np.float64]], seed: int) -> NDArray[np.float64]:
    """Means of clusters drawn again, and of values drawn again within them."""
    rng = np.random.default_rng(seed)
    # Sums and not means: clusters that are drawn again have sizes of their own.
    sums = np.empty((_REPEATS, len(clusters)))
    for i, part in enumerate(clusters):
        sums[:, i] = rng.choice(part, (_REPEATS, len(part))).sum(1)
    sizes = np.array([len(part) for part in clusters])
    if len(clusters) == 1:
        return np.asarray(sums[:, 0] / sizes[0])
    chosen = rng.integers(len(clusters), size=(_REPEATS, len(clusters)))
    return np.asarray(np.take_along_axis(sums, chosen, 1).sum(1) / sizes[chosen].sum(1))


def _written(
    model: Model, question: SweepQuestion, steerings: Sequence[Steering], settings: dict[str, Any], seed: int
) -> list[Trace]:
    """The rollouts; where the end of the thought decides what is added, the answers are written after the thoughts."""
    trace, at = question.trace, question.at
    start = Start(trace, at, question.indices)
    rollouts: list[Trace] = model.rollouts(
        [start], seed=seed, interventions=interventions(steerings, trace, at), **settings
    )[0]
    if not in_thought(steerings):
        return rollouts
    return [_answered(model, trace, one, steerings, at, settings, seed) for one in rollouts]


def _answered(
    model: Model,
    trace: Trace,
    rollout: Trace,
    steerings: Sequence[Steering],
    at: int,
    settings: dict[str, Any],
    seed: int,
) -> Trace:
    ends = ends_of(model, rollout)
    if ends is None or not any(one.coefficient for one in steerings):
        return rollout
    changes = interventions(steerings, trace, at, ends)
    begin = max(at, ends.answer)
    index = int(rollout.meta["sample"])
    return model.rollouts([Start(rollout, begin, [index])], seed=seed, interventions=changes, **settings)[0][0]


def _changed(question: SweepQuestion, rollout: Trace) -> float:
    """1 where another answer is given, or none that can be read; NaN where the baseline has none, or it was cut off."""
    answer = rollout.read_answer()
    if question.answer is None or (answer is None and not rollout.finished):
        return math.nan
    return float(answer is None or answer.text != question.answer.group)


def _probabilities(
    model: Model, question: SweepQuestion, rollouts: Sequence[Trace], steerings: Sequence[Steering]
) -> list[float]:
    """Probability of the followed answer, forced after each thought under the same steering; NaN for open thoughts."""
    found, at = [math.nan] * len(rollouts), question.at
    together: dict[Any, list[tuple[int, ForcedQuery]]] = {}
    form = form_of(question.trace, model)
    for i, one in enumerate(rollouts):
        thought = one.roles.get("thought")
        if question.answer is None or thought is None or "answer" not in one.roles or thought.end < at:
            continue
        answer = model.answer_branch(one, thought.end, question.answer.surface, form)
        changes = interventions(steerings, question.trace, at, Ends(thought.end, thought.end))
        together.setdefault(changes, []).append((i, ForcedQuery(answer, at, one.token_ids[at : thought.end])))
    prefix = question.trace.token_ids[:at]
    for changes, asked in together.items():
        forced = score_queries(model, prefix, [one for _, one in asked], changes)
        for (i, _), each in zip(asked, forced, strict=True):
            found[i] = each.probability
    return found


def _surprisal(model: Model, question: SweepQuestion, rollouts: Sequence[Trace]) -> list[float]:
    """Mean negative log-likelihood per token of what was written, nats, under the model without steering."""
    at = question.at
    branches = [Branch(at, one.token_ids[at:]) for one in rollouts]
    scores = model.score(question.trace.token_ids[:at], branches)
    return [-float(score.logprobs.astype(np.float64).mean()) if len(score.logprobs) else math.nan for score in scores]
