"""What a vector does at many coefficients and layers, beside random directions of the same length.

Every cell is written anew from the same token with the same random numbers. Effects of steering are read against three
things: coefficient 0, which is the unsteered rewrite from that token, since a text that is only written again changes,
too; the control, since any push of that size does something; and the perplexity of the text under the model without
steering, since a broken model also changes its answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from cotlens._core import check, control
from cotlens._core.errors import BackendError, InputError, OutOfMemory
from cotlens.measure.answers.forced import target_answer
from cotlens.measure.importance.sampled.unread import FEW, MOST
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, check_words, keeping
from cotlens.measure.stats import Interval
from cotlens.measure.steering.cells import (
    BOUNDED,
    READOUTS,
    Metric,
    SweepCell,
    SweepQuestion,
    damaged,
    measure,
    summary,
    worst,
)
from cotlens.measure.steering.norms import check_layer, residual_norm
from cotlens.measure.steering.rerun import start_of
from cotlens.measure.steering.vector import Vector
from cotlens.measure.steering.where import Steering, Where
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

COEFFICIENTS = (-1.0, -0.5, 0.5, 1.0)
ANSWER_TOKENS = 256  # bound on what a rollout writes beyond the length of its trace
_WORDS = {
    "changed": ("share of answers that are not the baseline's", "share"),
    "probability": ("probability of the baseline's answer", "probability"),
    "perplexity": ("perplexity of the text under the model without steering", "perplexity"),
}
Key = tuple[str, int, float]  # arm, layer, coefficient


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Reruns of a trace, or of several, at every coefficient and layer, with random directions as control.

    Args:
        vector: the vector, or one per layer (`fit_layers`).
        coefficients: in mean residual norms; 0, the model as it is, is always measured.
        layers: default those of the vectors; a single vector is moved to each of them.
        seeds: rollouts per trace and cell, with the random numbers 0, 1, ...
        metric: "changed" (share of answers that aren't the baseline's), "probability" (of the baseline's answer, forced
            after each thought under the same steering), "perplexity", or a function of a trace that gives a number,
            such as the share of its sentences that check something.
        where: "all", "from here on", "thought", "answer" or a Span; the last three write each answer by itself.
        at: token from which to write anew; by default the thought's first. With several traces, their own.
        controls: random directions of the same length; 0 for no control.
        temperature, top_p, top_k, max_new_tokens: as for `Model.resume`; at temperature 0 all rollouts of a cell are
            the same.

    The result has one row per arm ("vector", "random"), layer and coefficient. Its columns add `layer`, `coefficient`,
    `raw`, `arm`, every readout with `_low` and `_high`, `damaged`: the share of rollouts that may be damage, each read
    against the unsteered one with the same random numbers by the rule of `judging.may_be_damaged`, as the verdict on
    one rerun is; and `unlikely`: the share that are less likely than 95 % of the model's own (extras:
    `own_perplexity_95`), of whom 5 % are so themselves. Intervals are 95 %, over traces and rollouts, for the control
    over directions too. A rollout that was cut off before its answer has no value and is counted in `n_unread`; what it
    might have changed stands in `low_worst` and `high_worst`, and a cell that is mostly unread was not measured. A cell
    that broke the model has the reason as its status.
    """

    needs: ClassVar[Capability] = Capability.GENERATE | Capability.SCORE | Capability.WRITE
    edit_type: ClassVar[str] = "activation-level"
    unit: ClassVar[str] = "coefficient"
    label: ClassVar[str] = "Steering sweep"

    vector: Vector | tuple[Vector, ...]
    coefficients: tuple[float, ...] = COEFFICIENTS
    layers: tuple[int, ...] | None = None
    seeds: int = 8
    metric: str | Metric = "changed"
    where: Where = "from here on"
    at: int | None = None
    controls: int = 4
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_new_tokens: int | None = None

    def __post_init__(self) -> None:
        check.settings(self)
        check.sampling(self)
        vectors = (self.vector,) if isinstance(self.vector, Vector) else tuple(self.vector)
        layers = [one.layer for one in vectors] if self.layers is None else self.layers
        layers = tuple(check.indices("layers", layers, of="Sweep").tolist())
        coefficients = tuple(check.array("coefficients", self.coefficients, of="Sweep").ravel().tolist())
        for name, value in {"coefficients": coefficients, "layers": layers}.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "vector", vectors if len(vectors) > 1 else vectors[0])
        if not callable(self.metric):
            check_setting("Sweep", "metric", self.metric, READOUTS)
        if not self.coefficients or not all(map(math.isfinite, self.coefficients)):
            raise InputError(f"Sweep was given coefficients={self.coefficients}: give finite numbers, at least one.")
        if self.seeds < 1 or self.controls < 0:
            raise InputError(f"Sweep was given seeds={self.seeds} and controls={self.controls}: at least 1, and 0.")

    def cost(self, trace: Trace | Sequence[Trace]) -> Cost:
        """Every rollout as long as its trace and 256 tokens more, written, judged and scored."""
        traces = [trace] if isinstance(trace, Trace) else list(trace)
        cells = len(self._grid()) * (2 if self.controls else 1) + 1
        most = [self.max_new_tokens or len(one.token_ids) + ANSWER_TOKENS for one in traces]
        lengths = [len(one.token_ids) + new for one, new in zip(traces, most, strict=True)]
        twice = 1 if isinstance(self.where, str) and self.where in ("all", "from here on") else 2
        tokens = cells * self.seeds * sum(lengths) * (2 + twice)
        return Cost(tokens, cells * self.seeds * (sum(most) * twice + 4 * len(traces)))

    def run(self, trace: Trace | Sequence[Trace], model: Model, seed: int = 0) -> Result:
        """Measure every cell.

        Raises:
            InputError: a vector doesn't fit the model, or a trace has no thought.
            Cancelled: with the cells that were measured as `partial`; finished rollouts are in the model's store, so
                that a second run goes on from there.
        """
        check_needs(self, model)
        traces = [trace] if isinstance(trace, Trace) else list(trace)
        if not traces:
            raise InputError("A sweep needs a trace; none was given.")
        for one in traces:
            check_words(one, "A sweep")
        vectors = self._vectors(model, traces)
        questions = [self._question(model, one, vectors) for one in traces]
        record = RunRecord(self, traces[0], model, seed)
        keys: list[Key] = [("vector", vectors[0].layer, 0.0)]
        keys += [
            (arm, layer, coefficient)
            for coefficient, layer in self._grid()
            for arm in (("vector", "random") if self.controls else ("vector",))
        ]
        cells = {key: SweepCell() for key in keys}

        def result() -> Result:
            return self._result(questions, vectors, cells, record, seed)

        with keeping(result):
            for done, key in enumerate(keys):
                control.current().check()
                control.current().report(done, len(keys), "steering sweep")
                with control.using(control.current().silent()):
                    self._fill(model, questions, vectors, key, cells[key], seed)
            control.current().report(len(keys), len(keys), "steering sweep")
        return result()

    def _grid(self) -> list[tuple[float, int]]:
        return [(one, layer) for layer in self.layers or () for one in sorted(set(self.coefficients)) if one]

    def _vectors(self, model: Model, traces: Sequence[Trace]) -> list[Vector]:
        given = [self.vector] if isinstance(self.vector, Vector) else list(self.vector)
        by_layer, found = {one.layer: one for one in given}, []
        for layer in self.layers or ():
            check_layer(model, layer)
            one = by_layer.get(layer)
            if one is None and len(given) > 1:
                raise InputError(f"No vector for layer {layer} was given; there are some for {sorted(by_layer)}.")
            if one is None or not math.isfinite(one.unit):
                one = (one or given[0]).on(layer, residual_norm(model, layer, traces))
            one.check(model)
            found.append(one)
        return found

    def _question(self, model: Model, trace: Trace, vectors: Sequence[Vector]) -> SweepQuestion:
        at = start_of(model, trace, [Steering(vectors[0], 0.0, self.where)]) if self.at is None else self.at
        answer = None if trace.read_answer() is None else target_answer(trace, None)
        return SweepQuestion(trace, at, range(self.seeds), answer)

    def _fill(
        self,
        model: Model,
        questions: Sequence[SweepQuestion],
        vectors: Sequence[Vector],
        key: Key,
        cell: SweepCell,
        seed: int,
    ) -> None:
        arm, layer, coefficient = key
        vector = next(one for one in vectors if one.layer == layer)
        names = ("temperature", "top_p", "top_k", "max_new_tokens")
        settings = {name: getattr(self, name) for name in names}
        metric = self.metric if callable(self.metric) else None
        try:
            for question, pushed in self._clusters(questions, vector, arm, seed):
                steering = Steering(pushed, coefficient, self.where)
                cell.add(measure(model, question, [steering], metric, settings, seed))
            cell.status = "ok"
        except OutOfMemory:
            raise
        except BackendError as error:
            cell.values.clear()
            cell.status = f"not measured: {error}"

    def _clusters(
        self, questions: Sequence[SweepQuestion], vector: Vector, arm: str, seed: int
    ) -> list[tuple[SweepQuestion, Vector]]:
        """Which rollouts go with which direction: the control's traces share out its random directions."""
        if arm == "vector":
            return [(question, vector) for question in questions]
        each = min(self.seeds, max(1, -(-self.controls // len(questions))))
        found = []
        for i, question in enumerate(questions):
            for k in range(each):
                share = range(self.seeds * k // each, self.seeds * (k + 1) // each)
                direction = vector.random(seed + (i * each + k) % max(self.controls, each))
                found.append((replace(question, indices=share), direction))
        return found

    def _result(
        self,
        questions: Sequence[SweepQuestion],
        vectors: Sequence[Vector],
        cells: dict[Key, SweepCell],
        record: RunRecord,
        seed: int,
    ) -> Result:
        by_layer = {one.layer: one for one in vectors}
        own = next(iter(cells.values()))
        followed = any(one.answer is not None for one in questions)
        edge = float(np.quantile(own.all("perplexity"), 0.95)) if own.n else math.nan
        rows: list[dict[str, Any]] = []
        for layer in by_layer:
            mine = [(key, cell) for key, cell in cells.items() if key[1] == layer or key[2] == 0]
            for (arm, _, coefficient), cell in sorted(mine, key=lambda one: (one[0][0] != "vector", one[0][2])):
                row = self._row(by_layer[layer], arm, coefficient, cell, followed, seed)
                shares = {"damaged": damaged(cell, own), "unlikely": cell.all("perplexity") > edge}
                rows.append({**row, **{name: float(of.mean()) if cell.n else math.nan for name, of in shares.items()}})
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        first = questions[0]
        single = len(questions) == 1
        columns["start"] = [first.at if single else 0] * len(rows)
        columns["end"] = [len(first.trace.token_ids) if single else 0] * len(rows)
        words, scale = _WORDS.get(str(self.metric), (getattr(self.metric, "__name__", "metric"), "mean over rollouts"))
        return Result(
            kind="steering",
            method="Sweep",
            metric=words,
            unit=self.unit,
            columns=columns,
            sign=f"the {words} itself; a row's effect is its difference to the row with coefficient 0",
            zero="coefficient 0 is the model without steering",
            scale_unit=scale,
            provenance=record.provenance(),
            extras={
                "own_perplexity_95": math.exp(edge),
                "answers": [None if one.answer is None else one.answer.surface for one in questions],
                "traces": [one.trace.id for one in questions],
                "vector": vectors[0].name,
                "vector_fingerprints": [one.fingerprint for one in vectors],
            },
        )

    def _row(
        self, vector: Vector, arm: str, coefficient: float, cell: SweepCell, followed: bool, seed: int
    ) -> dict[str, Any]:
        name = "metric" if callable(self.metric) else self.metric
        estimate, interval = summary(cell, name, seed)
        least = worst(cell, name, seed) if name in BOUNDED else interval
        status, lacking = cell.status, int(np.isnan(cell.all(name)).sum())
        if status == "ok" and lacking == cell.n and not followed:
            status = "not measured: no rollout gave a value, for the baseline has no answer to follow"
        elif status == "ok" and lacking > FEW * cell.n:
            told = f"{lacking} of {cell.n} rollouts gave no value, as where they are cut off: see max_new_tokens="
            status = f"not measured: {told}" if lacking > MOST * cell.n else f"partly read: {told}"
        if status.startswith("not measured"):
            estimate, interval = math.nan, Interval(math.nan, math.nan)
        who = vector.name if arm == "vector" else "random, same norm"
        row: dict[str, Any] = {
            "text": f"{who} {coefficient:+g} at layer {vector.layer}",
            "estimate": estimate,
            "low": interval.low,
            "high": interval.high,
            "low_worst": least.low,
            "high_worst": least.high,
            "n": cell.n,
            "n_unread": lacking,
            "status": status,
            "arm": arm,
            "layer": vector.layer,
            "coefficient": coefficient,
            "raw": vector.raw(coefficient),
        }
        for readout in READOUTS:
            row[readout], ends = summary(cell, readout, seed)
            row[f"{readout}_low"], row[f"{readout}_high"] = ends
        return row


def sweep(
    model: Model, trace: Trace | Sequence[Trace], vector: Vector | Sequence[Vector], *, seed: int = 0, **settings: Any
) -> Result:
    """`Sweep(vector=vector, **settings).run(trace, model, seed)`; see `Sweep`."""
    vectors = vector if isinstance(vector, Vector) else tuple(vector)
    return Sweep(vector=vectors, **settings).run(trace, model, seed)
