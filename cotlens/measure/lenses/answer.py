"""The answer lens: when, and at which depth, does the answer become readable?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import FORCED_TOKENS, target_answer
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.answers.onset import onset
from cotlens.measure.answers.rivals import likeliest, pool
from cotlens.measure.importance.shared.units import units
from cotlens.measure.lenses import reading
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, check_trace
from cotlens.models.contract import Branch, Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm
from cotlens.trace.latents import name_of

UNITS = ("token", "sentence", "paragraph", "step")


@dataclass(frozen=True, kw_only=True)
class AnswerLens:
    """If the thought stopped here, would this layer already say the answer?

    A row per layer and cut (before the thought, and after each unit): the thought is closed there and the answer
    forced, as in `EarlyAnswer`; at the token that decides between the answer and its rival, the residual stream goes
    through the model's end. estimate = log p(answer) - log p(rival), of the first tokens in which the two differ, those
    before given. Layer 0 is the embedding, the last layer the model itself. All cuts are read in one packed pass.

    Columns: `layer`; `logprob` of the answer's token and its `rank`; `control`, the same difference for the best of the
    other answers that stand in the text; `floor`, the larger of that and 0; `readable`, 1 where the estimate lies above
    it. Extras: `onset` per layer, the token before which the thought stops from which on the answer stays readable, -1
    where it never does; `forced` [cuts], the model's own log p of the deciding token; `cuts`, `answer`, `rival`
    and `form`.

    Args:
        unit: "token", "sentence", "paragraph" or "step".
        target: the answer to follow; the trace's own by default.
        rival: the answer to compare with; by default the likeliest at any cut of those that stand in the text.
        form: in which words the answer is given; see `EarlyAnswer`.
    """

    needs: ClassVar[Capability] = Capability.SCORE | Capability.READ | Capability.DECODE
    edit_type: ClassVar[str] = "truncated thought, forced answer"

    unit: str = "sentence"
    target: str | None = None
    rival: str | None = None
    form: Form = None

    def __post_init__(self) -> None:
        check_setting("AnswerLens", "unit", self.unit, UNITS)
        check_form("AnswerLens", self.form)
        for name in ("target", "rival"):
            if getattr(self, name) is not None:
                check.text(name, getattr(self, name), of="AnswerLens")

    def cost(self, trace: Trace) -> Cost:
        """A trunk pass per question, and a forced answer per cut; the same for the answers in the text."""
        cuts, n = len(trace.spans(self.unit)) + 1, len(trace.token_ids)
        return Cost(8 * n + cuts * 50 * FORCED_TOKENS, 8 + n // 4 + cuts * 50)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Read every layer at every cut.

        Raises:
            InputError: there is no thought, no answer or no rival; or one of the two only goes on with the other.
            CapabilityError: the model can't be scored, read or decoded.
        """
        check_needs(self, model)
        check_trace(trace, "AnswerLens")
        record, form = RunRecord(self, trace, model, seed), form_of(trace, model, self.form)
        target, found = target_answer(trace, self.target, model.reader), units(trace, self.unit, None)
        cuts = sorted({trace.roles["thought"].start, *(span.end for span in found)})
        reader = trace.reader if trace.reader is not None else model.reader
        # "2" is no rival of "21": they differ only in where they end, so no token would decide between them.
        first = _tokens(model, trace, cuts[0], target.surface, form)
        values = {one: _tokens(model, trace, cuts[0], one, form) for one in pool(trace, reader, form, target)}
        others = [one for one, own in values.items() if any(a != b for a, b in zip(first, own, strict=False))]
        rival = self.rival or next(iter(likeliest(model, trace, others, cuts, 1, form)), None)
        if rival is None:
            raise InputError("No other answer stands in this text to compare with; give rival= with one.")
        decoys = [other for other in others if reader.normal(other) != reader.normal(rival)]
        branches, follow, n_decoys = self._branches(trace, model, cuts, target.surface, rival, decoys, form)
        scores = model.score(trace, branches, sites=reading.sites(model))
        texts = ["", *(name_of(trace, span) for span in found)]
        starts = [cuts[0], *(span.start for span in found)]
        parts: list[dict[str, Any]] = []
        for layer, site in enumerate(reading.sites(model)):
            vectors = np.stack([score.activations[site][-1] for score in scores])
            told = model.decode(vectors, follow, k=1)
            status = (
                reading.own_token_status(told.top_ids[:, 0], [one.token_ids[-2] for one in branches])
                if not layer
                else "exact"
            )
            apart = told.logprobs.astype(np.float64) - told.logprobs[:, 1:2]
            best = apart[:, 2:].max(1) if n_decoys else np.full(len(cuts), np.nan)
            floor = np.fmax(best, 0)
            parts.append(
                {
                    "start": starts, "end": cuts, "text": texts, "estimate": apart[:, 0],
                    "status": [status] * len(cuts),
                    "layer": np.full(len(cuts), layer), "logprob": told.logprobs[:, 0], "rank": told.ranks[:, 0],
                    "control": best, "floor": floor, "readable": (apart[:, 0] > floor).astype(np.int32),
                }
            )  # fmt: skip
        extras = {
            "onset": np.array([onset(part["readable"], cuts) for part in parts], np.int32),
            "forced": np.array([score.logprobs[-1] for score in scores], np.float32),
            "cuts": np.array(cuts, np.int32), "answer": target.surface, "rival": rival, "form": described(form),
            "decoys": n_decoys, "layers": len(parts), "cells": reading.DIFFERENCE,
        }  # fmt: skip
        metric = f"log p({target.surface!r}) - log p({rival!r}) at the token that decides"
        sign = f"+ = supports the answer {target.surface!r}"
        return reading.table(
            self, reading.joined(parts), record.provenance(), metric, sign, "neither is likelier", extras
        )

    def _branches(
        self,
        trace: Trace,
        model: Model,
        cuts: Sequence[int],
        answer: str,
        rival: str,
        decoys: Sequence[str],
        form: AnswerForm,
    ) -> tuple[list[Branch], NDArray[np.int64], int]:
        """A branch per cut that ends with the deciding token, and the tokens to follow there: answer, rival, decoys."""
        branches, rows = [], []
        for cut in cuts:
            own, other = (_tokens(model, trace, cut, value, form) for value in (answer, rival))
            apart = next((i for i, pair in enumerate(zip(own, other, strict=False)) if pair[0] != pair[1]), None)
            if apart is None:
                raise InputError(
                    f"{answer!r} and {rival!r} differ only in where they end, so no token decides between them; give "
                    "another rival=."
                )
            branches.append(Branch(cut, own[: apart + 1], given=apart))
            beside = [
                one
                for one in (_tokens(model, trace, cut, decoy, form) for decoy in decoys)
                if one[:apart] == own[:apart]
            ]
            rows.append([own[apart], other[apart], *sorted({one[apart] for one in beside if len(one) > apart})])
            rows[-1] = [*rows[-1][:2], *(one for one in rows[-1][2:] if one not in rows[-1][:2])]
        most = max(len(row) for row in rows)
        if min(len(row) for row in rows) < 3:  # somewhere nothing is left to compare with
            return branches, np.array([row[:2] for row in rows], np.int64), 0
        return branches, np.array([row + row[-1:] * (most - len(row)) for row in rows], np.int64), most - 2


def _tokens(model: Model, trace: Trace, cut: int, value: str, form: AnswerForm) -> tuple[int, ...]:
    """Tokens from the cut to the end of a value that is given there."""
    made = model.answer_branch(trace, cut, value, form)
    return tuple(made.token_ids[: made.value_end])
