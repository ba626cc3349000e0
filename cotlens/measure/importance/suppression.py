"""Attention suppression: what later sentences lose when none of them can look back at one sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import Cancelled, InputError
from cotlens.measure.importance.shared import pairs, units
from cotlens.measure.importance.shared.layers import in_layers
from cotlens.measure.importance.shared.units import CUT, Place
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, of_one_model
from cotlens.measure.rows import exact, placed
from cotlens.measure.stats import position_baseline
from cotlens.models.contract import EVER, LOWEST_TEMPERATURE, BlockAttention, Capability, Divergence, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace

MOST_TOGETHER = 16  # sources that go through a model in one batch, at most
METRICS = {"kl": "KL(ordinary || suppressed)", "log_kl": "log of KL(ordinary || suppressed)"}
CANCELLED = "not measured: cancelled before it was reached"
LAST = "not measured: nothing comes later"
Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """If nothing later could look back at this sentence, how differently would each later sentence go on?

    For a source s, every head of every layer is kept from attending to the tokens of s, in all later queries; the text
    stays as it is (teacher-forced). M[t, s] = mean over the tokens of a later sentence t of KL(ordinary || suppressed)
    between what the model expects after that token, over the whole vocabulary, nats; or, with metric="log_kl", the mean
    of log(KL + 1e-9), as published. Where a model keeps a state too, only some layers have heads: `edit_type` says
    how many. A row's estimate is the mean of M over all later sentences. Large: s is read a lot.
    It has no sign, and it says what is read, not what would have been written without s. Deterministic.

    Near sentences read each other most, so a score is compared with `position_baseline`: the mean over the same targets
    of what sentences at that distance do to each other on average. The extra `rho_position` is Spearman's rho of the
    estimates with the index.

    The extras hold both matrices, `kl` and `log_kl` [targets, sources], NaN where the target isn't later;
    `Suppression.pairs(result)` makes them a result of kind "pairs".

    Args:
        unit: "sentence", "paragraph" or "step".
        spans: stretches of the thought to measure instead; Spans or (start, end) characters of the trace's text.
        metric: "kl" (default) or "log_kl".
        temperature: logits are divided by it first; the published matrices use 0.6.

    Source: Bogdan et al. 2025, "Thought Anchors" (arXiv 2506.19143), without its truncation of the distributions to a
    nucleus, which costs 1e5 nats wherever a token is missing.
    """

    needs: ClassVar[Capability] = Capability.HIDE
    edit_type: ClassVar[str] = "attention-level"
    label: ClassVar[str] = "Attention suppression"

    unit: str = "sentence"
    spans: tuple[Place, ...] | None = None
    metric: Literal["kl", "log_kl"] = "kl"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        units.set_units(self, CUT[1:])
        check_setting("Suppression", "metric", self.metric, tuple(METRICS))
        check.number("temperature", self.temperature, LOWEST_TEMPERATURE, above=0, of="Suppression")

    def cost(self, trace: Trace) -> Cost:
        """The trunk, and per source what comes later, once with and at most once without it."""
        found = units.units(trace, self.unit, self.spans)
        end = found[-1].end
        rest = sum(2 * (end - found[max(0, i - MOST_TOGETHER + 1)].end) for i in range(len(found)))
        return Cost(tokens=rest + 2 * end, forwards=len(found) * (2 + end // 32) + end // 32 + 2)

    @of_one_model
    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought as a source.

        Raises:
            InputError: the thought has fewer than two units.
            CapabilityError: this model's attention can't be masked.
            Cancelled: with the sources measured so far as `partial`.
        """
        check_needs(self, model)
        found = units.units(trace, self.unit, self.spans)
        if len(found) < 2:
            raise InputError(
                f"This thought has one {self.unit} only, so nothing comes later that could miss it: "
                "give a longer thought or a smaller unit."
            )
        record = RunRecord(self, trace, model, seed)
        targets = [(span.start, span.end) for span in found]
        matrices = np.full((2, len(found), len(found)), np.nan)
        blocks = [BlockAttention(range(end, EVER), range(start, end)) for start, end in targets[:-1]]

        edit_type = in_layers(self.edit_type, model)

        def result(moved: Divergence | None) -> Result:
            if moved is not None:
                matrices[:, :, :-1] = moved.kl.T, moved.log_kl.T
            return self._result(trace, found, matrices, record, edit_type)

        try:
            moved = model.divergence(trace, blocks, targets, temperature=self.temperature)
        except Cancelled as error:
            error.partial = result(getattr(error, "partial", None))  # type: ignore[attr-defined]
            raise
        return result(moved)

    @staticmethod
    def pairs(result: Result) -> Result:
        """The sentence-to-sentence matrix of a Suppression result, as a result of kind "pairs".

        A row per source and later target, with both measures (`kl`, `log_kl`) and `centred`: the estimate minus the
        mean over all sources of that target, as the published matrices have it.

        Raises:
            InputError: the result was not made by Suppression.
        """
        if result.method != "Suppression" or result.kind != "importance":
            raise InputError(
                f"This is a {result.kind} result of {result.method}; give what Suppression(...).run returned."
            )
        both = {name: np.asarray(result.extras[name], dtype=np.float64) for name in METRICS}
        chosen = both[result.metric]
        centred = chosen - _mean(chosen, axis=1)[:, None]
        given = result.columns
        return Result(
            kind="pairs",
            method=result.method,
            metric=result.metric,
            unit=result.unit,
            columns=pairs.columns(
                result.unit, given["start"], given["end"], given["text"], chosen, CANCELLED, **both, centred=centred
            ),
            sign="larger = the later sentence goes on more differently without the earlier one",
            zero="the later sentence does not read the earlier one",
            scale_unit=result.scale_unit,
            provenance=replace(
                result.provenance, call=(call := result.provenance.call) and f"cl.importance.Suppression.pairs({call})"
            ),
            extras={name: result.extras[name] for name in ("metric_words", "edit_type", "signed")},
        )

    def _result(self, trace: Trace, found: list[Span], matrices: Matrix, record: RunRecord, edit_type: str) -> Result:
        chosen = matrices[tuple(METRICS).index(self.metric)]
        estimates = _mean(chosen, axis=0)
        measured = np.isfinite(estimates)
        columns: dict[str, Any] = {
            **placed(trace, self.unit, found),
            **exact(estimates),
            "n": measured.astype(np.int64),
            "status": ["exact" if ok else CANCELLED for ok in measured[:-1]] + [LAST],
            "position_baseline": _by_distance(chosen),
        }
        return Result(
            kind="importance",
            method="Suppression",
            metric=self.metric,
            unit=self.unit,
            columns=columns,
            sign="larger = later sentences go on more differently without it",
            zero="nothing later reads it",
            scale_unit="nats" if self.metric == "kl" else "log nats",
            provenance=record.provenance(),
            extras={
                "metric_words": METRICS[self.metric],
                "edit_type": edit_type,
                "signed": False,
                "kl": matrices[0],
                "log_kl": matrices[1],
                "rho_position": np.array([position_baseline(estimates).rho]),
            },
        )


def _by_distance(matrix: Matrix) -> Matrix:
    """Per source, the mean over its targets of what sources at the same distance do on average."""
    n = len(matrix)
    expected = np.full_like(matrix, np.nan)
    for distance in range(1, n):
        target = np.arange(distance, n)
        expected[target, target - distance] = _mean(matrix[target, target - distance], axis=0)
    return _mean(np.where(np.isfinite(matrix), expected, np.nan), axis=0)


def _mean(values: Matrix, axis: int) -> Any:
    """Mean of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis) / known.sum(axis)
