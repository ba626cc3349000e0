"""What a view sends, checked against the fields that each kind of message has."""

from __future__ import annotations

from collections.abc import Mapping
from reprlib import repr  # what is given may be long or deep: a sentence holds its beginning
from types import UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin

from cotlens._core.errors import InputError

LARGEST = 2.0**64  # there are as many seeds, and more of nothing
Kinds = Mapping[str, Mapping[str, Any]]
"""Kind of message -> its fields with their types, as `cotlens.widgets.protocol` declares them."""


def fields_of(content: Any, kinds: Kinds, who: str) -> dict[str, Any]:
    """A message's `id` (0 where it has none), `kind` and fields. What may be left out is, where its type is another.

    Raises:
        InputError: it is of no known kind, or lacks a field.
    """
    kind = content.get("kind") if isinstance(content, Mapping) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError(
            f"The {who} got a message it doesn't know ({repr(content)}): update cotlens or reload the page."
        )
    number = content.get("request_id")
    fields: dict[str, Any] = {"id": number if isinstance(number, int) else 0, "kind": kind}
    for name, wanted in kinds[kind].items():
        given, types = content.get(name), _types(wanted)
        if _may_lack(wanted):
            if name in content and type(given) in types:
                fields[name] = given
            continue
        if not isinstance(given, types) or (isinstance(given, bool) and bool not in types):
            raise InputError(f"A {kind!r} request needs {name} as {_words(types)}; {repr(given)} was given.")
        if isinstance(given, (int, float)) and not -LARGEST < given < LARGEST:  # nor is NaN
            raise InputError(f"A {kind!r} request can't have {name}={repr(given)}: give a number that can be reached.")
        fields[name] = given
    return fields


def _may_lack(wanted: Any) -> bool:
    form: Any = get_origin(wanted)
    return form is NotRequired


def _types(wanted: Any) -> tuple[type, ...]:
    """What `isinstance` knows of a declared type: of a list, that it is one. A whole number will do for any other."""
    origin, inside = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType, NotRequired):
        return tuple(each for one in inside for each in _types(one))
    if origin is Literal:
        return (str,)
    return (int, float) if wanted is float else (origin or wanted,)


def _words(types: tuple[type, ...]) -> str:
    return " or ".join(each.__name__ for each in types)
