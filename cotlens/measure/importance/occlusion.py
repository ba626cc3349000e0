"""Occlusion: take a part of the thought away and see whether the answer still comes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import FORCED_TOKENS, METRICS, errors, target_answer, values
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.importance.sampled import alternatives
from cotlens.measure.importance.sampled.alternatives import TRIES, max_tokens
from cotlens.measure.importance.shared import groups as grouping
from cotlens.measure.importance.shared import table, units
from cotlens.measure.importance.shared.edits import HEAVY, LIGHT, EditBuilder, OcclusionEdit, mean_embedding, scored
from cotlens.measure.importance.shared.groups import GROUP, Group, Groups
from cotlens.measure.importance.shared.layers import in_layers
from cotlens.measure.importance.shared.occlusion_rows import OcclusionRows
from cotlens.measure.importance.shared.units import Place
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, keeping, of_one_model
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

EDIT_TYPES = {
    "hide": "attention-level",
    "mean": "activation-level",
    "swap": "resampled, then teacher-forced: the rest of the thought held fixed",
}
SKIPPED = "skipped: its sentence had no effect"
PIECE = 512  # tokens of the trunk that may be run again before the first that an edit reaches


@dataclass(frozen=True, kw_only=True)
class Occlusion:
    """If the model could not look back at this word, would it still give the same answer?

    estimate = m(nothing done) - m(the unit taken away), where m is the `metric` of the trace's answer, forced after the
    whole thought. Positive: the unit supports the answer. How a unit is taken away:

    - mode="hide": no later token attends to it. With effect="direct" (default) it is hidden from the answer only, that
      is from the tokens that close the thought and give the answer; thought tokens, the last of them too, keep what
      they read from it. With effect="total" it is hidden from everything after it. In a model that keeps a state beside
      attention, direct hiding is of attention layers only (`edit_type` says in how many; the state still holds the
      unit), and refused where there is none; total hiding leaves the unit out: it writes nothing into the state and
      does not let it decay, and a convolution reaches over it to the tokens before.
    - mode="mean": its embeddings are replaced by the mean embedding of the thought's tokens. Total only: whatever
      follows reads the replaced tokens anew.
    - mode="swap": the model's own alternative stands in its place. A token becomes the likeliest other token there,
      nothing is drawn; longer units are written by the model, drawn under the seed until they differ (status "ok" and
      no interval: the estimate holds for that one alternative). Columns: `alternative`, its `surprise`, and
      `surprise_was` of what stood there, mean nats per token. Total only: what follows moves along.

    The text of the rest is held fixed in all of them (teacher-forced). They say what is read, not what the model would
    have written without the unit. Where the same value stands in the thought twice, taking one copy away may show
    nothing: use `groups`.

    Args:
        effect: "direct" or "total"; by default direct where the mode has it.
        mode: "hide", "mean" or "swap".
        unit: "token", "sentence", "paragraph" or "step".
        spans: stretches of the thought to measure instead; Spans or (start, end) characters of the trace's text.
        groups: what is taken away together, a row each: "values" for all copies of each number in the thought, or a
            list of lists of spans. `start` and `end` of a row reach from its first copy to its last; the extra
            `members` has the token ranges, and the column `copies` their number. Not with mode="swap".
        coarse: above 0, sentences are measured first, then only the tokens of those whose effect is at least this
            share of the largest; the others say that they were skipped. It misses what stands in two sentences.
        metric: "logit_difference" (default; a sure answer saturates the other two), "log_probability", "probability".
        target: the answer to measure, as it is to be written; the trace's own by default.
        form: in which words it is given: None for the form in which the trace answered, or the name of one of its
            reader's forms, or an AnswerForm (see `forms`). The extra `form` says which was taken.

    The extras hold `baseline` [1] and `hidden` [rows], the metric before and after; `alternatives`, the tokens that
    were swapped in; with `coarse`, `sentences`: their tokens and what hiding each of them did.
    """

    label: ClassVar[str] = "Occlusion"

    effect: Literal["direct", "total"] | None = None
    mode: Literal["hide", "mean", "swap"] = "hide"
    unit: str = "token"
    spans: tuple[Place, ...] | None = None
    groups: Groups | None = None
    coarse: float = 0.0
    metric: Literal["logit_difference", "log_probability", "probability"] = "logit_difference"
    target: str | None = None
    form: Form = None

    def __post_init__(self) -> None:
        check_form("Occlusion", self.form)
        check_setting("Occlusion", "mode", self.mode, tuple(EDIT_TYPES))
        if self.effect is None:
            object.__setattr__(self, "effect", "direct" if self.mode == "hide" else "total")
        check_setting("Occlusion", "effect", str(self.effect), ("direct", "total"))
        check_setting("Occlusion", "metric", self.metric, tuple(METRICS))
        self._check()

    @property
    def needs(self) -> Capability:
        """Scoring; hiding, or leaving out; for means reading and writing activations; text for swaps of many tokens."""
        if self.mode == "mean":
            return Capability.SCORE | Capability.READ | Capability.WRITE
        if self.mode == "hide":
            return Capability.SCORE | (Capability.HIDE if self.effect == "direct" else Capability.SKIP)
        return Capability.SCORE | Capability.GENERATE if self._draws else Capability.SCORE

    @property
    def edit_type(self) -> str:
        """The row in the table of edit types."""
        return EDIT_TYPES[self.mode]

    def cost(self, trace: Trace) -> Cost:
        """Trunk passes, and per row a forced answer (direct), the rest of the thought with it (total), its writing."""
        rows, end, n = self._rows(trace), trace.roles["thought"].end, len(trace.token_ids)
        each = [FORCED_TOKENS + self._again(row, end) for row in rows]
        cost = Cost(12 * n + sum(each), forwards=16 + n // 8 + sum(2 + size // 32 for size in each))
        if self.mode == "swap":
            limits = [TRIES * max_tokens(row, self.unit) if self._draws else 1 for row in rows]
            written = sum(2 * row.end + size for row, size in zip(rows, limits, strict=True))
            cost = Cost(cost.tokens + written, cost.forwards + sum(limits) + len(rows) * (2 + n // 32))
        if self.coarse:
            first = replace(self, unit="sentence", coarse=0.0).cost(trace)
            cost = Cost(cost.tokens + first.tokens, cost.forwards + first.forwards)
        return cost

    @of_one_model
    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every row.

        Raises:
            InputError: the trace has no thought to measure, or no answer; or spans don't fit it.
            CapabilityError: the model can't do what the mode needs.
            Cancelled: with what was measured so far as `partial`.
        """
        check_needs(self, model)
        rows = self._rows(trace)
        target, form = target_answer(trace, self.target, model.reader).surface, form_of(trace, model, self.form)
        question = EditBuilder.of(model, trace, target, form)
        record = RunRecord(self, trace, model, seed)
        found = OcclusionRows(len(rows), "ok" if self._draws else "exact")
        extras = {**self._members(rows), "form": described(form)}
        if self.effect == "direct":
            extras["edit_type"] = in_layers(self.edit_type, model, held=True)

        def result() -> Result:
            columns = {**self._copies(rows), **found.columns()}
            everything = {**found.extras(), **extras}
            source = record.provenance()
            return table.result(
                self,
                trace,
                rows,
                found.effects,
                target,
                source,
                everything,
                status=found.status,
                columns=columns,
                errors=found.errors,
            )

        with keeping(result):
            if self.coarse:
                sentences = replace(self, unit="sentence", coarse=0.0).run(trace, model, seed)
                found.skip(outside(rows, sentences, self.coarse))
                extras.update(sentences=_brief(sentences))
            if self.mode == "swap":
                self._swap(trace, model, rows, found, seed)
            wanted = found.pending
            edits = [question.untouched(), *self._edits(question, model, rows, found, wanted)]
            size = LIGHT if self.effect == "direct" else HEAVY
            for row, outcome in zip([-1, *wanted], scored(model, trace, edits, size), strict=True):
                [value], [error] = values([outcome.forced], self.metric), errors([outcome.forced], self.metric)
                if row < 0:
                    found.set_baseline(value, error)
                else:
                    found.record(row, value, error, outcome.logprobs)
        return result()

    def _edits(
        self, question: EditBuilder, model: Model, rows: list[Group], found: OcclusionRows, wanted: list[int]
    ) -> list[OcclusionEdit]:
        if self.mode == "swap":
            return [question.swapped(rows[i], found.alternative(i).tokens) for i in wanted]
        if self.mode == "mean":
            mean = mean_embedding(model, question.trace)
            return [question.averaged(rows[i], mean) for i in wanted]
        return [question.hidden(rows[i]) if self.effect == "direct" else question.removed(rows[i]) for i in wanted]

    def _swap(self, trace: Trace, model: Model, rows: list[Group], found: OcclusionRows, seed: int) -> None:
        wanted = found.pending
        chosen = [rows[i] for i in wanted]
        if self._draws:
            others = alternatives.model_written(model, trace, chosen, self.unit, seed)
        else:
            others = alternatives.tokens(model, trace, chosen)
        for row, other in zip(wanted, others, strict=True):
            found.set_alternatives({row: other})

    @property
    def _draws(self) -> bool:
        """Whether alternatives are drawn."""
        return self.mode == "swap" and self.unit != "token"

    def _rows(self, trace: Trace) -> list[Group]:
        if self.groups is not None:
            return grouping.find(trace, self.groups)
        return grouping.singles(trace, table.units(trace, self.unit, self.spans))

    def _again(self, row: Group, end: int) -> int:
        """Tokens of the thought that an edit of `row` runs again, at most."""
        if self.effect == "direct":
            return 0
        if self.mode == "swap":
            return max_tokens(row, self.unit) + end - row.end
        return end - row.start + (PIECE if self.mode == "mean" else 0)

    def _members(self, rows: list[Group]) -> dict[str, Any]:
        if self.groups is None:
            return {}
        return {"members": [[[span.start, span.end] for span in row.spans] for row in rows]}

    def _copies(self, rows: list[Group]) -> dict[str, Any]:
        return {} if self.groups is None else {"copies": np.array([len(row.spans) for row in rows], dtype=np.int32)}

    def _check(self) -> None:
        if self.groups is not None:
            if self.spans is not None:
                raise InputError("Occlusion was given both spans and groups: give one of them.")
            if self.mode == "swap":
                raise InputError("Occlusion(mode='swap') writes one stretch anew, not a group: use 'hide' or 'mean'.")
            object.__setattr__(self, "groups", grouping.as_groups("Occlusion", self.groups))
            object.__setattr__(self, "unit", GROUP)
        else:
            units.set_units(self)
        if self.effect == "direct" and self.mode != "hide":
            raise InputError(
                f"Occlusion(mode={self.mode!r}) has no direct effect, since all that follows reads what stands there: "
                "use effect='total', or mode='hide'."
            )
        if not 0 <= self.coarse <= 1:
            raise InputError(f"Occlusion was given coarse={self.coarse}: give a share from 0 (measure all) to 1.")
        if self.coarse and self.unit != "token":
            raise InputError(
                f"Occlusion(coarse=...) goes from sentences to tokens, not to {self.unit}s: use unit='token'."
            )


def outside(rows: list[Group], sentences: Result, share: float) -> dict[int, str]:
    """Rows in no sentence whose effect is at least `share` of the largest, and the status that says so."""
    size = np.abs(sentences.columns["estimate"])
    least = share * np.nanmax(size, initial=0.0)
    kept = [
        range(start, end)
        for start, end, effect in zip(sentences.columns["start"], sentences.columns["end"], size, strict=True)
        if effect >= least and effect > 0
    ]
    return {i: SKIPPED for i, row in enumerate(rows) if not any(row.start in span for span in kept)}


def _brief(sentences: Result) -> dict[str, Any]:
    """Where the sentences are and what each did."""
    return {name: np.asarray(sentences.columns[name]) for name in ("start", "end", "estimate")}
