"""Whether steering changed the answer or broke the model: a steered rerun and what stands beside it.

- The probability of the baseline's answer, forced after the thought: before, and after under the same steering.
- The perplexity of what was written, under the model without any steering: exp of the mean negative log-likelihood per
  token, temperature 1. A thought that the model would never write has lost its sense, whatever it answers.
- The same for the unsteered rewrite: what the model writes from the same token on, with the same random numbers and
  settings, with nothing added. A baseline that was sampled otherwise, edited or pasted is not what the model would
  write there, so what steering did is read against this text and not against the baseline.
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
from cotlens.measure.answers.forced import StopPoint, score_points, target_answer
from cotlens.measure.answers.forms import form_of
from cotlens.measure.steering.rerun import rewrite, start_of
from cotlens.measure.steering.where import Ends, Steering, as_steerings, interventions
from cotlens.models.contract import Branch, Model, OnToken
from cotlens.trace import Trace
from cotlens.trace.answers import Answer, AnswerForm, unread

DAMAGE = 2.0
"""Perplexity, as a multiple of the unsteered rewrite's of the same tokens, above which a text may be damaged."""
DAMAGED_SHARE = 0.2
"""Share of damaged rollouts above which a point of a sweep is marked."""

UNRUN = "the baseline is an edit that was not rerun, so its answer is that of the text before the edit"


