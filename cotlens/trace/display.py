"""How a trace shows itself in a terminal and, without a widget, in a notebook."""

from __future__ import annotations

from html import escape

from cotlens.trace.record import TraceRecord

_LINE = 40
_BLOCK = 600
_RERUN = {True: ", not rerun", False: ""}


def line(trace: TraceRecord) -> str:
    """One line: size, answer, edit and the beginning of the prompt."""
    parts = [f"Trace {trace.id}", f"{len(trace.token_ids)} tokens"]
    answer = _answer(trace)
    if answer:
        before = " before the edit" if trace.awaits_rerun else ""
        parts.append(f"answer{before} {_shorten(answer, _LINE)!r}")
    if trace.edit is not None:
        parts.append(f"edit {trace.edit.kind}{_RERUN[trace.awaits_rerun]}")
    parts.append(f"prompt {_shorten(trace.prompt, _LINE)!r}")
    return f"<{', '.join(parts)}>"


def html(trace: TraceRecord) -> str:
    """Prompt, thought and answer, each shortened; all text is escaped."""
    rows = "".join(
        f'<dt style="font-weight:600">{_named(trace, role)}</dt>'
        f'<dd style="margin:0 0 .5em;white-space:pre-wrap">{escape(_shorten(trace.role_text(role), _BLOCK))}</dd>'
        for role in trace.roles
    )
    return f"<div><div>{escape(_summary(trace))}</div><dl>{rows}</dl></div>"


def _summary(trace: TraceRecord) -> str:
    model = trace.meta.get("model")
    made = f" by {_shorten(str(model), _LINE)}" if model else ""
    edit = f", edited ({trace.edit.kind}){_RERUN[trace.awaits_rerun]}" if trace.edit is not None else ""
    return f"Trace {trace.id}{made}: {len(trace.token_ids)} tokens{edit}"


def _named(trace: TraceRecord, role: str) -> str:
    return f"{role} of the text before the edit" if role == "answer" and trace.awaits_rerun else role


def _answer(trace: TraceRecord) -> str:
    try:
        answer = trace.read_answer()
    except Exception:  # a reader is the user's code; showing a trace must not fail on it
        return ""
    return answer.text if answer is not None else ""


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2
    return f"{text[:half]} … {text[-half:]}"
