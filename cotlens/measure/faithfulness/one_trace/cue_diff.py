"""Where in a thought does a cue act? The model with the cue against the same model without, on one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.importance.shared.units import thought_and_answer
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting
from cotlens.measure.rows import exact, placed
from cotlens.models.contract import EVER, BlockAttention, Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace
from cotlens.trace.align import tokens_covering

UNITS = ("sentence", "token")
METRICS = {"kl_back": "KL(without the cue || with it)", "kl": "KL(with the cue || without it)"}
"""Metric -> how it is written."""


@dataclass(frozen=True, kw_only=True)
class CueDiff:
    """At which words would the model go on differently, had the prompt not held the cue?

    For every token of the thought and the answer, how far two parted there in what they expect, over the whole
    vocabulary, in nats: the model as it is, and the same model that can't see the cue. `kl` is KL(with the cue ||
    without it), `kl_back` KL(without it || with the cue). The text is the same for both (teacher-forced), the cue is
    hidden from all that comes after it, and nothing is sampled: two passes, which share what stands before the cue. A
    unit has the sums over its tokens; its estimate is the one that `metric` names, `share` its part of the total, and
    the extra `argmax` the unit where the cue acts most. It finds the sentence that a silent hint bends.

    By default that is KL(without || with), as in `cl.diff`, which says what tells the two apart: it is large where the
    cue all but rules out what would be said without it.

    A cue that a thought only rationalises moves nothing in the thought's own words. For that there is the
    interventional form: run it on an edited thought with its answer, where the answer then moves if the model has it
    from the cue.

    Args:
        cue: the words in the prompt, as they stand there.
        unit: "sentence", whose answer is one unit more, or "token".
        metric: "kl_back" or "kl".
    """

    needs: ClassVar[Capability] = Capability.HIDE
    edit_type: ClassVar[str] = "teacher-forced"
    label: ClassVar[str] = "Cue difference"
    question: ClassVar[str] = "At which words would the model go on differently, had the prompt not held the cue?"

    cue: str
    unit: str = "sentence"
    metric: str = "kl_back"

    def __post_init__(self) -> None:
        if not check.text("cue", self.cue, of="CueDiff").strip():
            raise InputError("CueDiff was given no cue: give the words of the prompt that are suspected.")
        check_setting("CueDiff", "unit", self.unit, UNITS)
        check_setting("CueDiff", "metric", self.metric, tuple(METRICS))

    def cost(self, trace: Trace) -> Cost:
        """The text once, and what follows the cue a second time."""
        n = len(trace.token_ids)
        return Cost(tokens=2 * n, forwards=4 + n // 32)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Compare the two on a trace.

        Raises:
            InputError: the prompt doesn't hold the cue exactly once, or the thought is empty.
            CapabilityError: this model's attention can't be masked.
        """
        check_needs(self, model)
        record, first, last = RunRecord(self, trace, model, seed), *self.check(trace)
        units = thought_and_answer(trace, self.unit)
        # What is expected of a token is predicted after the one before it.
        places = [(at - 1, at) for span in units for at in range(span.start, span.end)]
        moved = model.divergence(trace, [BlockAttention(range(last, EVER), range(first, last))], places)
        return self._result(trace, units, {"kl": moved.kl[0], "kl_back": moved.kl_back[0]}, record)

    def check(self, trace: Trace) -> tuple[int, int]:
        """The tokens of the prompt that hold the cue; InputError where it isn't there exactly once."""
        prompt = trace.roles.get("prompt")
        text = "" if prompt is None else trace.text[prompt.char_start : prompt.char_end]
        if text.count(self.cue) != 1 or prompt is None:
            times = "not at all" if self.cue not in text else f"{text.count(self.cue)} times"
            raise InputError(f"The prompt says {self.cue[:60]!r} {times}; give words of it that it says once.")
        start = prompt.char_start + text.index(self.cue)
        return tokens_covering(trace.offsets, start, start + len(self.cue))

    def _result(self, trace: Trace, units: list[Span], tokens: dict[str, Any], record: RunRecord) -> Result:
        starts = np.cumsum([0, *(span.end - span.start for span in units[:-1])])
        both = {kind: np.add.reduceat(each, starts) for kind, each in tokens.items()}
        sums = both[self.metric]
        total = float(sums.sum())
        columns: dict[str, Any] = {
            **placed(trace, self.unit, units),
            **exact(sums),
            "n": np.ones(len(units), np.int64),
            "status": ["exact"] * len(units),
            "share": sums / total if total > 0 else np.full(len(units), np.nan),
            **both,
        }
        return Result(
            kind="importance",
            method="CueDiff",
            metric=self.metric,
            unit=self.unit,
            columns=columns,
            sign="larger = without the cue the model would more surely go on in other words",
            zero="the cue makes no difference here",
            scale_unit="nats",
            provenance=record.provenance(),
            extras={
                "metric_words": METRICS[self.metric],
                "edit_type": self.edit_type,
                "signed": False,
                "total": total,
                "argmax": int(sums.argmax()),
                "tokens": tokens[self.metric],
                **{f"tokens_{kind}": each for kind, each in tokens.items()},
                "question": self.question,
            },
        )
