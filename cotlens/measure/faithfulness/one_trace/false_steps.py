"""Which sentences of a thought hold an equation that isn't true?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from cotlens._core.errors import InputError
from cotlens.measure.importance.shared.units import units
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting
from cotlens.measure.monitors.arithmetic import Equation, equations
from cotlens.measure.rows import exact, placed
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace

UNITS = ("sentence", "paragraph")
NO_EQUATION = "no equation of arithmetic begins here"


@dataclass(frozen=True, kw_only=True)
class FalseSteps:
    """Which sentences hold an equation that isn't true?

    The arithmetic of `StepValidity`, told per unit of one thought: the estimate is the share of the equations beginning
    in it that don't hold, exactly and without any model. A unit without an equation can't tell and is NaN, and a step
    that is wrong in words alone isn't seen. The column `equations` has each as it is written, with what its left side
    is worth where that is something else.

    Steps in words are for a judge (`cl.monitors.Judge` with `VALIDITY`). The editor's menu doesn't offer it, since it
    gives quotes with a category and a reason, and can fail, which no shade says: `editor.show_findings` shows them.

    Args:
        unit: "sentence" or "paragraph".
    """

    needs: ClassVar[Capability] = Capability(0)
    edit_type: ClassVar[str] = "read as written"
    question: ClassVar[str] = "Which sentences hold an equation that isn't true?"

    unit: str = "sentence"

    def __post_init__(self) -> None:
        check_setting("FalseSteps", "unit", self.unit, UNITS)

    def cost(self, trace: Trace) -> Cost:
        """Nothing: no model is asked."""
        return Cost(0, 0)

    def check(self, trace: Trace) -> None:
        """Raise InputError where the thought holds no equation."""
        if not _equations(trace):
            raise InputError("The thought holds no equation of arithmetic, so none of its steps can be checked by it.")

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Check a trace.

        Raises:
            InputError: there is no thought, or no equation in it.
        """
        check_needs(self, model)
        spans = units(trace, self.unit)
        self.check(trace)
        record = RunRecord(self, trace, model, seed)
        return Result(
            kind="importance",
            method="FalseSteps",
            metric="false_equations",
            unit=self.unit,
            columns=_columns(trace, self.unit, spans),
            sign="larger = more of its equations are false",
            zero="all of its equations hold",
            scale_unit="proportion",
            provenance=record.provenance(),
            extras={
                "metric_words": "share of its equations that don't hold",
                "edit_type": self.edit_type,
                "signed": False,
                "question": self.question,
            },
        )


def _equations(trace: Trace) -> tuple[Equation, ...]:
    thought = trace.roles.get("thought")
    return () if thought is None else _found(trace.text[thought.char_start : thought.char_end])


@lru_cache(maxsize=8)  # a view asks of each trace that it shows whether it can be checked, again and again
def _found(thought: str) -> tuple[Equation, ...]:
    return tuple(equations(thought))


def _columns(trace: Trace, unit: str, spans: Sequence[Span]) -> dict[str, Any]:
    shift, found = trace.roles["thought"].char_start, _equations(trace)
    held = [[one for one in found if span.char_start <= one.start + shift < span.char_end] for span in spans]
    shares = [sum(not one.holds for one in each) / len(each) if each else math.nan for each in held]
    return {
        **placed(trace, unit, spans),
        **exact(shares),
        "n": [len(each) for each in held],
        "status": ["exact" if each else NO_EQUATION for each in held],
        "equations": ["; ".join(map(_words, each)) for each in held],
    }


def _words(one: Equation) -> str:
    return f"{one.text} holds" if one.holds else f"{one.text} is false, the left side is {one.value}"
