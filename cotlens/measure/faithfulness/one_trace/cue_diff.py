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


@dataclass(frozen=True, kw_only=True)
class CueDiff:
    """At which words would the model go on differently, had the prompt not held the cue?

    For every token of the thought and the answer: KL(the model as it is || the same model that can't see the cue)
    between what the two expect there, over the whole vocabulary, in nats. The text is the same for both
    (teacher-forced), the cue is hidden from all that comes after it, and nothing is sampled: two passes, which share
    what stands before the cue. A unit's estimate is the sum over its tokens; `share` is its part of the total, and the
    extra `argmax` the unit where the cue acts most. It finds the sentence that a silent hint bends.

    A cue that a thought only rationalises moves nothing in the thought's own words. For that there is the
    interventional form: run it on an edited thought with its answer, where the answer then moves if the model has it
    from the cue.

    Args:
        cue: the words in the prompt, as they stand there.
        unit: "sentence", whose answer is one unit more, or "token".
    """

    needs: ClassVar[Capability] = Capability.HIDE
    edit_type: ClassVar[str] = "teacher-forced"
    label: ClassVar[str] = "Cue difference"
    question: ClassVar[str] = "At which words would the model go on differently, had the prompt not held the cue?"

    cue: str
    unit: str = "sentence"

    def __post_init__(self) -> None:
        if not check.text("cue", self.cue, of="CueDiff").strip():
            raise InputError("CueDiff was given no cue: give the words of the prompt that are suspected.")
        check_setting("CueDiff", "unit", self.unit, UNITS)

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
        each = iter(np.asarray(moved.kl, dtype=np.float64).reshape(-1))
        tokens = [np.array([next(each) for _ in range(span.start, span.end)]) for span in units]
        return self._result(trace, units, tokens, record)

    def check(self, trace: Trace) -> tuple[int, int]:
        """The tokens of the prompt that hold the cue; InputError where it isn't there exactly once."""
        prompt = trace.roles.get("prompt")
        text = "" if prompt is None else trace.text[prompt.char_start : prompt.char_end]
        if text.count(self.cue) != 1 or prompt is None:
            times = "not at all" if self.cue not in text else f"{text.count(self.cue)} times"
            raise InputError(f"The prompt says {self.cue[:60]!r} {times}; give words of it that it says once.")
        start = prompt.char_start + text.index(self.cue)
        return tokens_covering(trace.offsets, start, start + len(self.cue))

    def _result(self, trace: Trace, units: list[Span], tokens: list[Any], record: RunRecord) -> Result:
        sums = np.array([each.sum() for each in tokens])
        total = float(sums.sum())
        columns: dict[str, Any] = {
            **placed(trace, self.unit, units),
            **exact(sums),
            "n": np.ones(len(units), np.int64),
            "status": ["exact"] * len(units),
            "share": sums / total if total > 0 else np.full(len(units), np.nan),
        }
        return Result(
            kind="importance",
            method="CueDiff",
            metric="kl",
            unit=self.unit,
            columns=columns,
            sign="larger = without the cue the model would more surely go on in other words",
            zero="the cue makes no difference here",
            scale_unit="nats",
            provenance=record.provenance(),
            extras={
                "metric_words": "KL(with the cue || without it)",
                "edit_type": self.edit_type,
                "signed": False,
                "total": total,
                "argmax": int(sums.argmax()),
                "tokens": np.concatenate(tokens),
                "question": self.question,
            },
        )
