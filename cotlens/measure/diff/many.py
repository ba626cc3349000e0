"""Differences over many traces: means with intervals over them, by whose thoughts they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.categories.rules import tag
from cotlens.measure.diff.expected import KINDS
from cotlens.measure.diff.method import Diff, record_of
from cotlens.measure.diff.sides import (
    Side,
    asked,
    check_model,
    is_model,
    other_prompt,
    retold,
    same_tokens,
    side_of,
)
from cotlens.measure.diff.table import listed
from cotlens.measure.method import keeping
from cotlens.measure.stats import mean_interval
from cotlens.models.contract import Model, Start
from cotlens.results import Result
from cotlens.trace import Trace

_PER = {"kl": "KL", "kl_back": "KL back", "js": "JS", "log_ratio": "log ratio"}
GIVEN, FIRST, OTHER = "given", "first", "other"
"""Who wrote a thought: nobody says, the first side, or the other."""


@dataclass(frozen=True)
class _Case:
    """A trace, who wrote it, and the sides that read it; a function, since they hold its tokens once more."""

    trace: Trace
    writer: str
    sides: Callable[[], list[Side]]


@dataclass(frozen=True)
class _Texts:
    id: str


def on_traces(method: Diff, model: Model, traces: Sequence[Trace], seed: int) -> Result:
    """Means over traces that are given; raises as `Diff.run`."""
    check_model(model, "diff")
    return _measured(method, model, [_case(method, model, trace, GIVEN) for trace in traces], seed)


def on_prompts(
    method: Diff, model: Model, prompts: Sequence[str], n: int, seed: int, max_new_tokens: int | None
) -> Result:
    """Means over thoughts that both sides write; raises as `Diff.run`, and where a model can't write."""
    check_model(model, "diff")
    check.whole("n", n, 1, of="diff")
    opened = [model.compose(prompt, "", None) for prompt in prompts]
    write = {"seed": seed, "max_new_tokens": max_new_tokens}
    cases = [_case(method, model, trace, FIRST) for trace in _written(model, opened, n, write)]
    if is_model(method.other):
        theirs = [method.other.compose(prompt, "", None) for prompt in prompts]
        same = same_tokens(model, method.other)
        cases += [
            _case(method, model, trace if same else retold(model, trace), OTHER)
            for trace in _written(method.other, theirs, n, write)
        ]
    else:
        theirs = [model.compose(other_prompt(method.other, one), "", None) for one in opened]
        own = [prompt for prompt in prompts for _ in range(n)]
        cases += [
            _asked_back(method, model, trace, prompt)
            for trace, prompt in zip(_written(model, theirs, n, write), own, strict=True)
        ]
    # A thought that was cut off before it began, or is empty, can't be read by anybody.
    kept = [case for case in cases if case.trace.thought.strip()]
    if not kept:
        raise InputError(f"None of the {len(cases)} thoughts that were written holds a word, so none can be compared.")
    return _measured(method, model, kept, seed)


def _written(model: Model, opened: Sequence[Trace], n: int, write: dict[str, Any]) -> list[Trace]:
    found = model.rollouts([Start(trace, trace.resume_at, range(n)) for trace in opened], **write)
    return [trace for each in found for trace in each]


def _case(method: Diff, model: Model, trace: Trace, writer: str) -> _Case:
    return _Case(trace, writer, lambda: method.sides(model, trace))


def _asked_back(method: Diff, model: Model, trace: Trace, prompt: str) -> _Case:
    """A thought under the other prompt, read under the first."""

    def sides() -> list[Side]:
        first = asked(model, prompt, trace)
        floors = [_under(model, one, first, trace) for one in method.floor]
        return [first, Side(model, trace), *floors]

    return _Case(trace, OTHER, sides)


def _under(model: Model, floor: Any, first: Side, trace: Trace) -> Side:
    """What should make no difference to the first side: another model under its prompt, or another prompt."""
    if not is_model(floor):
        return asked(model, other_prompt(floor, first.trace), trace)
    return Side(floor, first.trace, first.shift) if same_tokens(model, floor) else side_of(model, floor, first.trace)


