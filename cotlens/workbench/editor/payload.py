"""The editor's traits: traces and results as plain data, positions in UTF-16 units as browsers count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.monitors import Finding, Readings
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.results.certainty import certainty
from cotlens.trace import Trace
from cotlens.widgets.protocol.editor import (
    Alternative,
    Found,
    Head,
    Inside,
    InsidePart,
    InsideRow,
    Inspection,
    Selection,
    Shading,
    Strip,
    Unit,
    Unread,
    Whole,
    WholeRow,
)
from cotlens.widgets.shared import scores
from cotlens.widgets.shared.encoding import floats, indices, to_utf16
from cotlens.widgets.shared.names import shown_name
from cotlens.workbench.editor.facts import facts
from cotlens.workbench.editor.measure_menu import UNITS, ShadingSettings
from cotlens.workbench.editor.no_model import WHY
from cotlens.workbench.shared.compare import finite
from cotlens.workbench.shared.layout import layout

NO_ROW = 0xFFFFFFFF
"""What stands for a token that belongs to no row."""

_UNSHADED: dict[str, Any] = {
    **dict.fromkeys((f"shading_{part}" for part in ("rows", "values", "low", "high", "certainty")), b""),
    "shading": {},
    "shading_status": {},
    "shading_facts": [],
    "whole": {},
    "inside": {},
}
MOST_PARTS = 6
"""What fits under a sentence; of more the deepest, as they are next to what the model says."""


def head(model: Model, why: str) -> Head:
    """The model, and what is to be known of its scores; `why` the first measure isn't the usual one."""
    note = " ".join(filter(None, [model.score_path, why, getattr(model, "slow", "")]))
    told: Head = {"model": shown_name(model.name), "where": model.where, "note": note}
    return told if model.capabilities else {**told, "off": WHY}


def strip(trace: Trace, result: Result | None, target: str = "") -> dict[str, Any]:
    """`strip`, `strip_at` and `strip_values`: the curve of an `EarlyAnswer` result, `target` in front."""
    if result is None:
        return {"strip": {}, "strip_at": b"", "strip_values": b""}
    curve = result.extras["curve"]
    complete = bool(np.isfinite(result.extras["curve_metric"]).all())
    answers = list(result.extras["answers"])
    front = answers.index(target) if target in answers else 0
    sparse = len(result.extras.get("interpolated", ())) > 0
    body: Strip = {
        "answers": answers, "positions": "tokens", "target": front, "complete": complete, "sparse": sparse,
    }  # fmt: skip
    return {
        "strip": body,
        "strip_at": indices(result.extras["curve_at"]),
        "strip_values": floats(curve),
    }


def shading(
    trace: Trace, shown: ShadingSettings, result: Result | None, complete: bool, alike: Sequence[Result] = ()
) -> dict[str, Any]:
    """`shading` with its numbers, a row per unit, and the row of every token of the trace; or `whole` or `inside`.

    Args:
        alike: the same of all branches, which may share a colour scale.
    """
    if result is None:
        return _UNSHADED
    if shown.entry.reads:
        return {**_UNSHADED, "inside": inside(trace, shown, result)}
    if shown.unit == "thought":
        return {**_UNSHADED, "whole": whole(shown, result, complete)}
    columns = result.columns
    body: Shading = {
        "measure": shown.measure,
        "unit": cast(Unit, shown.unit),
        "label": _label(shown, result),
        "scale": scores.scale(columns["estimate"], result.scale_unit),
        "scale_all": max(scores.scale(one.columns["estimate"], one.scale_unit) for one in (result, *alike)),
        "branches": max(1, len(alike)),
        "sign": result.sign,
        "zero": result.zero,
        "scale_unit": result.scale_unit,
        "signed": scores.is_signed(result),
        "kind": "sampled" if shown.n else scores.kind(result) if np.isfinite(columns["estimate"]).any() else "exact",
        "edit_type": result.extras["edit_type"],
        "complete": complete,
        "unread": _unread(result),
        "metric_words": str(result.extras.get("metric_words", result.metric)),
    }
    return {
        **_UNSHADED,
        "shading": body,
        "shading_status": scores.reasons(result),
        "shading_facts": facts(result),
        "shading_rows": indices(_rows(trace, result)),
        "shading_values": floats(columns["estimate"]),
        "shading_low": floats(columns["low"]),
        "shading_high": floats(columns["high"]),
        "shading_certainty": certainty(result).tobytes(),
    }


