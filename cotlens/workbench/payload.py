"""What the editor's view is told: traces and results as plain data, positions in UTF-16 units as browsers count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.importance.forced import METRICS
from cotlens.results import Result
from cotlens.trace import Edit, Trace
from cotlens.widgets.payload import floats, indices
from cotlens.widgets.scores import scale
from cotlens.widgets.utf16 import to_utf16
from cotlens.workbench.compare import finite
from cotlens.workbench.layout import layout

METRIC_LABELS = {
    "logit_difference": "logit difference (nats)",
    "log_probability": "log-probability (nats)",
    "probability": "probability",
}


def document(trace: Trace) -> dict[str, Any]:
    """`document`, `token_offsets` and `logprobs` of a trace."""
    where = layout(trace)
    body = {
        "id": trace.id,
        "text": trace.text,
        "roles": where.roles,
        "n_tokens": len(trace.token_ids),
        "sentences": where.sentences,
        "edit": _edit(trace, trace.edit) if trace.edit else None,
        "rewritten_from": None if trace.rewritten_from is None else _unit(trace, trace.offsets[trace.rewritten_from]),
        "finish": str(trace.meta.get("finish", "given")),
        "thought_closed": bool(trace.meta.get("thought_closed", True)),
        "notes": [str(note) for note in trace.meta.get("notes", ())],
    }
    return {"document": body, "token_offsets": where.token_offsets, "logprobs": floats(trace.logprobs)}


def strip(trace: Trace, result: Result | None) -> dict[str, Any]:
    """`strip`, `strip_at` and `strip_values`: the curve of an `EarlyAnswer` result."""
    if result is None:
        return {"strip": {}, "strip_at": b"", "strip_values": b""}
    curve = result.extras["curve"]
    complete = bool(np.isfinite(result.extras["curve_metric"]).all())
    body = {"answers": list(result.extras["answers"]), "positions": "tokens", "target": 0, "complete": complete}
    return {
        "strip": body,
        "strip_at": indices(result.extras["curve_at"]),
        "strip_values": floats(curve),
    }


def shading(trace: Trace, measure: str, label: str, result: Result | None) -> dict[str, Any]:
    """`shading` and its values: a value per token of the trace, or per sentence."""
    if result is None:
        empty = {f"shading_{part}": b"" for part in ("values", "low", "high")}
        return {"shading": {}, "shading_status": {}, **empty}
    values = result.columns["estimate"]
    body = {
        "measure": measure,
        "unit": result.unit,
        "label": label,
        "scale": scale(values, result.scale_unit),
        "scale_note": "the largest effect",
        "sign": result.sign,
        "zero": result.zero,
        "scale_unit": result.scale_unit,
        "signed": True,
        "spans": result.unit,
        "kind": "exact",
        "edit_type": result.extras["edit_type"],
        "complete": bool(np.isfinite(values).all()),
        "metric_words": result.extras["metric_words"],
    }
    measured = np.isfinite(values)
    status = {int(i): str(result.columns["status"][i]) for i in np.flatnonzero(~measured)}
    placed = {
        f"shading_{part}": floats(_place(trace, result, result.columns[column]))
        for part, column in (("values", "estimate"), ("low", "low"), ("high", "high"))
    }
    first = int(result.columns["start"][0]) if result.unit == "token" else 0
    return {"shading": body, "shading_status": {str(first + i): why for i, why in status.items()}, **placed}


def inspection(trace: Trace, token: int) -> dict[str, Any]:
    """What is known of one token: text, probability, what else the model considered."""
    role = next((name for name, span in trace.roles.items() if span.start <= token < span.end), None)
    considered = [
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


def metrics() -> list[dict[str, str]]:
    """The metrics a measure can be read on, as the menu shows them."""
    return [{"id": name, "label": METRIC_LABELS[name]} for name in METRICS]


def _unit(trace: Trace, at: int) -> int:
    return int(to_utf16(trace.text, [min(int(at), len(trace.text))])[0])


def _edit(trace: Trace, edit: Edit) -> dict[str, Any]:
    return {
        "kind": edit.kind,
        "at": _unit(trace, edit.start),
        "end": _unit(trace, edit.start + len(edit.new)),
        "old": edit.old,
        "new": edit.new,
        "surprise": finite(edit.surprise),
        "surprise_was": finite(edit.surprise_was),
        "tokens": edit.end_token - edit.start_token,
    }


def _place(trace: Trace, result: Result, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Token values at their places among all tokens of the trace; sentence values as they are."""
    if result.unit != "token":
        return values
    placed = np.full(len(trace.token_ids), np.nan)
    placed[result.columns["start"]] = values
    return placed
