"""`cl.show(thing)`: the right view of anything."""

from __future__ import annotations

from typing import Any

from cotlens._core.errors import InputError
from cotlens.measure.rollouts import Rollouts
from cotlens.models.contract import Model
from cotlens.plots import CHARTS
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.widgets.importance_map import ImportanceMap
from cotlens.widgets.pair_matrix import PairMatrix
from cotlens.workbench.editor import CoTEditor

PUBLISHED = ("resampling_accuracy", "counterfactual_accuracy", "forced_accuracy")
"""What a map of published rollouts shows; their KL is mostly an artefact of its smoothing."""


class Plain:
    """What has no view of its own, as text with a sentence that says so. It shows in a notebook and prints alike."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def show(thing: Any, model: Model | None = None, *, trace: Trace | None = None) -> Any:
    """The view of a thing; a notebook draws it as the last value of a cell.

    A trace opens in the editor (with a model) or as text. An importance result opens as `ImportanceMap`, one of pairs
    as `PairMatrix`, another, such as a comparison of measures, as its chart. Published rollouts open as the map of
    their accuracies over the trace. Anything else is returned as text, with a sentence that says so.

    Args:
        thing: a Trace, a Result, several importance results of one trace in a list, or Rollouts.
        model: what wrote the trace, to edit it with.
        trace: what an importance result was measured on, for its prompt and its answer.

    Raises:
        InputError: results of another trace than the one given, or rollouts without any accuracy.
    """
    if isinstance(thing, Trace):
        return thing if model is None else CoTEditor(model, thing)
    if isinstance(thing, Result):
        return _result(thing, trace)
    if isinstance(thing, Rollouts):
        return ImportanceMap(*_published(thing), trace=thing.trace)
    if _are_results(thing):
        return ImportanceMap(*thing, trace=trace)
    return Plain(f"There is no view of a {type(thing).__name__}; this is its text:\n{thing!r}")


def _result(result: Result, trace: Trace | None) -> Any:
    if result.kind == "importance" and len(result):
        return ImportanceMap(result, trace=trace)
    if result.kind == "pairs" and len(result):
        return PairMatrix(result)
    if result.kind in CHARTS and len(result):
        return result.chart()
    return result


def _published(rollouts: Rollouts) -> list[Result]:
    """The accuracies that the files have; the error of the first where they have none."""
    found, missing = list[Result](), list[InputError]()
    for method in PUBLISHED:
        try:
            found.append(rollouts.importance(method))
        except InputError as error:
            missing.append(error)
    if not found:
        raise missing[0]
    return found


def _are_results(thing: Any) -> bool:
    """A list of importance results, which one map shows together."""
    several = isinstance(thing, list | tuple) and len(thing) > 0
    return several and all(isinstance(each, Result) and each.kind == "importance" for each in thing)