def whole(shown: ShadingSettings, result: Result, complete: bool) -> Whole:
    """What is told of the whole thought: nothing that could shade a part of it."""
    columns = result.columns
    rows: list[WholeRow] = [
        {
            "words": str(columns["text"][row]),
            **{end: finite(columns[end][row]) for end in ("estimate", "low", "high")},  # type: ignore[typeddict-item]
            "n": int(columns["n"][row]),
            "status": str(columns["status"][row]),
            "control": str(columns["role"][row]) == "control",
        }
        for row in range(len(result))
    ]
    return {
        "label": shown.entry.label,
        "question": str(result.extras["question"]),
        "scale_unit": result.scale_unit,
        "edit_type": str(result.extras["edit_type"]),
        "complete": complete,
        "rows": rows,
    }


def inside(trace: Trace, shown: ShadingSettings, result: Result) -> Inside:
    """What a lens or a probe reads at the end of every sentence."""
    parts_of, note = _INSIDE[result.kind]
    at: dict[int, list[int]] = {int(start): [] for start in result.columns["start"]}
    for row, start in enumerate(result.columns["start"]):
        at[int(start)].append(row)
    rows = [_inside_row(layout(trace).sentence_at(start), parts_of(result, found)) for start, found in at.items()]
    return {"label": shown.entry.label, "note": note, "rows": rows}


def _inside_row(sentence: int | None, parts: list[InsidePart]) -> InsideRow:
    said = "; ".join(
        " ".join(filter(None, [f"after layer {one['where']}:" if one["where"] else "", one["words"].strip() or "␣",
                               one["value"], "" if one["clear"] else "(below the floor)"]))
        for one in parts
    )  # fmt: skip
    return {
        "sentence": -1 if sentence is None else sentence, "parts": parts[-MOST_PARTS:],
        "cut": len(parts) > MOST_PARTS, "said": said,
    }  # fmt: skip


def _read_by_lens(result: Result, rows: Sequence[int]) -> list[InsidePart]:
    """The tokens that lead, layers that agree taken together; clear where one of them says what follows."""
    columns, runs = result.columns, list[list[int]]()
    for row in rows:
        if runs and columns["leading"][runs[-1][0]] == columns["leading"][row]:
            runs[-1].append(row)
        else:
            runs.append([row])
    layers = [[int(columns["layer"][row]) for row in run] for run in runs]
    return [
        {
            "where": f"{own[0]}–{own[-1]}" if len(own) > 1 else str(own[0]),
            "words": str(columns["leading"][run[0]]),
            "value": _share(float(np.exp(columns["leading_logprob"][run].max()))),
            "clear": bool(np.any(columns["estimate"][run] > columns["floor"][run]))
            and not str(columns["status"][run[-1]]).startswith("artefact"),
        }
        for run, own in zip(runs, layers, strict=True)
    ]


def _share(value: float) -> str:
    """A probability as the view writes them; one that isn't known as such."""
    if np.isnan(value):
        return "not known"
    return "<.01" if value < 0.01 else f"{value:.2f}".removeprefix("0")


def _read_by_probe(result: Result, rows: Sequence[int]) -> list[InsidePart]:
    columns, shares = result.columns, result.scale_unit == "probability"
    return [
        {
            "where": "",
            "words": str(columns["leading"][row]),
            "value": f"{_share(columns['estimate'][row])} (floor {_share(columns['floor'][row])})" if shares else "",
            "clear": str(columns["status"][row]) == "ok",
        }
        for row in rows
    ]


_INSIDE = {
    "lens": (_read_by_lens, "the token that leads after each layer, L0 the embedding; grey: it reads no more of what "
                            "follows than of other tokens"),
    "reading": (_read_by_probe, "the class that leads; grey: a probe of shuffled labels would be as sure"),
}  # fmt: skip
"""Kind of result -> what stands under a sentence, and what its floor is."""


