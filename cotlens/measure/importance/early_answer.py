"""Early answering: what the model would answer if its thought stopped here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.importance import table
from cotlens.measure.importance.forced import (
    METRICS,
    NOT_MEASURED,
    Forced,
    Point,
    score_points,
    target_answer,
    values,
)
from cotlens.measure.importance.rivals import POOL, likeliest
from cotlens.measure.method import Cost, Ledger, check_needs, check_setting, in_blocks, keeping
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

FORCED_TOKENS = 24  # bound on the tokens of close, suffix, value and terminator
RIVAL_TOKENS = 8  # bound on what another value adds: answers at one point share close and suffix


@dataclass(frozen=True, kw_only=True)
class EarlyAnswer:
    """If the thought had stopped before this word, and again after it: how much surer is the answer?

    For a unit [s, e): estimate = m(stopped before e) - m(stopped before s), where m is the `metric` of the trace's
    answer, forced after closing the thought. Positive: having said the unit makes the answer likelier. One packed
    pass; deterministic. The thought is cut off the model's own path, so this is a truncating edit: it misses what acts
    only through text that would have come later, and an answer known before the thought shows as a flat curve.

    Args:
        unit: "token", "sentence", "paragraph" or "step".
        metric: "logit_difference" (default), "log_probability" or "probability".
        target: the answer to follow; the trace's own by default.
        rivals: how many other answers the curve follows; those likeliest at any sentence end.

    The result's extras hold the curve: `curve` float32 [points, answers + 1] probabilities (last column: any other
    answer), `curve_at` the token index before which the thought stops, `curve_metric` [points], `answers`.

    Source: Lanham et al. 2023 (arXiv 2307.13702), with answer probabilities in place of sampled answers.
    """

    needs: ClassVar[Capability] = Capability.SCORE
    edit_type: ClassVar[str] = "truncated thought, forced answer"
    label: ClassVar[str] = "Early answer"

    unit: Literal["token", "sentence", "paragraph", "step"] = "token"
    metric: Literal["logit_difference", "log_probability", "probability"] = "logit_difference"
    target: str | None = None
    rivals: int = 6

    def __post_init__(self) -> None:
        check_setting("EarlyAnswer", "unit", self.unit, ("token", "sentence", "paragraph", "step"))
        check_setting("EarlyAnswer", "metric", self.metric, tuple(METRICS))
        if self.rivals < 0:
            raise InputError(f"EarlyAnswer was given rivals={self.rivals}: give 0 or a positive number.")

    def cost(self, trace: Trace) -> Cost:
        """A trunk pass per block and a forced answer per point and followed answer, at most."""
        points = len(self._points(trace))
        pooled = min(POOL, 4 + points) * (len(trace.spans("sentence")) + 1) if self.rivals else 0
        ends = len(trace.spans("sentence")) + 1
        tokens = (points + ends) * FORCED_TOKENS + (points * self.rivals + pooled) * RIVAL_TOKENS
        return Cost(10 * len(trace.token_ids) + tokens, forwards=10 + points * (1 + self.rivals) + pooled)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: the trace has no thought to measure, or no answer to follow.
            Cancelled: with what was measured so far as `partial`.
        """
        check_needs(self, model)
        units = table.units(trace, self.unit)
        target = target_answer(trace, self.target)
        ledger = Ledger(self, trace, model, seed)
        at = self._points(trace)
        ends = [units[0].start, *(span.end for span in trace.spans("sentence"))]
        answers, done = [target], list[Forced]()

        def result() -> Result:
            forced = [*done, *[NOT_MEASURED] * (len(at) * len(answers) - len(done))]
            return self._result(trace, units, at, answers, forced, ledger)

        with keeping(result):
            answers += likeliest(model, trace, target, sorted(set(ends)), self.rivals)
            wanted = [Point(position, answer) for position in at for answer in answers]
            for one in in_blocks(wanted, lambda block: score_points(model, trace, block), "early answers"):
                done.append(one)
        return result()

    def _points(self, trace: Trace) -> list[int]:
        units = table.units(trace, self.unit)
        return sorted({span.start for span in units} | {span.end for span in units})

    def _result(self, trace, units, at, answers, forced, ledger) -> Result:  # type: ignore[no-untyped-def]
        width = len(answers)
        metric = values(forced[::width], self.metric)
        curve = _with_other(values(forced, "probability").reshape(len(at), width))
        place = {position: i for i, position in enumerate(at)}
        before = metric[[place[span.start] for span in units]]
        after = metric[[place[span.end] for span in units]]
        extras = {
            "curve": curve.astype(np.float32),
            "curve_at": np.array(at, dtype=np.int32),
            "curve_metric": metric.astype(np.float32),
            "answers": list(answers),
        }
        return table.result(self, trace, units, after - before, answers[0], ledger.provenance(), extras)


def _with_other(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities with a last column for all answers that aren't followed."""
    other = np.clip(1 - probabilities.sum(axis=1, keepdims=True), 0, 1)
    return np.hstack([probabilities, other])
