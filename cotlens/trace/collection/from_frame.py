"""Traces from a table of texts: the way back from `Traces.frame`."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace.collection.traces import Traces
from cotlens.trace.trace import Trace

_TEXTS = {"prompt", "thought"}
_KEPT = ("model", "finish", "seed", "sample", "id", "target", "chunk", "epoch")


def is_frame(thing: Any) -> bool:
    """Whether it is a table (pandas) whose rows hold a prompt and a thought."""
    return hasattr(thing, "to_dict") and set(map(str, getattr(thing, "columns", ()))) >= _TEXTS


def from_frame(frame: Any, *, model: Any = None) -> Traces:
    """A trace for each row: of `prompt` and `thought`, and of `text` or `answer` where there is one.

    Answers are read anew from the texts. What else `Traces.frame` says of a trace (model, finish, seed, ...) is kept.

    Args:
        frame: a pandas DataFrame.
        model: in whose format the texts are tokenised; without one the tokens are words.

    Raises:
        InputError: the prompt or the thought of a row is no text.
    """
    return Traces(_trace(row, number, model) for number, row in enumerate(frame.to_dict("records")))


def _trace(row: Mapping[Hashable, Any], number: int, model: Any) -> Trace:
    for name in sorted(_TEXTS):
        if not isinstance(row[name], str):
            raise InputError(f"The {name} of row {number} is {row[name]!r:.40}; give text in each row.")
    answer = row.get("text", row.get("answer"))
    trace = Trace.from_text(row["prompt"], row["thought"], answer if isinstance(answer, str) else None, model=model)
    # A table has NaN where a row says nothing.
    said = {name: row[name] for name in _KEPT if isinstance(row.get(name), (str, int, bool))}
    return dataclasses.replace(trace, meta={**trace.meta, **said})
