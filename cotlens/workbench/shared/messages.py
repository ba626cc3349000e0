"""What a view sends, checked against the fields that each kind of message has."""

from __future__ import annotations

from collections.abc import Mapping
from reprlib import repr  # what is given may be long or deep: a sentence holds its beginning
from typing import Any

from cotlens._core.errors import InputError

Types = type | tuple[type, ...]
LARGEST = 2.0**64  # there are as many seeds, and more of nothing
Kinds = Mapping[str, Mapping[str, Types]]
"""Kind of message -> the fields it must have, with their types."""


def fields_of(content: Any, kinds: Kinds, who: str) -> dict[str, Any]:
    """A message's `id` (0 where it has none), `kind` and fields; of a "cancel" the `job`, where it names one.

    Raises:
        InputError: it is of no known kind, or lacks a field.
    """
    kind = content.get("kind") if isinstance(content, Mapping) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError(
            f"The {who} got a message it doesn't know ({repr(content)}): update cotlens or reload the page."
        )
    number, job = content.get("request_id"), content.get("job")
    fields: dict[str, Any] = {"id": number if isinstance(number, int) else 0, "kind": kind}
    for name, wanted in kinds[kind].items():
        given = content.get(name)
        if not isinstance(given, wanted) or (isinstance(given, bool) and wanted is not bool):
            raise InputError(f"A {kind!r} request needs {name} as {_words(wanted)}; {repr(given)} was given.")
        if isinstance(given, (int, float)) and not -LARGEST < given < LARGEST:  # nor is NaN
            raise InputError(f"A {kind!r} request can't have {name}={repr(given)}: give a number that can be reached.")
        fields[name] = given
    if kind == "cancel" and isinstance(job, int):
        fields["job"] = job
    return fields


def _words(wanted: Types) -> str:
    return " or ".join(each.__name__ for each in (wanted if isinstance(wanted, tuple) else (wanted,)))
