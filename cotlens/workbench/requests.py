"""What the editor's view asks for, validated: a message becomes a request about one trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace import Trace
from cotlens.widgets.utf16 import from_utf16

# kind -> fields it must have, with their types
KINDS: dict[str, dict[str, type]] = {
    "inspect": {"token": int},
    "branch": {"token": int, "token_id": int},
    "truncate": {"token": int},
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
    job: int | None = None


def parse(content: Any, trace: Trace) -> Request:
    """A message as a request about `trace`.

    Raises:
        InputError: it is of no known kind, lacks a field, or points outside the trace.
    """
    kind = content.get("kind") if isinstance(content, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(
            f"The editor got a message it doesn't know ({str(content)[:80]!r}): update cotlens or reload the page."
        )
    for name, wanted in KINDS[kind].items():
        given = content.get(name)
        if not isinstance(given, wanted) or isinstance(given, bool):
            raise InputError(f"A {kind!r} request needs {name} as {wanted.__name__}; {given!r} was given.")
    fields = {name: content[name] for name in KINDS[kind]}
    if kind == "measure" and content.get("metric"):
        fields["metric"] = str(content["metric"])
    if kind == "cancel" and isinstance(content.get("job"), int):
        fields["job"] = content["job"]
    if "token" in fields and not 0 <= fields["token"] < len(trace.token_ids):
        raise InputError(
            f"Token {fields['token']} is not in this trace: it has the tokens 0 to {len(trace.token_ids) - 1}."
        )
    if kind == "edit":
        try:
            fields["start"], fields["end"] = map(int, from_utf16(trace.text, [fields["start"], fields["end"]]))
        except (IndexError, OverflowError) as error:
            raise InputError(f"The edit lies outside the trace: {error}") from error
    number = content.get("request_id")
    return Request(number if isinstance(number, int) else 0, kind, **fields)
