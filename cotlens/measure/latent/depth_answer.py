"""The answer by depth: what a model would answer, had it thought less deeply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import FORCED_TOKENS, StopPoint, score_points, target_answer, values
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.answers.onset import onset
from cotlens.measure.answers.rivals import likeliest, pool
from cotlens.measure.importance.shared.units import units
from cotlens.measure.latent import depth
from cotlens.measure.lenses import reading
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, check_trace, in_blocks
from cotlens.models.contract import Capability, Model, need_depth
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.latents import name_of

UNITS = ("token", "sentence", "paragraph", "step")


@dataclass(frozen=True, kw_only=True)
class DepthAnswer:
    """If every token had taken only so many steps, which answer would come?

    A row per step and cut (before the thought, and after each unit): the thought is closed there and the answer forced,
    as in `EarlyAnswer`, by the model of that many steps. estimate = log p(answer) - log p(rival), each to its end.
    Columns: `layer`, the number of steps; `logprob` of the answer; `control`, the same difference for the best other
    answer of the text; `floor`, the larger of that and 0; `readable`, 1 where the estimate lies above it. Extras:
    `onset` [cuts], the number of steps from which on the answer stays readable, -1 where it never does; `cuts`,
    `answer`, `rival`, `form`.

    Args:
        steps: which; all that the model takes by default.
        unit: "token", "sentence", "paragraph" or "step" (of the thought, not in depth).
        target, rival, form: as for `AnswerLens`.
    """

    needs: ClassVar[Capability] = Capability.SCORE
    edit_type: ClassVar[str] = "truncated thought, fewer steps in depth, forced answer"

    steps: tuple[int, ...] | None = None
    unit: str = "sentence"
    target: str | None = None
    rival: str | None = None
    form: Form = None

    def __post_init__(self) -> None:
        check_setting("DepthAnswer", "unit", self.unit, UNITS)
        check_form("DepthAnswer", self.form)
        object.__setattr__(self, "steps", depth.as_steps("DepthAnswer", self.steps))
        for name in ("target", "rival"):
            if getattr(self, name) is not None:
                check.text(name, getattr(self, name), of="DepthAnswer")

    def cost(self, trace: Trace) -> Cost:
        """For each step a pass over the trace and the forced answers of every cut."""
        cuts, passes = len(trace.spans(self.unit)) + 1, depth.passes(None, self.steps) + 1
        once = 8 * len(trace.token_ids) + cuts * 50 * FORCED_TOKENS
        return Cost(passes * once, passes * (8 + len(trace.token_ids) // 4 + cuts * 50))

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Ask at every depth.

        Raises:
            InputError: there is no thought, no answer or no rival, or the model wasn't trained with as many steps.
            CapabilityError: the model doesn't think in depth.
            Cancelled: between two depths.
        """
        check_needs(self, model)
        check_trace(trace, "DepthAnswer")
        steps = depth.chosen(need_depth(model), self.steps)
        record, form = RunRecord(self, trace, model, seed), form_of(trace, model, self.form)
        target, found = target_answer(trace, self.target, model.reader), units(trace, self.unit, None)
        cuts = sorted({trace.roles["thought"].start, *(span.end for span in found)})
        reader = trace.reader if trace.reader is not None else model.reader
        others = [one for one in pool(trace, reader, form, target) if reader.normal(one) != target.group]
        rival = self.rival or next(iter(likeliest(model, trace, others, cuts, 1, form)), None)
        if rival is None or reader.normal(rival) == target.group:
            raise InputError("No other answer stands in this text to compare with; give rival= with one.")
        decoys = [one for one in others if reader.normal(one) != reader.normal(rival)]
        points = [StopPoint(cut, value) for cut in cuts for value in (target.surface, rival, *decoys)]

        def asked(some: Any) -> list[np.ndarray[Any, Any]]:
            forced = [score_points(depth.at(model, step), trace, points, form=form) for step in some]
            return [values(one, "log_probability").reshape(len(cuts), -1) for one in forced]

        texts = ["", *(name_of(trace, span) for span in found)]
        starts = [cuts[0], *(span.start for span in found)]
        parts: list[dict[str, Any]] = []
        for step, told in zip(steps, in_blocks(steps, asked, "depths", 1), strict=True):
            apart = told - told[:, 1:2]
            best = apart[:, 2:].max(1) if decoys else np.full(len(cuts), np.nan)
            floor = np.fmax(best, 0)
            parts.append({
                "start": starts, "end": cuts, "text": texts, "estimate": apart[:, 0], "status": ["exact"] * len(cuts),
                "layer": np.full(len(cuts), step), "logprob": told[:, 0], "control": best, "floor": floor,
                "readable": (apart[:, 0] > floor).astype(np.int32),
            })  # fmt: skip
        readable = np.stack([part["readable"] for part in parts], 1)
        extras = {
            "onset": np.array([onset(row, steps) for row in readable], np.int32), "cuts": np.array(cuts, np.int32),
            "answer": target.surface, "rival": rival, "form": described(form), "decoys": len(decoys),
            "layers": max(steps) + 1, "cells": reading.DIFFERENCE,
        }  # fmt: skip
        metric = f"log p({target.surface!r}) - log p({rival!r}) after so many steps"
        sign = f"+ = supports the answer {target.surface!r}"
        return reading.table(
            self, reading.joined(parts), record.provenance(), metric, sign, "neither is likelier", extras
        )
