"""Gradients: how the answer would react to small changes of the words of a thought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import FORCED_TOKENS, METRICS, target_answer
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.importance.shared import path_integral, table, units
from cotlens.measure.importance.shared.path_integral import PathIntegral
from cotlens.measure.importance.shared.units import Place
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, keeping
from cotlens.models.contract import AnswerBranch, Capability, Gradients, Model, Patch
from cotlens.results import Result
from cotlens.trace import Span, Trace

METHODS = ("gradient_x_input", "integrated_gradients", "attribution_patching")
EMBED = "embed"


LEAST = {"nats": 0.1, "probability": 0.01}
"""Changes along a path that are smaller count as this large: what they are made of isn't worth more points."""


@dataclass(frozen=True)
class _Measured:
    """Tokens [tokens] of a thought, single figures, one status for all rows, and their numerical errors [rows]."""

    tokens: NDArray[np.float64]
    extras: dict[str, float]
    status: str = "exact"
    errors: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class Gradient:
    """If this word were changed a little, how strongly would the answer react?

    m is the `metric` of the trace's answer, forced after the whole thought; x holds the activations of the thought's
    tokens at `site` (their embeddings, unless another is named). Per token, summed over the embedding dimension:

    - method="gradient_x_input": dm/dx * x.
    - method="integrated_gradients": (x - x') * the mean of dm/dx on the straight path from x' (the `baseline`) to x.
      All thought tokens move together; prompt and answer stay. The sum over the thought is m(x) - m(x'). Points are
      added where the path is steep until every row, and that sum, are within `tolerance`, or `steps` are spent: the
      status says "converged" or "not converged", and by how much the sum is off (the extra `completeness_gap`).
      `low` and `high` are the bounds of this numerical error; they say nothing of the baseline, on which all depends.
    - method="attribution_patching": (x - x~) * dm/dx, with x~ the activations of the `counterfactual` trace at the same
      positions: what patching each token from there would do, to first order. The extra `first_order_gap` is the sum
      over the thought minus what patching all of it at once really does; the status says both.

    A unit's estimate is the sum over its tokens. Positive: the unit supports the answer. Deterministic. Gradients are
    exact for infinitely small changes only, nothing is really changed, and so they are no evidence of causation by
    themselves; hold what they point at against `Occlusion` or a resampling. Held to the truth (docs/truth.md),
    method="gradient_x_input" is no better than position on ground truth. Held to the truth
    (docs/truth.md), method="attribution_patching" is no better than changed x position on ground truth.

    Args:
        method: as above.
        unit: "token", "sentence", "paragraph" or "step".
        spans: stretches of the thought to measure instead; Spans or (start, end) characters of the trace's text.
        metric: "logit_difference" (default), "log_probability" or "probability".
        target: the answer to measure; the trace's own by default.
        site: "embed", or another site of `model.read` such as "resid_post.2"; integrated gradients take "embed" only.
        baseline: of integrated gradients: "mean" (default), the mean embedding of the thought, which `Occlusion` with
            mode="mean" puts in a unit's place too; a token id such as that of padding; or "zero". A zero embedding is
            nothing that a norm can scale: near it the metric is so steep that the path needs many more points.
        steps: of integrated gradients: points on the path at most, one pass each; never fewer than 5.
        tolerance: of integrated gradients: the error allowed, as a share of m(x) - m(x').
        counterfactual: of attribution patching: a trace with as many tokens before and in its thought.

    Sources: Simonyan et al. 2014 and Shrikumar et al. 2016 (arXiv 1605.01713); Sundararajan et al. 2017 (arXiv
    1703.01365); Nanda 2023, "Attribution patching", and Syed et al. 2023 (arXiv 2310.10348).
    """

    edit_type: ClassVar[str] = "first-order estimate"
    label: ClassVar[str] = "Gradient"

    method: Literal["gradient_x_input", "integrated_gradients", "attribution_patching"] = "gradient_x_input"
    unit: str = "token"
    spans: tuple[Place, ...] | None = None
    metric: Literal["logit_difference", "log_probability", "probability"] = "logit_difference"
    target: str | None = None
    form: Form = None
    site: str = EMBED
    baseline: Literal["mean", "zero"] | int = "mean"
    steps: int = 257
    tolerance: float = 0.01
    counterfactual: Trace | None = None

    def __post_init__(self) -> None:
        check_form("Gradient", self.form)
        check_setting("Gradient", "method", self.method, METHODS)
        check_setting("Gradient", "metric", self.metric, tuple(METRICS))
        units.set_units(self)
        if isinstance(self.baseline, str):
            check_setting("Gradient", "baseline", self.baseline, ("mean", "zero"))
        if self.steps < 1:
            raise InputError(f"Gradient was given steps={self.steps}: give at least 1.")
        if not 0 < self.tolerance < 1:
            raise InputError(f"Gradient was given tolerance={self.tolerance}: give a share between 0 and 1, as 0.01.")
        if self.method == "integrated_gradients" and self.site != EMBED:
            raise InputError(f"Integrated gradients run from a baseline of embeddings; site={self.site!r} has none.")
        if (self.method == "attribution_patching") != (self.counterfactual is not None):
            raise InputError(
                "Gradient needs counterfactual=<Trace> with method='attribution_patching', and only then: "
                "for example the trace with one number replaced."
            )

    @property
    def needs(self) -> Capability:
        """GRADIENT; attribution patching also reads and patches activations, and a token as baseline is read."""
        if self.method == "attribution_patching":
            return Capability.GRADIENT | Capability.READ | Capability.WRITE
        reads = self.method == "integrated_gradients" and not isinstance(self.baseline, str)
        return Capability.GRADIENT | Capability.READ if reads else Capability.GRADIENT

    def cost(self, trace: Trace) -> Cost:
        """One pass, or at most `steps` and one that reads the baseline; a backward pass costs about two more."""
        most = max(self.steps, path_integral.FEWEST) + 2
        passes = {"gradient_x_input": 1, "integrated_gradients": most, "attribution_patching": 2}[self.method]
        thought = trace.roles.get("thought")
        length = (thought.end if thought is not None else len(trace.token_ids)) + FORCED_TOKENS
        other = 0 if self.counterfactual is None else len(self.counterfactual.token_ids)
        return Cost(tokens=passes * length + other, forwards=passes + -(-other // 512))

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: the trace has no thought to measure or no answer, or the counterfactual has other positions.
            Cancelled: between two passes, with nothing measured in `partial`.
        """
        check_needs(self, model)
        found = units.units(trace, self.unit, self.spans)
        target, form = target_answer(trace, self.target, model.reader).surface, form_of(trace, model, self.form)
        record = RunRecord(self, trace, model, seed)
        thought = trace.roles["thought"]
        answer = model.answer_branch(trace, thought.end, target, form)
        if self.counterfactual is not None:
            _check_positions(thought, self.counterfactual)

        rows = [slice(span.start - thought.start, span.end - thought.start) for span in found]

        def result(measured: _Measured) -> Result:
            tokens = measured.tokens
            estimates = np.array([tokens[row].sum() for row in rows])
            kept: dict[str, Any] = {
                "tokens": tokens,
                "form": described(form),
                **{name: np.array([value]) for name, value in measured.extras.items()},
            }
            if measured.errors is not None:
                kept["interval_of"] = "numerical error"
            status = None if np.isnan(estimates).all() else [measured.status] * len(rows)
            source = record.provenance()
            return table.result(
                self, trace, found, estimates, target, source, kept, status=status, errors=measured.errors
            )

        measure: Callable[..., _Measured] = getattr(self, f"_{self.method}")
        with keeping(lambda: result(_Measured(np.full(thought.end - thought.start, np.nan), {}))):
            measured = measure(trace, model, answer, slice(thought.start, thought.end), rows)
        return result(measured)

    def _at(self, trace: Trace, model: Model, answer: AnswerBranch, **options: object) -> Gradients:
        return model.gradient(trace, answer, self.site, metric=self.metric, **options)  # type: ignore[arg-type]

    def _gradient_x_input(
        self, trace: Trace, model: Model, answer: AnswerBranch, thought: slice, rows: list[slice]
    ) -> _Measured:
        here = self._at(trace, model, answer)
        tokens = _summed(here.activations[self.site][thought], here.gradients[self.site][thought])
        return _Measured(tokens, {"value": here.value})

    def _integrated_gradients(
        self, trace: Trace, model: Model, answer: AnswerBranch, thought: slice, rows: list[slice]
    ) -> _Measured:
        here = self._at(trace, model, answer)
        there = here.activations[EMBED].copy()
        # Prompt and answer stay as they are: all that changes along the path is the thought's own.
        there[thought] = self._baseline(there[thought], model)
        away = here.activations[EMBED] - there
        values: dict[float, float] = {}

        def at(place: float) -> tuple[float, NDArray[np.float64]]:
            control.current().report(len(values), self.steps, "integrated gradients")
            embeddings = there + np.float32(place) * away
            # The end of the path is the trace itself, whose gradients are there already.
            step = here if place == 1 else self._at(trace, model, answer, embeddings=embeddings)
            values[place] = step.value
            return step.value, _summed(away[thought], step.gradients[EMBED][thought])

        whole = path_integral.integrate(
            at, rows, tolerance=self.tolerance, least=LEAST[METRICS[self.metric]], points=self.steps
        )
        extras = {
            "value": here.value,
            "baseline_value": values[0.0],
            "completeness_gap": whole.gap,
            "points": float(whole.points),
            "converged": float(whole.converged),
        }
        return _Measured(whole.tokens, extras, _completeness(whole, METRICS[self.metric]), whole.errors)

    def _attribution_patching(
        self, trace: Trace, model: Model, answer: AnswerBranch, thought: slice, rows: list[slice]
    ) -> _Measured:
        assert self.counterfactual is not None
        at = range(thought.start, thought.stop)
        other = model.read(self.counterfactual, self.site, positions=at)[self.site]
        here = self._at(trace, model, answer)
        tokens = _summed(here.activations[self.site][thought] - other, here.gradients[self.site][thought])
        patched = self._patched(trace, model, answer, thought, here, other)
        # The whole thought is patched once in earnest: how far a sum of first-order estimates misses that says what
        # they are worth on this trace.
        really, said = here.value - patched, float(tokens.sum())
        status = f"first order: sums to {said:.3g}, where patching the whole thought takes {really:.3g}"
        extras = {"value": here.value, "counterfactual_value": patched, "first_order_gap": said - really}
        return _Measured(tokens, extras, status)

    def _patched(
        self,
        trace: Trace,
        model: Model,
        answer: AnswerBranch,
        thought: slice,
        here: Gradients,
        other: NDArray[np.float32],
    ) -> float:
        """The metric with the whole thought patched at once."""
        if self.site == EMBED:
            embeddings = here.activations[EMBED].copy()
            embeddings[thought] = other
            return self._at(trace, model, answer, embeddings=embeddings).value
        kind, _, layer = self.site.partition(".")
        patch = Patch(int(layer), tuple(range(thought.start, thought.stop)), other, kind)  # type: ignore[arg-type]
        return self._at(trace, model, answer, interventions=patch).value

    def _baseline(self, embeddings: NDArray[np.float32], model: Model) -> NDArray[np.float32]:
        if self.baseline == "zero":
            return np.zeros_like(embeddings)
        if self.baseline == "mean":
            return embeddings.mean(axis=0, keepdims=True)
        return model.read((int(self.baseline),), EMBED)[EMBED]


def _completeness(whole: PathIntegral, unit: str) -> str:
    """Whether integrated gradients converged, in words."""
    kind = "converged" if whole.converged else "not converged"
    return f"{kind}: the sum is off by {abs(whole.gap):.2g} of {abs(whole.change):.3g} {unit} at {whole.points} points"


def _summed(change: NDArray[np.float32], slope: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Change times slope over the embedding dimension: [tokens, d_model] twice to [tokens]."""
    return (change.astype(np.float64) * slope).sum(axis=1)


def _check_positions(thought: Span, counterfactual: Trace) -> None:
    theirs = counterfactual.roles.get("thought")
    if theirs is None or (theirs.start, theirs.end) != (thought.start, thought.end):
        found = "no thought" if theirs is None else f"its thought at tokens {theirs.start} to {theirs.end}"
        raise InputError(
            f"The counterfactual trace has {found} and this one at {thought.start} to {thought.end}; attribution "
            "patching goes position by position, so make it with trace.replace(...) and a text of as many tokens."
        )
