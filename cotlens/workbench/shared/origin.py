"""What a branch is called, and the Python that makes the trace that a widget was opened with."""

from __future__ import annotations

from cotlens.models.contract import Model
from cotlens.trace import Edit, Trace
from cotlens.workbench.branches.node import short
from cotlens.workbench.shared.limits import usual


def origin(model: Model, trace: Trace) -> tuple[str, str]:
    """Label and Python of a trace that the editor was opened with."""
    meta = trace.meta
    prompt = meta.get("messages", trace.prompt)
    if trace.parent is not None:
        return named(trace.edit), _outside(trace)
    if meta.get("finish", "given") == "given" or trace.given_parts:  # from elsewhere, so no model of here wrote it
        answer = trace.answer if "answer" in trace.roles else None
        given = f"{prompt!r}, {trace.thought!r}, {answer!r}"
        return "original", f"trace = cl.Trace.from_text({given}, model=model)"
    settings = {"seed": int(meta.get("seed") or 0)}
    settings |= {name: meta[name] for name, value in usual(model).items() if meta.get(name, value) != value}
    if meta["finish"] != "stop":
        begin = trace.roles["thought"].start if "thought" in trace.roles else 0
        settings["max_new_tokens"] = len(trace.token_ids) - int(meta.get("begin", begin))
    if meta.get("prefill"):
        settings["prefill"] = meta["prefill"]
    sample = int(meta.get("sample") or 0)
    written = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    many = f", n={sample + 1})[{sample}]" if sample else ")"
    return "original", f"trace = model.reason({prompt!r}, {written}{many}"


def _outside(trace: Trace) -> str:
    """The line of an edit that was made before: what the model wrote after it isn't known again."""
    edit = trace.edit
    if edit is not None and edit.kind == "replace" and trace.awaits_rerun:
        return f"trace = trace.replace(({edit.start}, {edit.end}), {edit.new!r})"
    return "# an edit made outside the editor; save it with trace.save(path)"


def named(edit: Edit | None) -> str:
    """A branch's label from its edit."""
    if edit is None:
        return "edited"
    old, new = short(edit.old.strip() or "␣"), short(edit.new.strip() or "␣")
    return {"truncate": "cut", "insert": f"+ {new}", "delete": f"− {old}"}.get(edit.kind, f"{old} → {new}")