def _measured(method: Diff, model: Model, cases: Sequence[_Case], seed: int) -> Result:
    texts = _Texts(fingerprint(*(case.trace.id for case in cases)))
    record = record_of(method, texts, model, seed)
    done: list[tuple[_Case, Result]] = []
    with keeping(lambda: _table(method, done, record(), seed)):
        for at, case in enumerate(cases):
            control.current().check()
            control.current().report(at, len(cases), "difference")
            done.append((case, method.on(case.trace, case.sides(), seed)))
    control.current().report(len(cases), len(cases), "difference")
    return _table(method, done, record(), seed)


def _table(method: Diff, done: Sequence[tuple[_Case, Result]], made: Any, seed: int) -> Result:
    rows: list[tuple[str, str, list[float]]] = []
    for writer in dict.fromkeys(case.writer for case, _ in done):
        mine = [(case.trace, result) for case, result in done if case.writer == writer]
        told = [_quantities(trace, result) for trace, result in mine]
        keys = dict.fromkeys(key for each in told for key in each)
        rows += [(writer, key, [each[key] for each in told if key in each]) for key in keys]
    ends = [mean_interval(values, seed) for _, _, values in rows]
    totals = [float(result.extras["total"]) for _, result in done]
    bounds = [str(status) for _, result in done for status in result.columns["status"]]
    columns: dict[str, Any] = {
        "text": [f"{key} (thoughts: {writer})" for writer, key, _ in rows],
        "estimate": [float(np.mean(values)) for _, _, values in rows],
        "low": [end.low for end in ends],
        "high": [end.high for end in ends],
        "n": [len(values) for _, _, values in rows],
        "status": ["ok" if "log ratio" in key else _weakest(bounds) for _, key, _ in rows],
        "name": [key for _, key, _ in rows],
        "writer": [writer for writer, _, _ in rows],
    }
    return listed(
        "Diff",
        method.metric,
        "quantity",
        columns,
        made,
        sign="larger = the two sides part more; of a log ratio, above 0 = the first would sooner have written it",
        zero="both expect the same",
        question=method.question,
        totals=np.array(totals),
        writers=[case.writer for case, _ in done],
        most=np.argsort([-abs(total) for total in totals], kind="stable").astype(np.int64),
        summary=f"{len(done)} traces, median {np.median(totals or [np.nan]):.3g} nats each; 95 % intervals by "
        f"bootstrap over traces; {made.cost.tokens} tokens in {made.cost.forwards} passes",
    )


def _weakest(statuses: Sequence[str]) -> str:
    return next((status for status in statuses if status != "exact"), "ok")


def _quantities(trace: Trace, result: Result) -> dict[str, float]:
    """What is averaged, of one trace; by text there is only the log ratio, and only where it could be told."""
    if result.metric == "log_ratio":
        return _told_by_text(result)
    columns = result.columns
    thought = columns["unit"] != "role"
    tokens = float((columns["end"] - columns["start"])[thought].sum())
    told = {
        f"{words} per token of the thought": float(columns[key][thought].sum()) / tokens for key, words in _PER.items()
    }
    for name in KINDS:
        told[f"{_PER[name]} of the thought"] = float(columns[name][thought].sum())
    if "null_floor" in columns:
        told["floor of the thought"] = float(columns["null_floor"][thought].sum())
    if (~thought).any():
        for name in _PER:
            told[f"{_PER[name]} of the answer"] = float(columns[name][~thought].sum())
    if result.unit == "sentence":
        told |= _by_category(trace, _PER[result.metric], columns["estimate"][thought])
    return told


def _told_by_text(result: Result) -> dict[str, float]:
    estimate, answer = result.columns["estimate"], result.columns["unit"] == "role"
    found = {"log ratio per unit of the thought": estimate[~answer], "log ratio of the answer": estimate[answer]}
    return {words: float(np.nanmean(each)) for words, each in found.items() if not np.isnan(each).all()}


def _by_category(trace: Trace, words: str, estimates: Any) -> dict[str, float]:
    """Mean per sentence of each category that the thought has."""
    tags = tag(trace, spans=[span for span in trace.spans("sentence") if span.start < span.end])
    kinds = np.array(tags.categories)
    return {
        f"{words} per sentence, {kind}": float(estimates[kinds == kind].mean())
        for kind in dict.fromkeys(tags.categories)
    }
