"""What each panel of a workbench is: how it is made, how wide it is, and how it keeps to what the editor shows.

To add a panel, give it a line in `PANELS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.store import SHIPPED, load_sae
from cotlens.measure.monitors import Readings, Rules
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Capability, Model
from cotlens.models.contract.capability import remedy
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.align import tokens_covering
from cotlens.widgets.importance_map import ImportanceMap
from cotlens.widgets.protocol.workbench_bar import Width
from cotlens.workbench.branch_tree.branch_tree import BranchTree
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.feature_table.table import FeatureTable
from cotlens.workbench.monitor_panel.panel import MonitorPanel
from cotlens.workbench.steering_panel.panel import SteeringPanel
from cotlens.workbench.steering_panel.sources import of_token
from cotlens.workbench.workbench.details import Details, facts_of

_NOTHING = Capability(0)


class Bench(Protocol):
    """What panels are made of: a workbench."""

    editor: CoTEditor
    model: Model | None
    sae: SAE | None
    vectors: list[Vector]
    readings: Readings | None

    @property
    def trace(self) -> Trace:
        """The trace that the editor shows."""


@dataclass(frozen=True)
class Panel:
    """One panel.

    Args:
        build: its widget; raises a CotLensError that says why it can't be, where it can't.
        width: at first.
        follow: what brings a widget that was built up to date with the editor; the others keep to it by themselves.
        needs: what the model has to be able to do; a panel that needs nothing asks no model when it is built.
    """

    build: Callable[[Bench], Any]
    width: Width = "half"
    follow: Callable[[Bench, Any], None] | None = None
    needs: Capability = _NOTHING


def _importance(bench: Bench) -> ImportanceMap:
    result = _mapped(bench)
    if result is None:
        _check(bench.model, "importance", _NOTHING)
        raise InputError(
            "Nothing is measured of the shown text yet: open importance when it is shaded, or after workbench.wait()."
        )
    return ImportanceMap(result, trace=bench.trace)


def _follow_importance(bench: Bench, shown: ImportanceMap) -> None:
    result = _mapped(bench)
    if result is not None and result is not shown.results[0]:
        shown.show(result, trace=bench.trace)


def _mapped(bench: Bench) -> Result | None:
    """What the editor's text is shaded by, where it is done and can be drawn as a map."""
    result = bench.editor.result
    return result if result is not None and result.kind == "importance" and len(result) else None


def _steering(bench: Bench) -> SteeringPanel:
    model = _model(bench)
    vectors = bench.vectors or [_of_answer(bench, model)]
    return SteeringPanel(model, bench.trace, vectors, sae=_sae(bench))


def _of_answer(bench: Bench, model: Model) -> Vector:
    """What raises the answer's first token: a slider to begin with, to which others are added in the panel."""
    trace, answer = bench.trace, bench.trace.read_answer()
    if answer is None:
        raise InputError("Steering needs a vector, and this trace has no answer to make one of: give vectors=[...].")
    begin = trace.roles["answer"].char_start + answer.start
    first, _ = tokens_covering(trace.offsets, begin, begin + 1)
    return of_token(model, trace, trace.token_ids[first])


def _features(bench: Bench) -> FeatureTable:
    model, sae = _model(bench), _sae(bench)
    if sae is None:
        raise InputError(
            f"No autoencoder is known for {model.name!r}: give one with sae=cl.features.load_sae(...), that reads it."
        )
    return FeatureTable(model, bench.trace, sae)


def _sae(bench: Bench) -> SAE | None:
    """The autoencoder that was given, or the one that is shipped for the model."""
    name = "" if bench.model is None else bench.model.name
    return load_sae(name) if bench.sae is None and name in SHIPPED else bench.sae


def _findings(bench: Bench) -> MonitorPanel:
    """What was given; otherwise equations that don't hold, which asks no model."""
    readings = bench.readings or Rules(equations=True, name="arithmetic").run(bench.trace)
    bench.editor.show_findings(readings)
    return MonitorPanel(readings)


def _facts(bench: Bench) -> Any:
    return facts_of(bench.trace, bench.editor.result, bench.editor.code)


def _model(bench: Bench) -> Model:
    return cast(Model, bench.model)  # `_check` saw that there is one


PANELS: dict[str, Panel] = {
    "text": Panel(lambda bench: bench.editor, "full"),
    "importance": Panel(_importance, follow=_follow_importance),
    "steering": Panel(_steering, "full", needs=Capability.READ | Capability.WRITE),
    "features": Panel(_features, needs=Capability.READ),
    "branches": Panel(lambda bench: BranchTree(bench.editor)),
    "findings": Panel(_findings),
    "details": Panel(lambda bench: Details(_facts(bench)), follow=lambda bench, shown: shown.show(_facts(bench))),
}
"""Name -> panel, in the order in which they stand."""


def built(bench: Bench, name: str) -> Any:
    """The widget of a panel.

    Raises:
        CapabilityError: the model can't do what the panel needs.
        InputError: it needs a model, or something else that isn't there.
    """
    panel = PANELS[name]
    if panel.needs:
        _check(bench.model, name, panel.needs)
    return panel.build(bench)


def _check(model: Model | None, name: str, needs: Capability) -> None:
    if model is None:
        raise InputError(f"The {name} panel needs a model: open the workbench with one, cl.Workbench(model, trace).")
    for need in needs:
        if need not in model.capabilities:
            why = f"{model.name!r} can't be looked into, as the {name} panel has to"
            raise CapabilityError(f"{why}: {remedy(need, model.backend)}.")