@dataclass(frozen=True, eq=False)
class SteeredRun:
    """A steered rerun beside its baseline, and beside what the model writes there without steering.

    Args:
        baseline, steered: the traces; both are the same up to token `at`.
        at: token from which the model wrote on.
        steerings: what was added.
        answer, answer_after: what the two answer; None where no answer can be read, and of an edit that was not rerun
            (`Trace.awaits_rerun`): what it has is the answer of the text before the edit.
        probability, probability_after: of the baseline's answer, forced after the baseline's thought without steering
            and after the steered thought with it; NaN where there is no answer to follow or no thought.
        perplexity, perplexity_after: of both texts from token `at` on, under the model without steering; NaN where
            there is none, or where the baseline is another text before `at`.
        status: "ok", or why something is NaN.
        control: the same with random vectors of the same length, if it was asked for.
        unsteered: the same with nothing added: the baseline written on from `at` with the same random numbers and
            settings. Its `answer_after`, `probability_after` and `perplexity_after` are what the steered ones are read
            against. None where it was not written.
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
    unsteered: SteeredRun | None = None

    @property
    def answer_unsteered(self) -> str | None:
        """The answer without steering: of the unsteered rewrite, of the baseline where there is none."""
        return self.answer if self.unsteered is None else self.unsteered.answer_after

    @property
    def perplexity_unsteered(self) -> float:
        """The perplexity without steering from `at` on: of the unsteered rewrite, else of the baseline."""
        return self.perplexity if self.unsteered is None else self.unsteered.perplexity_after

    @property
    def changed(self) -> bool | None:
        """Whether the answer is another one than without steering; None where there is none without it."""
        own = self.answer_unsteered
        return None if own is None else self.answer_after != own

    @property
    def endless(self) -> bool:
        """Whether the text came to no end within its limit where the unsteered one did."""
        own = self.baseline if self.unsteered is None else self.unsteered.steered
        return own.finished and not self.steered.finished

    @property
    def damaged(self) -> bool:
        """Whether the text may be damage and no change of mind; see `may_be_damaged`."""
        return may_be_damaged(self.perplexity_after, self.perplexity_unsteered, self.endless)


def may_be_damaged(perplexity: float, unsteered: float, endless: bool) -> bool:
    """The one rule for a rewritten text, in a verdict and in a sweep alike.

    Args:
        perplexity, unsteered: of the steered and of the unsteered rewrite, from the same token on, under the model
            without steering; NaN says nothing.
        endless: the steered text came to no end within a limit that sufficed for the unsteered one.
    """
    return endless or perplexity > DAMAGE * unsteered


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
    """Rerun `trace` from token `at` with vectors added, and judge it beside the unsteered rewrite from the same token.

    Args:
        control: seed of the random vectors that are tried alike; None for no control.
        others: as in `rewrite`.

    Raises:
        InputError: a vector doesn't fit the model, or the model can't go on from `at`.
        BackendError: the model's numbers became NaN or infinite; the baseline is kept. A control that breaks the model
            is left out, and the status says so.
        Cancelled: with what was written so far of the text that was being written as `partial`.
    """
    chosen = as_steerings(steerings)
    start = start_of(model, trace, chosen) if at is None else check.whole("at", at)
    settings: dict[str, Any] = {
        "at": start, "seed": seed, "max_new_tokens": max_new_tokens, "temperature": temperature, "top_p": top_p,
        "top_k": top_k,
    }  # fmt: skip
    steered = rewrite(model, trace, chosen, on_token=on_token, **settings)
    unsteered = rewrite(model, trace, unturned(chosen), **settings)
    run = judge(model, trace, steered, chosen, start, unsteered=unsteered)
    if control is None:
        return run
    others = controls(chosen, control)
    try:
        beside = judge(model, trace, rewrite(model, trace, others, **settings), others, start)
    except BackendError as error:
        return replace(run, status=f"the control was not measured: {error}" if run.status == "ok" else run.status)
    # One unsteered rewrite serves both: it depends on no vector.
    return replace(run, control=replace(beside, unsteered=run.unsteered))


def unturned(steerings: Sequence[Steering]) -> tuple[Steering, ...]:
    """The same with nothing added: thought and answer are written apart where they are, as the random numbers go."""
    return tuple(replace(one, coefficient=0.0) for one in steerings)


def controls(steerings: Sequence[Steering], seed: int) -> tuple[Steering, ...]:
    """The same steerings with random vectors of the same length, each with a direction of its own."""
    return tuple(replace(one, vector=one.vector.random(seed + i)) for i, one in enumerate(steerings))


def judge(
    model: Model, baseline: Trace, steered: Trace, steerings: Any, at: int, *, unsteered: Trace | None = None
) -> SteeredRun:
    """Measure a rerun that was written from token `at` of `baseline`; six forward passes at most.

    Args:
        unsteered: what the model writes from `at` on without steering, with the same random numbers and settings
            (`rewrite(model, trace, [], at=at, ...)`); without it the rerun is read against the baseline.

    Raises:
        BackendError: the model's numbers are NaN or infinite.
    """
    chosen = as_steerings(steerings)
    answer = own_answer(baseline)
    asked = None if answer is None else (target_answer(baseline, None).surface, form_of(baseline, model))
    shared = baseline.token_ids[:at] == steered.token_ids[:at]
    run = SteeredRun(
        baseline,
        steered,
        at,
        chosen,
        answer=None if answer is None else answer.text,
        probability=math.nan if asked is None else forced(model, baseline, *asked),
        perplexity=perplexity(model, baseline, at) if shared else math.nan,
        **_written(model, baseline, steered, asked, chosen, at),
    )
    if unsteered is None:
        return run
    none = unturned(chosen)
    written = _written(model, baseline, unsteered, asked, none, at)
    return replace(run, unsteered=replace(run, steered=unsteered, steerings=none, **written))


def _written(
    model: Model,
    baseline: Trace,
    steered: Trace,
    asked: tuple[str, AnswerForm] | None,
    steerings: Sequence[Steering],
    at: int,
) -> dict[str, Any]:
    """What is measured of a rewritten text: the fields of `SteeredRun` that say "after", and its status."""
    answer = own_answer(steered)
    why_not = UNRUN if baseline.awaits_rerun else f"of the baseline {unread(baseline.reader, baseline.finished)}"
    found, why = math.nan, why_not
    if asked is not None:
        found = forced(model, steered, *asked, steerings, at)
        why = "the thought was not closed" if math.isnan(found) else "ok"
    return {
        "answer_after": None if answer is None else answer.text,
        "probability_after": found,
        "perplexity_after": perplexity(model, steered, at),
        "status": why,
    }


def own_answer(trace: Trace) -> Answer | None:
    """The answer that a text itself comes to; None of an edit that was not rerun, which has that of the text before."""
    return None if trace.awaits_rerun else trace.read_answer()


def forced(
    model: Model, trace: Trace, value: str, form: AnswerForm, steerings: Sequence[Steering] = (), at: int = 0
) -> float:
    """Probability of the answer `value`, forced after the thought of `trace`, under the steerings of a rerun from `at`.

    NaN where the trace has no thought, or one that was never ended.
    """
    thought = trace.roles.get("thought")
    # A thought that the model was stopped in has no end to force an answer at; that of a given text has.
    if thought is None or ("answer" not in trace.roles and trace.meta.get("finish") != "given"):
        return math.nan
    changes = interventions(steerings, trace, at, Ends(thought.end, thought.end))
    return score_points(model, trace, [StopPoint(thought.end, value)], changes, form)[0].probability


def perplexity(model: Model, trace: Trace, at: int) -> float:
    """exp of the mean negative log-likelihood of the tokens from `at` on, under the model as it is; NaN for none."""
    ids = trace.token_ids
    if at >= len(ids):
        return math.nan
    score = model.score(ids[:at], [Branch(at, ids[at:])])[0]
    return float(np.exp(-score.logprobs.astype(np.float64).mean()))
