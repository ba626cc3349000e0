"""How a method is called from outside: the Python that gives its result again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from inspect import signature
from typing import Any

from cotlens.results.provenance import Provenance

_PLACE = "cotlens.measure."
_ASKED = (["trace", "model", "seed"], ["base", "source", "model", "seed"], ["trace", "donor", "model", "seed"])
"""What a method may be run on, in this order; what is told by keyword alone is left to whoever runs it."""


def call_of(method: Any, seed: int) -> str:
    """The Python that measures `trace`, `base` and `source`, or `trace` and `donor`, with `model` as `method` does.

    "" where it is no method of `cl` that is asked so, or has a setting that no literal says, such as a fitted lens.
    """
    kind = type(method)
    room = sys.modules.get(_PLACE + kind.__module__.removeprefix(_PLACE).partition(".")[0])
    if getattr(room, kind.__name__, None) is not kind:
        return ""
    asked = [name for name, one in signature(kind.run).parameters.items() if one.kind is not one.KEYWORD_ONLY][1:]
    if asked not in _ASKED:
        return ""
    settings = dict(_changed(method))
    if not all(map(_literal, settings.values())):
        return ""
    said = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    place = str(room.__name__).removeprefix(_PLACE)  # type: ignore[union-attr]
    return f"cl.{place}.{kind.__name__}({said}).run({', '.join(asked[:-1])}, seed={seed})"


def with_keywords(made: Provenance, **said: str) -> Provenance:
    """How a result came to be where the call was told more, by keyword: name -> Python."""
    more = "".join(f", {name}={code}" for name, code in said.items())
    return replace(made, call=made.call and f"{made.call.removesuffix(')')}{more})")


def _changed(method: Any) -> Iterator[tuple[str, Any]]:
    """The settings that are others than by default."""
    for field in fields(method):
        value = getattr(method, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if field.init and not (value is default or (_literal(value) and value == default)):
            yield field.name, value


def _literal(value: Any) -> bool:
    """Whether its repr makes the value again."""
    if isinstance(value, list | tuple):
        return all(map(_literal, value))
    return value is None or type(value) in (bool, int, float, str)
