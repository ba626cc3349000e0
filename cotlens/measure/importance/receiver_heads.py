"""Receiver heads: which sentences do the most narrowly focused attention heads keep coming back to?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.importance import units
from cotlens.measure.importance.units import CUT, Place
from cotlens.measure.method import Cost, Ledger, check_needs, keeping
from cotlens.measure.stats import position_baseline, spearman
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace

Head = tuple[int, int]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ReceiverHeads:
    """Which sentences do the heads that focus most on single sentences keep looking back at?

    Per head, attention is averaged over blocks of sentence by sentence. The vertical score of sentence j is the mean
    over the sentences from j + `proximity` on of their attention to j; a head's kurtosis (Fisher, over sentences) is
    large where it singles out a few. The `top` heads by kurtosis are the receiver heads, and a row's estimate is their
    mean vertical score, a share of attention per token. `other_heads` is the same mean over all other heads: where it
    is as large, the sentence is looked at by everything, not by receivers. The extra `rho_position` is Spearman's rho
    of the estimates with the index.

    Nothing is changed in the model: it says where heads look, not what depends on it. Deterministic.

    The extras hold `heads` [top, 2] (layer, head), `kurtosis` [layers, heads], `scores` [top, sentences], and
    `reliability`: Spearman's rho over heads between kurtosis as seen by every other reading sentence and as seen by the
    rest. Where it is low, which heads are receivers is mostly noise on this trace.

    Show patterns with `cl.attention_patterns(trace.tokens, model.attention(trace, heads=[(2, 1)]))`.

    Args:
        unit: "sentence", "paragraph" or "step".
        spans: stretches of the thought to measure instead; Spans or (start, end) characters of the trace's text.
        proximity: readers nearer than this many sentences don't count.
        top: how many heads.
        first_layer: heads of layers before this one are left out, as published for layer 0.
        heads: receiver heads that are known already, (layer, head); then `top` is not looked at.

    Source: Bogdan et al. 2025, "Thought Anchors" (arXiv 2506.19143).
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.HIDE
    edit_type: ClassVar[str] = "attention-level, observed"
    label: ClassVar[str] = "Receiver heads"
    metric: ClassVar[str] = "vertical attention"

    unit: str = "sentence"
    spans: tuple[Place, ...] | None = None
    proximity: int = 4
    top: int = 20
    first_layer: int = 1
    heads: tuple[Head, ...] | None = None

    def __post_init__(self) -> None:
        units.settle(self, CUT[1:])
        for name, least in (("proximity", 1), ("top", 1), ("first_layer", 0)):
            if getattr(self, name) < least:
                raise InputError(f"ReceiverHeads was given {name}={getattr(self, name)}: give at least {least}.")
        if self.heads is not None:
            object.__setattr__(self, "heads", tuple((int(layer), int(head)) for layer, head in self.heads))
            if not self.heads:
                raise InputError("ReceiverHeads was given no heads: give (layer, head) pairs, or None to find them.")

    def cost(self, trace: Trace) -> Cost:
        """One pass over the text, in pieces."""
        end = units.units(trace, self.unit, self.spans)[-1].end
        return Cost(tokens=end, forwards=-(-end // 8))

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: the thought has too few units for any to be read from `proximity` units on, or a head in `heads`
                doesn't exist.
            CapabilityError: this model gives no attention weights.
            Cancelled: with nothing measured in `partial`.
        """
        check_needs(self, model)
        found = units.units(trace, self.unit, self.spans)
        if len(found) <= self.proximity + 1:
            raise InputError(
                f"This thought has {len(found)} units ({self.unit}); with proximity={self.proximity} at least "
                f"{self.proximity + 2} are needed: give a longer thought or a smaller proximity."
            )
        ledger = Ledger(self, trace, model, seed)
        nothing = np.full(len(found), np.nan)

        def cancelled() -> Result:
            return self._result(trace, found, nothing, nothing, {}, ledger)

        with keeping(cancelled):
            patterns = model.attention(trace, spans=[(span.start, span.end) for span in found])
        scores = {head: vertical(pattern, self.proximity) for head, pattern in patterns.items()}
        peaked = {head: kurtosis(values) for head, values in scores.items()}
        chosen = list(self.heads) if self.heads is not None else self._top(peaked)
        if missing := [head for head in chosen if head not in scores]:
            raise InputError(f"There is no head {missing[0]} (layer, head) in this model; choose others.")
        others = [head for head in scores if head not in chosen and head[0] >= self.first_layer]
        mean = np.mean([scores[head] for head in chosen], axis=0)
        beside = np.mean([scores[head] for head in others], axis=0) if others else nothing
        extras = {
            "heads": np.array(chosen, dtype=np.int32),
            "kurtosis": _grid(peaked),
            "scores": np.array([scores[head] for head in chosen]),
            "reliability": np.array([self._reliability(patterns)]),
            "rho_position": np.array([position_baseline(mean).rho]),
        }
        return self._result(trace, found, mean, beside, extras, ledger)

    def _top(self, peaked: dict[Head, float]) -> list[Head]:
        known = [head for head, value in peaked.items() if head[0] >= self.first_layer and np.isfinite(value)]
        if not known:
            raise InputError(f"No head of layers {self.first_layer} on has a kurtosis here: give a longer thought.")
        return sorted(known, key=lambda head: (-peaked[head], head))[: self.top]

    def _reliability(self, patterns: dict[Head, NDArray[np.float32]]) -> float:
        """Spearman over heads between kurtosis by even and by odd reading sentences; NaN where either is unknown."""
        heads = [head for head in patterns if head[0] >= self.first_layer]
        halves = [[kurtosis(vertical(patterns[head], self.proximity, half)) for head in heads] for half in (0, 1)]
        return spearman(*halves)

    def _result(
        self, trace: Trace, found: list[Span], mean: Floats, beside: Floats, extras: dict[str, Any], ledger: Ledger
    ) -> Result:
        measured = np.isfinite(mean)
        late = f"not measured: no sentence reads it from {self.proximity} later on"
        why = [late if i + self.proximity >= len(found) else "not measured: cancelled" for i in range(len(found))]
        columns: dict[str, Any] = {
            "unit": [self.unit] * len(found),
            "start": [span.start for span in found],
            "end": [span.end for span in found],
            "text": [trace.text[span.char_start : span.char_end] for span in found],
            "estimate": mean,
            "low": mean,
            "high": mean,
            "n": measured.astype(np.int64),
            "status": ["exact" if ok else reason for ok, reason in zip(measured, why, strict=True)],
            "other_heads": beside,
        }
        return Result(
            kind="importance",
            method="ReceiverHeads",
            metric=self.metric,
            unit=self.unit,
            columns=columns,
            sign="larger = receiver heads look back at it more",
            zero="receiver heads never look back at it",
            scale_unit="share of attention per token",
            provenance=ledger.provenance(),
            extras={
                "metric_words": "vertical attention of receiver heads",
                "edit_type": self.edit_type,
                "signed": False,
                **extras,
            },
        )


def vertical(pattern: NDArray[np.float32], proximity: int, half: int | None = None) -> Floats:
    """How much later units attend to each: column means of `pattern` [n, n] over rows from j + proximity on.

    Args:
        half: 0 or 1 for even or odd rows only.

    Returns:
        float64 [n]; NaN for a unit that no such row is left for.
    """
    n = len(pattern)
    rows, columns = np.indices((n, n))
    counted = rows >= columns + proximity
    if half is not None:
        counted &= rows % 2 == half
    with np.errstate(invalid="ignore"):
        return np.where(counted, pattern.astype(np.float64), 0).sum(axis=0) / counted.sum(axis=0)


def kurtosis(scores: Floats) -> float:
    """Fisher's kurtosis of the known scores, m4 / m2^2 - 3 (biased, as published); NaN where they hardly vary."""
    known = scores[np.isfinite(scores)]
    if len(known) < 4:
        return float("nan")
    apart = known - known.mean()
    spread = float((apart**2).mean())
    return float((apart**4).mean() / spread**2 - 3) if spread > 1e-20 else float("nan")


def _grid(values: dict[Head, float]) -> Floats:
    """Per (layer, head), float64 [layers, heads]."""
    grid = np.full(np.array(list(values)).max(axis=0) + 1, np.nan)
    for head, value in values.items():
        grid[head] = value
    return grid
