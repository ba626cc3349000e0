"""`cl.show(thing)`: the right view of anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets

from cotlens._core.errors import InputError
from cotlens.measure.diff.table import readings
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.published_rollouts import Rollouts
from cotlens.measure.steering.judging import SteeredRun
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Model
from cotlens.plots import CHARTS
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.collection.from_frame import from_frame, is_frame
from cotlens.trace.collection.traces import Traces
from cotlens.trace.readers.reading import read
from cotlens.widgets.importance_map import ImportanceMap
from cotlens.widgets.lens_grid import LensGrid
from cotlens.widgets.pair_matrix import PairMatrix
from cotlens.widgets.patch_grid import PatchGridView
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.feature_table.table import FeatureTable
from cotlens.workbench.rollout_map.rollout_map import RolloutMap
from cotlens.workbench.shared.controller import Controller
from cotlens.workbench.steering_panel.panel import SteeringPanel
from cotlens.workbench.steering_panel.words import said

PUBLISHED = ("resampling_accuracy", "counterfactual_accuracy", "forced_accuracy")
"""What a map of published rollouts shows; their KL is mostly an artefact of its smoothing."""

GRIDS = {"lens": LensGrid, "patch": PatchGridView}
"""The view of results of one row per layer and place."""


class Plain:
    """What has no view of its own, as text with a sentence that says so. It shows in a notebook and prints alike."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def show(thing: Any, model: Model | None = None, *, trace: Trace | None = None) -> Any:
    """The view of a thing; a notebook draws it as the last value of a cell.

    A trace opens in the editor (with a model) or as text. Several open as `RolloutMap`, whether in a list, in the table
    that `Traces.frame` makes of them, or in a file or folder that `cl.read` reads, named by its path. An importance
    result opens as `ImportanceMap` (of a difference with both its readings), one of pairs as `PairMatrix`, one of a
    lens as `LensGrid`, one of patches as the view of `PatchGrid`, another, such as a comparison of measures, a sweep or
    the latents of a trace, as its chart. With a model and a trace, steering vectors open as `SteeringPanel` and an
    autoencoder as `FeatureTable`. A steered rerun is said in words. Published rollouts open as the map of their
    accuracies over the trace. A widget is itself. Anything else is returned as text, with a sentence that says so.

    Args:
        thing: a Trace, several of them, a frame of their texts, the path to a file or folder of traces, a Result,
            several importance results of one trace in a list, several of lenses or of patches that stand beside each
            other, one or several steering vectors, a SteeredRun, a SAE, or Rollouts.
        model: what wrote the trace, to edit it or to steer with.
        trace: what an importance result was measured on, for its prompt and its answer; or what is steered or read.

    Raises:
        InputError: results of another trace than the one given, rollouts without any accuracy, or a file or folder that
            can't be read.
    """
    # `isinstance` looks at `type` first, so a controller is found although its `__class__` is that of its view.
    if isinstance(thing, Controller | ipywidgets.Widget):
        return thing
    if isinstance(thing, Trace):
        return thing if model is None else CoTEditor(model, thing)
    if isinstance(thing, Path) or (isinstance(thing, str) and _exists(thing)):
        return show(read(thing, model=model), model)
    if is_frame(thing) and len(thing):
        return show(from_frame(thing, model=model), model)
    if isinstance(thing, Traces) or _are(thing, Trace):
        return RolloutMap(thing, model)
    if isinstance(thing, Result):
        return _result(thing, trace)
    if isinstance(thing, Rollouts):
        return ImportanceMap(*_published(thing), trace=thing.trace)
    if isinstance(thing, SteeredRun):
        return Plain(said(thing))
    if _are(thing, Result) and all(each.kind == "importance" for each in thing):
        return ImportanceMap(*thing, trace=trace)
    if _are(thing, Result) and {each.kind for each in thing} in ({kind} for kind in GRIDS):
        return GRIDS[thing[0].kind](*thing)
    if model is not None and trace is not None:
        if isinstance(thing, Vector) or _are(thing, Vector):
            return SteeringPanel(model, trace, thing)
        if isinstance(thing, SAE):
            return FeatureTable(model, trace, thing)
    wants = ": give the model and the trace with it" if isinstance(thing, Vector | SAE) or _are(thing, Vector) else ""
    wants = ": there is no file or folder of that name" if isinstance(thing, str) else wants
    return Plain(f"There is no view of a {type(thing).__name__}{wants}; this is its text:\n{thing!r}")


def _result(result: Result, trace: Trace | None) -> Any:
    if result.kind == "importance" and result.method == "Diff":
        return ImportanceMap(*readings(result), trace=trace)
    if result.kind == "importance" and len(result):
        return ImportanceMap(result, trace=trace)
    if result.kind == "pairs" and len(result):
        return PairMatrix(result, trace)
    if result.kind in GRIDS and len(result) and "layer" in result.columns:
        return LensGrid(result, traces=[trace] if trace else []) if result.kind == "lens" else PatchGridView(result)
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


def _exists(name: str) -> bool:
    """Whether a text is the path of something; most texts are too long or too odd to be a path."""
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


def _are(thing: Any, kind: type) -> bool:
    """A list of nothing but that kind."""
    return isinstance(thing, list | tuple) and len(thing) > 0 and all(isinstance(each, kind) for each in thing)
