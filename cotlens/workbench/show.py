"""`cl.show(thing)`: the right view of a trace or a result."""

from __future__ import annotations

from typing import Any

from cotlens._core.errors import InputError
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.workbench.editor import CoTEditor


def show(thing: Any, model: Model | None = None) -> Any:
    """A trace opens in the editor (with a model) or as text, a result as its chart.

    Raises:
        InputError: there is no view of such a thing.
    """
    if isinstance(thing, Trace):
        return thing if model is None else CoTEditor(model, thing)
    if isinstance(thing, Result):
        return thing.chart()
    raise InputError(f"There is no view of a {type(thing).__name__}: give a Trace or a Result.")
