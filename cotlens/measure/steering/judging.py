"""Whether steering changed the answer or broke the model: what is measured of a steered rerun, and of its control.

- The probability of the baseline's answer, forced after the thought: before, and after under the same steering.
- The perplexity of what was written, under the model without any steering: exp of the mean negative log-likelihood per
  token, temperature 1. A thought that the model would never write has lost its sense, whatever it answers.
- The same for random vectors of the same length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cotlens._core import check
from cotlens._core.errors import BackendError
from cotlens.measure.answers.forced import Point, score_points, target_answer
from cotlens.measure.answers.forms import form_of
from cotlens.measure.steering.rerun import rewrite, start_of
from cotlens.measure.steering.where import Ends, Steering, as_steerings, interventions
from cotlens.models.contract import Branch, Model, OnToken
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm, unread


@dataclass(frozen=True, eq=False)
class SteeredRun:
    """A steered rerun beside its baseline.

    Args:
        baseline, steered: the traces; both are the same up to token `at`.
        at: token from which the model wrote on.
        steerings: what was added.
        answer, answer_after: what the two answer; None where no answer can be read.
        probability, probability_after: of the baseline's answer, forced after the baseline's thought without steering
            and after the steered thought with it; NaN where there is no answer to follow or no thought.
        perplexity, perplexity_after: of the text from `at` on, under the model without steering; NaN where there is
            none.
        status: "ok", or why something is NaN.
        control: the same with random vectors of the same length, if it was asked for.
    """

    baseline: Trace
    steered: Trace
    at: int
    steerings: tuple[Steering, ...]
    answer: str | None
    answer_after: str | None
    probability: float
    probability_after: float
    perplexity: float
    perplexity_after: float
    status: str = "ok"
    control: SteeredRun | None = None

    @property
    def changed(self) -> bool | None:
        """Whether the answer is another one; None where the baseline has none."""
        return None if self.answer is None else self.answer_after != self.answer


def steer(
    model: Model,
    trace: Trace,
    steerings: Any,
    *,
    at: int | None = None,
    seed: int = 0,
    control: int | None = 0,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    on_token: OnToken | None = None,
) -> SteeredRun:
    """Rerun `trace` from token `at` with vectors added, and judge it.

    Args:
        control: seed of the random vectors that are tried alike; None for no control.
        others: as in `rewrite`.

    Raises:
        InputError: a vector doesn't fit the model, or the model can't go on from `at`.
        BackendError: the model's numbers became NaN or infinite; the baseline is kept. A control that breaks the model
            is left out, and the status says so.
        Cancelled: with what was written so far as `partial`.
    """
    chosen = as_steerings(steerings)
    start = start_of(model, trace, chosen) if at is None else check.whole("at", at)
    settings: dict[str, Any] = {
        "at": start, "seed": seed, "max_new_tokens": max_new_tokens, "temperature": temperature, "top_p": top_p,
        "top_k": top_k,
    }  # fmt: skip
    steered = rewrite(model, trace, chosen, on_token=on_token, **settings)
    run = judge(model, trace, steered, chosen, start)
    if control is None:
        return run
    others = controls(chosen, control)
    try:
        beside = judge(model, trace, rewrite(model, trace, others, **settings), others, start)
    except BackendError as error:
        return replace(run, status=f"the control was not measured: {error}" if run.status == "ok" else run.status)
    return replace(run, control=beside)


def controls(steerings: Sequence[Steering], seed: int) -> tuple[Steering, ...]:
    """The same steerings with random vectors of the same length, each with a direction of its own."""
    return tuple(replace(one, vector=one.vector.random(seed + i)) for i, one in enumerate(steerings))


def judge(model: Model, baseline: Trace, steered: Trace, steerings: Any, at: int) -> SteeredRun:
    """Measure a rerun that was written from token `at` of `baseline`; four forward passes at most.

    Raises:
        BackendError: the model's numbers are NaN or infinite.
    """
    chosen = as_steerings(steerings)
    answer, after = baseline.read_answer(), steered.read_answer()
    value = None if answer is None else answer.text
    before_p, after_p, why = math.nan, math.nan, f"of the baseline {unread(baseline.reader, baseline.finished)}"
    if value is not None:
        asked = target_answer(baseline, None).surface, form_of(baseline, model)
        before_p, after_p = forced(model, baseline, *asked), forced(model, steered, *asked, chosen, at)
        why = "the thought was not closed" if math.isnan(after_p) else "ok"
    return SteeredRun(
        baseline,
        steered,
        at,
        chosen,
        value,
        None if after is None else after.text,
        before_p,
        after_p,
        perplexity(model, baseline, at),
        perplexity(model, steered, at),
        why,
    )


def forced(
    model: Model, trace: Trace, value: str, form: AnswerForm, steerings: Sequence[Steering] = (), at: int = 0
) -> float:
    """Probability of the answer `value`, forced after the thought of `trace`, under the steerings of a rerun from `at`.

    NaN where the trace has no thought, or one that was never ended.
    """
    thought = trace.roles.get("thought")
    if thought is None or ("answer" not in trace.roles and trace.meta.get("finish") != "given"):
        return math.nan
    changes = interventions(steerings, trace, at, Ends(thought.end, thought.end))
    return score_points(model, trace, [Point(thought.end, value)], changes, form)[0].probability


def perplexity(model: Model, trace: Trace, at: int) -> float:
    """exp of the mean negative log-likelihood of the tokens from `at` on, under the model as it is; NaN for none."""
    ids = trace.token_ids
    if at >= len(ids):
        return math.nan
    score = model.score(ids[:at], [Branch(at, ids[at:])])[0]
    return float(np.exp(-score.logprobs.astype(np.float64).mean()))
