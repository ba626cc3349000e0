"""Stopping some tokens in depth: what becomes of the answer if this sentence had been thought less deeply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import FORCED_TOKENS, METRICS, StopPoint, score_points, target_answer, values
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.importance.shared import table
from cotlens.measure.importance.shared.units import Place, set_units
from cotlens.measure.latent import depth
from cotlens.measure.lenses import reading
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, check_trace, in_blocks
from cotlens.models.contract import Capability, Depth, Model, Patch, need_depth
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.latents import name_of


@dataclass(frozen=True, kw_only=True)
class DepthStop:
    """If these tokens had stopped after so many steps, would the answer still come?

    estimate = m(as it is) - m(stopped), where m is the `metric` of the trace's answer, forced after the whole thought.
    Positive: the steps behind that one, at these tokens, support the answer. From there on their state is held at what
    it was after the step, while all other tokens take every step and see them so. A row per step but the last, and
    unit. Columns: `layer`, the step; `floor`, how much m moves where the states of the whole thought are replaced by
    themselves: nothing below it is read. Extras: `untouched`, m as it is; `form`.

    To stop all tokens at once ask `DepthAnswer`, or any measure of `model.at_depth(steps)`.

    Args:
        steps: after which to stop; all but the last by default.
        unit, spans: as for `Occlusion`.
        metric: "logit_difference", "log_probability" or "probability".
        target, form: as for `EarlyAnswer`.
    """

    needs: ClassVar[Capability] = Capability.SCORE | Capability.READ | Capability.WRITE
    edit_type: ClassVar[str] = "activation-level: a state held in depth"

    steps: tuple[int, ...] | None = None
    unit: str = "sentence"
    spans: tuple[Place, ...] | None = None
    metric: str = "logit_difference"
    target: str | None = None
    form: Form = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", depth.as_steps("DepthStop", self.steps))
        set_units(self)
        check_setting("DepthStop", "metric", self.metric, tuple(METRICS))
        check_form("DepthStop", self.form)
        if self.target is not None:
            check.text("target", self.target, of="DepthStop")

    def cost(self, trace: Trace) -> Cost:
        """A pass over the trace for each unit and step, and one to read the states."""
        rows = len(table.units(trace, self.unit, self.spans)) * depth.passes(None, self.steps) + 3
        return Cost(rows * (len(trace.token_ids) + 50 * FORCED_TOKENS), rows * 50)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Stop every unit after every step.

        Raises:
            InputError: there is no thought or no answer; the model takes no step behind one that was asked for.
            CapabilityError: the model doesn't think in depth, or can't be read and changed inside.
            Cancelled: between two rows.
        """
        check_needs(self, model)
        check_trace(trace, "DepthStop")
        deep, form = need_depth(model), form_of(trace, model, self.form)
        steps = tuple(one for one in depth.chosen(deep, self.steps) if one < deep.steps)
        if not steps or (self.steps is not None and len(steps) < len(self.steps)):
            raise InputError(
                f"Tokens can only be stopped before the last of the {deep.steps} steps that {model.name!r} takes; give "
                "lower steps=, or a deeper model by model.at_depth(steps)."
            )
        record, found = RunRecord(self, trace, model, seed), table.units(trace, self.unit, self.spans)
        target, states = target_answer(trace, self.target, model.reader), depth.depth_states(trace, model)
        point = [StopPoint(int(trace.roles["thought"].end), target.surface)]

        def metric(patches: Sequence[Patch]) -> float:
            return float(values(score_points(model, trace, point, patches, form), self.metric)[0])

        thought = trace.roles["thought"]
        whole = metric(())
        floor = abs(whole - metric(_held(deep, states, (thought.start, thought.end), 1, own=True)))
        rows = [(step, span) for step in steps for span in found]
        told = in_blocks(
            rows, lambda some: [metric(_held(deep, states, (s.start, s.end), step)) for step, s in some], "stopping", 8
        )
        columns: dict[str, Any] = {
            "start": [span.start for _, span in rows], "end": [span.end for _, span in rows],
            "text": [name_of(trace, span) for _, span in rows], "estimate": whole - np.array(list(told)),
            "status": ["exact"] * len(rows), "layer": np.array([step for step, _ in rows]),
            "floor": np.full(len(rows), floor),
        }  # fmt: skip
        extras = {
            "untouched": whole, "form": described(form), "layers": max(steps) + 1, "cells": reading.DIFFERENCE,
        }  # fmt: skip
        return reading.table(
            self, columns, record.provenance(), f"{self.metric} lost where these tokens stop after a step",
            f"+ = the steps behind support the answer {target.surface!r}", "no effect", extras, METRICS[self.metric],
        )  # fmt: skip


def _held(
    deep: Depth, states: NDArray[np.float32], place: tuple[int, int], step: int, own: bool = False
) -> list[Patch]:
    """What holds tokens at their state after a step, or with `own` puts every later state in its own place."""
    at = tuple(range(*place))
    return [
        Patch(deep.before + later * deep.layers - 1, at, states[list(at), (later if own else step) - 1])
        for later in range(step + 1, deep.steps + 1)
    ]
