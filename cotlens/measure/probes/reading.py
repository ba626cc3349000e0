"""What a probe that was fitted before reads along one thought."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, check_trace
from cotlens.measure.probes.fitted import FittedProbe
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

UNITS = ("sentence", "token")
UNSURE, NO_FLOOR = "below the floor", "no floor: fit the probe again"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What does a probe read at the end of every sentence of this thought?

    A row per sentence, or token: `leading`, the class that the probe holds likeliest there, estimate = its calibrated
    probability; of a probe that predicts a number, estimate = the number. `floor` is that of the probe, what one that
    was fitted on shuffled labels reaches: rows that don't rise above it have the status "below the floor".

    Args:
        probe: of `cl.probes.fit`. A trace that it was fitted on it knows already: read others.
        unit: "sentence", read at its last token, or "token".
    """

    needs: ClassVar[Capability] = Capability.READ
    edit_type: ClassVar[str] = "none"

    probe: FittedProbe
    unit: str = "sentence"

    def __post_init__(self) -> None:
        if not isinstance(self.probe, FittedProbe):
            raise InputError(f"Reading reads with a fitted probe; {self.probe!r:.60} was given: see cl.probes.fit.")
        check_setting("Reading", "unit", self.unit, UNITS)

    def cost(self, trace: Trace) -> Cost:
        """One pass over the trace."""
        return Cost(len(trace.token_ids), 1)

    def check(self, model: Model) -> None:
        """Raise InputError where the probe was fitted on another model."""
        self.probe.check(model)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Read the places in one pass.

        Raises:
            InputError: there is no thought, or the probe was fitted on another model.
            CapabilityError: the model's activations can't be read.
        """
        check_needs(self, model)
        check_trace(trace, "Reading")
        if "thought" not in trace.roles or not (spans := trace.spans(self.unit)):
            raise InputError("This trace has no thought along which a probe could read; give one that has.")
        record, probe = RunRecord(self, trace, model, seed), self.probe
        told = probe.read(trace, model, [span.end - 1 for span in spans])
        lead = told.argmax(1)
        estimate = told[np.arange(len(told)), lead]
        nan = np.full(len(told), math.nan)
        columns: dict[str, Any] = {
            "start": [span.start for span in spans], "end": [span.end for span in spans],
            "text": [trace.text[span.char_start : span.char_end] for span in spans],
            "estimate": estimate, "low": nan, "high": nan, "n": np.ones(len(told), np.int64),
            "status": [self._status(float(value)) for value in estimate],
            "layer": np.full(len(told), probe.layer),
            "leading": [str(probe.classes[i]) for i in lead] if probe.classes else [f"{one:.3g}" for one in estimate],
            "floor": np.full(len(told), probe.floor),
        }  # fmt: skip
        what = ("probability of the leading class", "probability") if probe.classes else ("the number read", "number")
        return Result(
            "reading", "Reading", what[0], self.unit, columns, "the higher, the surer the probe is", "not at all",
            what[1], record.provenance(),
            {"classes": [str(one) for one in probe.classes], "probabilities": told, "floor": probe.floor,
             "site": probe.site, "layer": probe.layer},
        )  # fmt: skip

    def _status(self, value: float) -> str:
        if not self.probe.classes:
            return "ok"
        return NO_FLOOR if math.isnan(self.probe.floor) else "ok" if value > self.probe.floor else UNSURE
