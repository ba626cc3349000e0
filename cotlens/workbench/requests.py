"""What the editor's view asks for, validated: a message becomes a request, a request an edited trace and its Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace import Trace
from cotlens.widgets.utf16 import from_utf16
from cotlens.workbench.tree import short

# kind -> fields it must have, with their types
KINDS: dict[str, dict[str, type]] = {
    "inspect": {"token": int},
    "branch": {"token": int, "token_id": int},
    "truncate": {"token": int},
    "answer_here": {"token": int},
    "edit": {"start": int, "end": int, "text": str},
    "rerun": {"token": int},
    "measure": {"measure": str, "unit": str},
    "goto": {"branch": str},
    "cancel": {},
    "count": {"text": str},
}


@dataclass(frozen=True)
class Request:
    """One message of the view. Character positions are code points of the trace's text by now."""

    id: int
    kind: str
    token: int = 0
    token_id: int = 0
    start: int = 0
    end: int = 0
    text: str = ""
    measure: str = ""
    unit: str = ""
    metric: str = "logit_difference"
    branch: str = ""


def parse(content: Any, trace: Trace) -> Request:
    """A message as a request about `trace`.

    Raises:
        InputError: it is of no known kind, lacks a field, or points outside the trace.
    """
    if not isinstance(content, Mapping) or content.get("kind") not in KINDS:
        raise InputError(
            f"The editor got a message it doesn't know ({str(content)[:80]!r}): update cotlens or reload the page."
        )
    kind = content["kind"]
    for name, wanted in KINDS[kind].items():
        if not isinstance(content.get(name), wanted):
            raise InputError(f"A {kind!r} request needs {name} as {wanted.__name__}; {content.get(name)!r} was given.")
    fields = {name: content[name] for name in KINDS[kind]}
    if kind == "measure" and content.get("metric"):
        fields["metric"] = str(content["metric"])
    if "token" in fields and not 0 <= fields["token"] < len(trace.token_ids):
        raise InputError(
            f"Token {fields['token']} is not in this trace: it has the tokens 0 to {len(trace.token_ids) - 1}."
        )
    if kind == "edit":
        try:
            fields["start"], fields["end"] = map(int, from_utf16(trace.text, [fields["start"], fields["end"]]))
        except IndexError as error:
            raise InputError(f"The edit lies outside the trace: {error}") from error
    return Request(int(content.get("request_id", 0)), kind, **fields)


def edited_trace(trace: Trace, request: Request) -> tuple[Trace, str, str]:
    """The edited trace, a label for its branch, and the Python expression that makes it.

    Raises:
        InputError: the place is outside the thought.
    """
    if request.kind == "edit":
        return _edit(trace, request)
    token = request.token
    if request.kind == "branch":
        span = next((span for span in trace.spans("token") if span.start == token), None)
        if span is None:
            raise InputError(f"Token {token} is not in the thought: branch at one of the thought's tokens.")
        edited = trace.replace(span, [request.token_id])
        index = token - trace.roles["thought"].start
        label = f"{short(trace.tokens[token].strip() or '␣')} → {short(edited.tokens[token].strip() or '␣')}"
        return edited, label, f"trace.replace(trace.spans('token')[{index}], [{request.token_id}])"
    sentence = next((i for i, span in enumerate(trace.spans("sentence")) if span.start <= token < span.end), None)
    where = f"#{sentence}" if sentence is not None else f"token {token}"
    label = f"again from {where}" if request.kind == "rerun" else f"cut at {where}"
    return trace.truncate(token), label, f"trace.truncate({token})"


def _edit(trace: Trace, request: Request) -> tuple[Trace, str, str]:
    place, old = (request.start, request.end), trace.text[request.start : request.end]
    if request.start == request.end:
        edited = trace.insert(place, request.text)
        return edited, f"+ {short(request.text)}", f"trace.insert({place}, {request.text!r})"
    if not request.text:
        return trace.delete(place), f"− {short(old)}", f"trace.delete({place})"
    edited = trace.replace(place, request.text)
    return edited, f"{short(old)} → {short(request.text)}", f"trace.replace({place}, {request.text!r})"
