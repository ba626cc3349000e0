"""Readers as JSON data."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cotlens.trace.answers.answer import AnswerReader
from cotlens.trace.answers.boxed import Boxed
from cotlens.trace.answers.choice import Choice
from cotlens.trace.answers.custom import Regex
from cotlens.trace.answers.final import FinalAnswer
from cotlens.trace.answers.number import Number

_SAVED: dict[str, type[FinalAnswer] | type[Number] | type[Boxed] | type[Choice] | type[Regex]] = {
    kind.name: kind for kind in (FinalAnswer, Number, Boxed, Choice, Regex)
}


def reader_to_data(reader: AnswerReader) -> dict[str, Any]:
    """A reader as JSON data: name and fields, or the name alone where code would be needed to restore it."""
    if type(reader) is not _SAVED.get(reader.name):
        return {"name": reader.name}
    return {"name": reader.name, "fields": {field.name: getattr(reader, field.name) for field in fields(reader)}}


def reader_from_data(data: dict[str, Any]) -> AnswerReader | None:
    """The reader that `reader_to_data` wrote down; None for one that was saved by name alone."""
    kind = _SAVED.get(data["name"])
    return kind(**data["fields"]) if kind is not None and "fields" in data else None
