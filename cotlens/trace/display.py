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
    if trace.given_parts:
        parts.append(_parts(trace))
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
    return f"<div><div>{escape(_summary(trace))}</div><dl>{rows}</dl>{_others(trace)}</div>"


def _parts(trace: TraceRecord) -> str:
    """How many parts there are, and which thought is in focus."""
    thoughts = [part.order for part in trace.thoughts]
    if trace.focus_order is None:
        return f"{len(trace.parts)} parts with {len(thoughts)} thoughts, none of them in focus"
    place = thoughts.index(trace.focus_order)
    return f"{len(trace.parts)} parts, thought {place} of {len(thoughts)} in focus ({trace.status})"


def _others(trace: TraceRecord) -> str:
    """All parts, one line each, folded."""
    if not trace.given_parts:
        return ""
    rows = "".join(
        f"<li>{escape(' '.join(filter(None, (part.kind, part.name, part.status))))}: "
        f"{escape(_shorten(part.text, _LINE))}</li>"
        for part in trace.parts
    )
    return f"<details><summary>{escape(_parts(trace))}</summary><ol start='0'>{rows}</ol></details>"


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