def selection(trace: Trace, shown: ShadingSettings) -> Selection:
    """What was chosen, with the spans in UTF-16 units."""
    spans = to_utf16(trace.text, np.array(shown.spans, dtype=np.int64).reshape(-1, 2)).tolist()
    return {
        "measure": shown.measure,
        "unit": cast(Unit, shown.unit),
        "metric": shown.metric,
        "n": shown.n,
        "spans": spans,
        "target": shown.target,
    }


def inspection(trace: Trace, token: int) -> Inspection:
    """What is known of one token: text, probability, what else the model considered."""
    role = next((name for name, span in trace.roles.items() if span.start <= token < span.end), None)
    considered: list[Alternative] = [
        {"token_id": int(i), "text": piece, "logprob": finite(logprob), "chosen": int(i) == trace.token_ids[token]}
        for i, logprob, piece in zip(
            trace.top_ids[token], trace.top_logprobs[token], trace.top_pieces[token], strict=False
        )
        if i >= 0
    ]
    own, text = trace.token_ids[token], trace.text[int(trace.offsets[token]) : int(trace.offsets[token + 1])]
    if considered and not any(one["chosen"] for one in considered):  # none of the best, and worth comparing with them
        logprob = finite(trace.logprobs[token])
        considered.append({"token_id": own, "text": text, "logprob": logprob, "chosen": True})
    return {
        "token": token,
        "text": text,
        "role": role,
        "sentence": layout(trace).sentence_at(token),
        "logprob": finite(trace.logprobs[token]),
        "alternatives": considered,
        "rewritten": trace.rewritten_from is not None and token >= trace.rewritten_from,
    }


def _label(shown: ShadingSettings, result: Result) -> str:
    """Method, unit and number of rollouts."""
    many = f", {shown.n} rollouts from each place" if shown.n else ""
    return f"{shown.entry.label} per {UNITS[shown.unit].removeprefix('my ').removesuffix('s')}{many}"


def _unread(result: Result) -> Unread | None:
    """How many rollouts came and how many answers were read of them, with advice where none can be; None of none."""
    came = sum(int(result.extras.get(f"rollouts_{how}", 0)) for how in ("sampled", "reused"))
    notes = result.extras.get("notes", ())
    read = int(result.extras.get("answers_read", 0))
    return {"read": read, "of": came, "advice": str(notes[0]) if notes else ""} if came else None


def _rows(trace: Trace, result: Result) -> NDArray[np.uint32]:
    """The row of every token, uint32 [tokens]; NO_ROW where it belongs to none. A group's row is that of all copies."""
    rows = np.full(len(trace.token_ids), NO_ROW, dtype=np.uint32)
    found = result.extras.get("members")
    if found and result.unit == "latent":  # these are told by their numbers
        found = [[(trace.latent_tokens[step], trace.latent_tokens[step] + 1) for step in row] for row in found]
    places = found or [[place] for place in zip(result.columns["start"], result.columns["end"], strict=True)]
    for row, spans in enumerate(places):
        for start, end in spans:
            rows[start:end] = row
    return rows


def findings(readings: Sequence[Readings]) -> list[Found]:
    """The view's `findings`: those that stand in a text, of all readings; raises as `CoTEditor.show_findings`."""
    for one in readings:
        if not isinstance(one, Readings):
            raise InputError(
                "show_findings takes readings, such as cl.monitors.Rules(equations=True).run([trace]); "
                f"a {type(one).__name__} was given."
            )
    return [
        _found(trace, one.monitor, finding)
        for one in readings
        for trace, reading in zip(one.traces, one, strict=True)
        for finding in reading.findings
        if finding.span is not None
    ]


def _found(trace: Trace, monitor: str, finding: Finding) -> Found:
    assert finding.span is not None
    start, end = to_utf16(trace.text, [finding.span.char_start, finding.span.char_end]).tolist()
    return {
        "document": trace.id,
        "start": start,
        "end": end,
        "monitor": monitor,
        "category": finding.category,
        "severity": finding.severity,
        "guess": not finding.located,
        "rationale": finding.rationale,
    }
