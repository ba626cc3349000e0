"""A trace as every widget shows it: its text with its places, in UTF-16 units as browsers count."""

from __future__ import annotations

from typing import Any

from cotlens.trace import Edit, Trace
from cotlens.widgets.protocol.shared import EditInfo, TraceDocument
from cotlens.widgets.shared.encoding import floats, to_utf16
from cotlens.workbench.branches.tree import changed_by
from cotlens.workbench.shared.compare import finite
from cotlens.workbench.shared.layout import layout

CHANGED = (
    "This text was written under a change of the model; what is measured of it here is measured without the change."
)


def document(trace: Trace) -> dict[str, Any]:
    """`document`, `token_offsets` and `logprobs` of a trace."""
    where = layout(trace)
    body: TraceDocument = {
        "id": trace.id,
        "text": trace.text,
        "roles": where.roles,
        "n_tokens": len(trace.token_ids),
        "sentences": where.sentences,
        "edit": _edit(trace, trace.edit) if trace.edit else None,
        "rewritten_from": None if trace.rewritten_from is None else _unit(trace, trace.offsets[trace.rewritten_from]),
        "rerun_at": trace.resume_at if trace.awaits_rerun else None,
        "finish": str(trace.meta.get("finish", "given")),
        "thought_closed": bool(trace.meta.get("thought_closed", True)),
        "notes": [*(str(note) for note in trace.meta.get("notes", ())), *([CHANGED] if changed_by(trace) else [])],
    }
    return {"document": body, "token_offsets": where.token_offsets, "logprobs": floats(trace.logprobs)}


def _unit(trace: Trace, at: int) -> int:
    return int(to_utf16(trace.text, [min(int(at), len(trace.text))])[0])


def _edit(trace: Trace, edit: Edit) -> EditInfo:
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
