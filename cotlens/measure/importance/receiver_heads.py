"""Receiver heads: which sentences do the most narrowly focused attention heads keep coming back to?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.importance.shared import units
from cotlens.measure.importance.shared.layers import in_layers
from cotlens.measure.importance.shared.units import CUT, Place
from cotlens.measure.importance.shared.vertical_attention import (
    Floats,
    Head,
    agreement,
    kurtosis,
    mean_of,
    receivers,
    vertical,
)
from cotlens.measure.method import Cost, RunRecord, check_needs, keeping
from cotlens.measure.rows import placed
from cotlens.measure.stats import position_baseline
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace

ENOUGH_UNITS = 10
"""Units with a late reader, below which their kurtosis says little: of n it can't exceed about n - 5."""

ENOUGH_READERS = 2
"""Units that read one, below which its score is the habit of a single reader."""

RELIABLE = 0.5
"""Spearman's rho between two halves of the readers, below which a ranking is called unreliable."""


@dataclass(frozen=True, kw_only=True)
class ReceiverHeads:
    """Which sentences do the heads that focus most on single sentences keep looking back at?

    Per head, attention is averaged over blocks of sentence by sentence. The vertical score of sentence j is the mean
    over the sentences from j + `proximity` on of their attention to j; a head's kurtosis (Fisher, over sentences) is
    large where it singles out a few. The `top` heads by kurtosis are the receiver heads, and a row's estimate is their
    mean vertical score, a share of attention per token. `other_heads` is the same mean over all other heads: where it
    is as large, the sentence is looked at by everything, not by receivers; `readers` is how many sentences read it. The
    extra `rho_position` is Spearman's rho of the estimates with the index.

    Nothing is changed in the model: it says where heads look, not what depends on it. Deterministic, yet no exact
    figure of anything: which heads come out depends on few sentences. So all is done twice, by every other reading
    sentence and by the rest, and the extras `reliability` (of the heads by kurtosis) and `reliability_rows` (of the
    sentences by their score, by the heads that each half picks) are Spearman's rho between the two. The status has
    both; it begins with "unreliable" where one is below .5 or unknown, where fewer than 10 sentences have a kurtosis,
    and in rows that one sentence alone reads. No row has an interval.

    In a model that keeps a state beside attention only some layers have heads; `edit_type` says how many.

    Held to the truth (docs/truth.md), it is at chance on ground truth. On 50 fresh thoughts of "abacus", for sentences
    that decide what is written after them, AUROC .56 [.49, .63] with proximity=2 and .47 [.40, .54] with proximity=4,
    .14 [.03, .25] and .27 [.17, .38] below what the position of the same sentences gives. It was not better for any
    number of heads from 1 to all 12.

    The extras also hold `heads` [top, 2] (layer, head), `kurtosis` [layers, heads] and `scores` [top, sentences].

    Show patterns with `cl.attention_patterns(trace.tokens, model.attention(trace, heads=[(2, 1)]))`.

    Args:
        unit: "sentence", "paragraph" or "step".
        spans: stretches of the thought to measure instead; Spans or (start, end) characters of the trace's text.
        proximity: readers nearer than this many sentences don't count.
        top: a share of the heads from `first_layer` on (below 1; at least 3 heads), or how many. The default is the 20
            that were published, of the 992 of an 8B model.
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
    top: float = 0.02
    first_layer: int = 1
    heads: tuple[Head, ...] | None = None

    def __post_init__(self) -> None:
        units.set_units(self, CUT[1:])
        if not (0 < self.top < 1 or (self.top >= 1 and self.top == int(self.top))):
            raise InputError(f"ReceiverHeads was given top={self.top}: give at least 1 head, or a share below 1.")
        for name, least in (("proximity", 1), ("first_layer", 0)):
            if getattr(self, name) < least:
                raise InputError(f"ReceiverHeads was given {name}={getattr(self, name)}: give at least {least}.")
        if self.heads is not None:
            heads = tuple(check.pairs("heads", self.heads, of="ReceiverHeads"))
            object.__setattr__(self, "heads", heads)
            if len(set(heads)) < len(heads):
                raise InputError(f"ReceiverHeads was given a head twice: heads={heads}; name each once.")
            if not self.heads:
                raise InputError("ReceiverHeads was given no heads: give (layer, head) pairs, or None to find them.")

    def cost(self, trace: Trace) -> Cost:
        """One pass over the text, in pieces."""
        end = units.units(trace, self.unit, self.spans)[-1].end
        return Cost(tokens=end, forwards=-(-end // 8))

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: the thought has too few units for any to be read from `proximity` units on, a head in `heads`
                doesn't exist, or `top` leaves no other head.
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
        record = RunRecord(self, trace, model, seed)
        nothing = np.full(len(found), np.nan)

        def cancelled() -> Result:
            return self._result(trace, found, nothing, nothing, "", {}, record)

        with keeping(cancelled):
            patterns = model.attention(trace, spans=[(span.start, span.end) for span in found])
        scores = {head: vertical(pattern, self.proximity) for head, pattern in patterns.items()}
        peaked = {head: kurtosis(values) for head, values in scores.items()}
        chosen = list(self.heads) if self.heads is not None else receivers(peaked, self.first_layer, self.top)
        if missing := [head for head in chosen if head not in scores]:
            raise InputError(f"There is no head {missing[0]} (layer, head) in this model; choose others.")
        others = [head for head in scores if head not in chosen and head[0] >= self.first_layer]
        mean = mean_of(scores, chosen)
        alike = agreement(patterns, self.proximity, self.first_layer, self.top, self.heads)
        extras = {
            "heads": np.array(chosen, dtype=np.int32),
            "kurtosis": _grid(peaked),
            "scores": np.array([scores[head] for head in chosen]),
            "reliability": np.array([alike[0]]),
            "reliability_rows": np.array([alike[1]]),
            "rho_position": np.array([position_baseline(mean).rho]),
            "edit_type": in_layers(self.edit_type, model),
        }
        status = self._reliability(len(found) - self.proximity, *alike)
        return self._result(trace, found, mean, mean_of(scores, others), status, extras, record)

    def _reliability(self, known: int, of_heads: float, of_rows: float) -> str:
        """What a measured row rests on."""
        picked = self.heads is None
        judged = [of_heads, of_rows] if picked else [of_rows]
        poor = (picked and known < ENOUGH_UNITS) or not all(value >= RELIABLE for value in judged)
        said = [
            *([f"heads are picked by a kurtosis over {known} units"] if picked and known < ENOUGH_UNITS else []),
            "two halves of the readers rank "
            + (f"heads alike at rho {of_heads:.2f}, units " if picked else "units alike ")
            + f"at rho {of_rows:.2f}",
        ]
        return f"{'unreliable' if poor else 'observed'}: {'; '.join(said)}".replace("rho nan", "no rho that is known")

    def _result(
        self,
        trace: Trace,
        found: list[Span],
        mean: Floats,
        beside: Floats,
        status: str,
        extras: dict[str, Any],
        record: RunRecord,
    ) -> Result:
        measured = np.isfinite(mean)
        readers = np.maximum(len(found) - self.proximity - np.arange(len(found)), 0)
        late = f"not measured: no sentence reads it from {self.proximity} later on"
        why = [late if i + self.proximity >= len(found) else "not measured: cancelled" for i in range(len(found))]
        columns: dict[str, Any] = {
            **placed(trace, self.unit, found),
            "estimate": mean,
            "low": np.full(len(found), np.nan),
            "high": np.full(len(found), np.nan),
            "n": measured.astype(np.int64),
            "status": [
                _few(status, int(count)) if ok else reason
                for ok, reason, count in zip(measured, why, readers, strict=True)
            ],
            "readers": readers,
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
            provenance=record.provenance(),
            extras={
                "metric_words": "vertical attention of receiver heads",
                "edit_type": self.edit_type,
                "signed": False,
                **extras,
            },
        )


def _few(status: str, readers: int) -> str:
    """The status of a row that so many units read."""
    if readers >= ENOUGH_READERS:
        return status
    return f"unreliable: {readers} unit reads it; {status.partition(': ')[2]}"


def _grid(values: dict[Head, float]) -> Floats:
    """Per (layer, head), float64 [layers, heads]."""
    grid = np.full(np.array(list(values)).max(axis=0) + 1, np.nan)
    for head, value in values.items():
        grid[head] = value
    return grid
