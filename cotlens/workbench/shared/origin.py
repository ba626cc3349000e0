"""What a branch is called, and the Python that makes the trace that a widget was opened with."""

from __future__ import annotations

from cotlens.models.contract import Model
from cotlens.results.code import Usual, making, step, written_with
from cotlens.trace import Edit, Trace
from cotlens.workbench.branches.node import short
from cotlens.workbench.shared.limits import usual


def origin(model: Model, trace: Trace) -> tuple[str, str]:
    """Label and Python of a trace that the editor was opened with."""
    label = "original" if trace.parent is None else named(trace.edit)
    return label, step(trace, *_written(model, trace))


def alone(model: Model, trace: Trace) -> str:
    """Python that makes a trace, and what it was made from, of nothing else."""
    return "\n".join(making(trace, *_written(model, trace)))


def _written(model: Model, trace: Trace) -> tuple[Usual, str]:
    """How a model usually writes, where it is what wrote a trace, and what writes that again."""
    if not model.capabilities:
        return None, "model"
    # What another model wrote is looked at with this one, and it is that one which writes it again.
    by = "model" if trace.meta.get("model") in (None, model.name) else written_with(trace, model.name, model.revision)
    return usual(model) if by == "model" else None, by


def named(edit: Edit | None) -> str:
    """A branch's label from its edit."""
    if edit is None:
        return "edited"
    if not edit.old and not edit.new and edit.kind != "truncate":  # no text went and none came: latents did
        return f"latents: {edit.kind}"
    old, new = short(edit.old.strip() or "␣"), short(edit.new.strip() or "␣")
    return {"truncate": "cut", "insert": f"+ {new}", "delete": f"− {old}"}.get(edit.kind, f"{old} → {new}")
