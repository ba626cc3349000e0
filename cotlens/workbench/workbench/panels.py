"""What each panel of a workbench is: how it is made, how wide it is, and how it keeps to what the editor shows.

To add a panel, give it a line in `PANELS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.store import SHIPPED, load_sae
from cotlens.measure.lenses import AnswerLens
from cotlens.measure.monitors import Readings, Rules
from cotlens.measure.patching import PatchGrid as PatchingMethod
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Capability, Model
from cotlens.models.contract.capability import remedy
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.align import tokens_covering
from cotlens.widgets.importance_map import ImportanceMap
from cotlens.widgets.lens_grid import LensGrid
from cotlens.widgets.patch_grid import PatchGridView
from cotlens.widgets.protocol.workbench_bar import Width
from cotlens.workbench.branch_tree.branch_tree import BranchTree
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.feature_table.table import FeatureTable
from cotlens.workbench.monitor_panel.panel import MonitorPanel
from cotlens.workbench.patch_grid.patch_grid import PatchGrid
from cotlens.workbench.rollout_map.rollout_map import RolloutMap
from cotlens.workbench.steering_panel.panel import SteeringPanel
from cotlens.workbench.steering_panel.sources import of_token
from cotlens.workbench.workbench.charts import Charts
from cotlens.workbench.workbench.details import Details, facts_of

_NOTHING = Capability(0)
MOST_UNASKED = 100_000  # token positions that opening a panel may send through the model


class Bench(Protocol):
    """What panels are made of: a workbench."""

    editor: CoTEditor
    model: Model | None
    sae: SAE | None
    vectors: list[Vector]
    readings: Readings | None
    results: list[Result]
    other: Trace | None
    rollouts: list[Trace]

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
        asks: whether a model is asked when it is built: none is to look at a session.
    """

    build: Callable[[Bench], Any]
    width: Width = "half"
    follow: Callable[[Bench, Any], None] | None = None
    asks: bool = False


def _importance(bench: Bench) -> ImportanceMap:
    result = _mapped(bench)
    if result is None:
        _able(bench, "importance", _NOTHING)
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
    model = _able(bench, "steering", Capability.READ | Capability.WRITE)
    vectors = bench.vectors or [_of_answer(bench, model)]
    return SteeringPanel(model, bench.editor, vectors, sae=_sae(bench))


def _of_answer(bench: Bench, model: Model) -> Vector:
    """What raises the answer's first token: a slider to begin with, to which others are added in the panel."""
    trace, answer = bench.trace, bench.trace.read_answer()
    if answer is None:
        raise InputError("Steering needs a vector, and this trace has no answer to make one of: give vectors=[...].")
    begin = trace.roles["answer"].char_start + answer.start
    first, _ = tokens_covering(trace.offsets, begin, begin + 1)
    return of_token(model, trace, trace.token_ids[first])


def _features(bench: Bench) -> FeatureTable:
    model, sae = _able(bench, "features", Capability.READ), _sae(bench)
    if sae is None:
        raise InputError(
            f"No autoencoder is known for {model.name!r}: give one with sae=cl.features.load_sae(...), that reads it."
        )
    return FeatureTable(model, bench.editor, sae)


def _sae(bench: Bench) -> SAE | None:
    """The autoencoder that was given, or the one that is shipped for the model."""
    name = "" if bench.model is None else bench.model.name
    return load_sae(name) if bench.sae is None and name in SHIPPED else bench.sae


def _findings(bench: Bench) -> MonitorPanel:
    """What was given; otherwise equations that don't hold, which asks no model."""
    readings = bench.readings or Rules(equations=True, name="arithmetic").run(bench.trace)
    bench.editor.show_findings(readings)
    return MonitorPanel(readings)


def _lens(bench: Bench) -> LensGrid:
    """What was given; otherwise the answer's lens, where that takes no longer than a look."""
    given = _results(bench, "lens")
    if given:
        return LensGrid(*given, traces=[bench.trace] if _on(given, bench.trace) else [])
    model, lens = _able(bench, "lens", AnswerLens.needs), AnswerLens()
    if lens.cost(bench.trace).tokens > MOST_UNASKED:
        raise InputError(
            f"A lens on this text of {len(bench.trace.token_ids):,} tokens takes too long to be begun by a click: "
            "give it, cl.Workbench(model, trace, results=[cl.lenses.AnswerLens().run(trace, model)])."
        )
    return LensGrid(lens.run(bench.trace, model), traces=[bench.trace])


def _on(results: list[Result], trace: Trace) -> bool:
    return trace.id in {one.provenance.trace_id for one in results}


def _patches(bench: Bench) -> Any:
    given = _results(bench, "patch")
    if bench.other is None and not given:
        raise InputError(
            "The patches panel sets two runs beside each other: give the other one, "
            "cl.Workbench(model, trace, other=trace_that_answers_otherwise)."
        )
    if bench.other is None:
        return PatchGridView(*given)
    model = _able(bench, "patches", PatchingMethod.needs)
    return PatchGrid(*given, model=model, base=bench.trace, source=bench.other)


def _rollouts(bench: Bench) -> RolloutMap:
    shown = bench.rollouts or bench.editor.branches
    if len(shown) < 2:
        raise InputError(
            "A map of rollouts compares two or more: edit the text first, whose branches are compared then, or give "
            "rollouts=model.reason(prompt, n=20)."
        )
    return RolloutMap(shown, bench.model)


def _probes(bench: Bench) -> Charts:
    given = _results(bench, "probe", "contrast", "onset")
    if not given:
        raise InputError("No probe was fitted: give what one was found to read, results=[cl.probes.Probe().run(...)].")
    return Charts(given)


def _results(bench: Bench, *kinds: str) -> list[Result]:
    """Results of these kinds that were given; of those by layer, which a grid has a row for."""
    grids = ("lens", "patch")
    return [one for one in bench.results if one.kind in kinds and (one.kind not in grids or "layer" in one.columns)]


def _facts(bench: Bench) -> Any:
    return facts_of(bench.trace, bench.editor.result, bench.editor.code)


PANELS: dict[str, Panel] = {
    "text": Panel(lambda bench: bench.editor, "full"),
    "importance": Panel(_importance, follow=_follow_importance),
    "steering": Panel(_steering, "full", asks=True),
    "features": Panel(_features, asks=True),
    "branches": Panel(lambda bench: BranchTree(bench.editor)),
    "findings": Panel(_findings),
    "lens": Panel(_lens, "full", asks=True),
    "patches": Panel(_patches, "full", asks=True),
    "rollouts": Panel(_rollouts, "full"),
    "probes": Panel(_probes, asks=True),
    "details": Panel(lambda bench: Details(_facts(bench)), follow=lambda bench, shown: shown.show(_facts(bench))),
}
"""Name -> panel, in the order in which they stand."""


def built(bench: Bench, name: str) -> Any:
    """The widget of a panel.

    Raises:
        CapabilityError: the model can't do what the panel needs.
        InputError: it needs a model, or something else that isn't there.
    """
    return PANELS[name].build(bench)


def _able(bench: Bench, name: str, needs: Capability) -> Model:
    """The model; raises as `built` where there is none that can do what a panel needs."""
    model = bench.model
    if model is None:
        raise InputError(f"The {name} panel needs a model: open the workbench with one, cl.Workbench(model, trace).")
    for need in needs:
        if need not in model.capabilities:
            why = f"{model.name!r} can't be looked into, as the {name} panel has to"
            raise CapabilityError(f"{why}: {remedy(need, model.backend)}.")
    return model
