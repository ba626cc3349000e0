"""A session as Python that does everything again: every branch from the first prompt, and every measurement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cotlens.results import Result
from cotlens.results.code import loading, making, opening, read_by
from cotlens.trace import Trace
from cotlens.workbench.branches import script as branches
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.feature_table import code as latents
from cotlens.workbench.feature_table.table import FeatureTable
from cotlens.workbench.monitor_panel.panel import MonitorPanel
from cotlens.workbench.patch_grid.patch_grid import PatchGrid
from cotlens.workbench.session import patches, tables
from cotlens.workbench.session.editors import finished
from cotlens.workbench.shared.limits import usual
from cotlens.workbench.shared.origin import origin
from cotlens.workbench.steering_panel.panel import SteeringPanel


def script(
    model: str | None,
    widgets: Mapping[str, Any],
    kept: Mapping[str, Trace | Result],
    own: Any = None,
    latent: str | None = None,
) -> str:
    """The script of a session.

    Args:
        model: the name it is loaded by, None where nothing was written or measured.
        own: the model itself, for traces that were kept by themselves.
        latent: what it was asked for when it was loaded, as `load` takes it.
    """
    made: dict[str, str] = {}  # name in the script -> id of the trace
    lines = ["import dataclasses", "", "import numpy as np", "", "import cotlens as cl", branches.IMPORT, ""]
    lines += _loading(widgets, kept) if model is None else [f"model = {opening(model, latent)}"]
    lines += [branches.BEGIN]
    for name, widget in widgets.items():
        lines += _section(name, _widget(name, widget, widgets, made))
    for name, thing in kept.items():
        lines += _section(
            name, _trace(name, thing, own, made) if isinstance(thing, Trace) else _result(name, thing, made)
        )
    known = ", ".join(f"{name!r}: {trace_id!r}" for name, trace_id in made.items())
    return "\n".join(
        [
            *lines,
            "",
            "# The texts that came out otherwise than in the session: none, on the same machine and versions.",
            f"different = [name for name, known in {{{known}}}.items() if traces[name].id != known]",
            "",
        ]
    )


def _loading(widgets: Mapping[str, Any], kept: Mapping[str, Trace | Result]) -> list[str]:
    """The lines that load what texts are of where nothing was asked of a model: it has their tokens."""
    trees = [widget.tree for widget in widgets.values() if isinstance(getattr(widget, "tree", None), Tree)]
    texts = [node.trace for tree in trees for node in tree.nodes.values()]
    texts += [each for each in kept.values() if isinstance(each, Trace)]
    return list(dict.fromkeys(line for trace in texts for line in loading(trace)))


def _section(name: str, lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return ["", f"# {' '.join(name.split())}", *found] if found else []


def _widget(name: str, widget: Any, widgets: Mapping[str, Any], made: dict[str, str]) -> Iterator[str]:
    """What was made and measured in a widget; others show what these made."""
    kind = type(widget)
    if issubclass(kind, CoTEditor):
        yield from _branches(name, widget.tree, made, widget)
    elif issubclass(kind, FeatureTable):
        of = next((known for known, each in widgets.items() if each is widget.source), name)
        if widget.source is None:
            yield from _branches(name, widget.tree, made)
        yield from _latents(name, of, widget)
    elif issubclass(kind, SteeringPanel) and widget.source is None:
        yield from _tries(name, widget, made)
    elif issubclass(kind, PatchGrid):
        yield from patches.lines(name, widget, made)
    elif issubclass(kind, MonitorPanel):
        yield from _found(name, widget, made)


def _branches(name: str, tree: Tree, made: dict[str, str], editor: CoTEditor | None = None) -> Iterator[str]:
    measured = {} if editor is None else finished(editor)
    for node in branches.in_sight(tree):
        if node.kind == "resample":
            yield from branches.rollouts(f"{name}/", node, tree, made)
            continue
        yield from branches.text(f"{name}/", node)
        made[f"{name}/{node.id}"] = node.trace.id
        for (trace_id, awaits, shading), result in measured.items():
            if (trace_id, awaits) == (node.trace.id, node.trace.awaits_rerun):
                yield from read_by(node.trace)
                yield shading.code()
                yield f"results[{f'{name}/{node.id}/{shading.measure} per {shading.unit}'!r}] = result"
                yield f"# {result!r}"


def _found(name: str, panel: MonitorPanel, made: Mapping[str, str]) -> Iterator[str]:
    """What monitors read in texts that the script has made."""
    known = {trace_id: text for text, trace_id in made.items()}
    read = [known.get(trace.id) for trace in panel.readings[0].traces]
    for readings in panel.readings:
        told = readings.provenance
        if not told.call or None in read:
            yield f"# {readings!r}: {told.method} with the settings of its provenance"
            continue
        texts = ", ".join(f"traces[{text!r}]" for text in read)
        yield f"readings[{f'{name}/{readings.monitor}'!r}] = {told.call.removesuffix('(traces)')}([{texts}])"
        yield f"# {readings!r}"


def _latents(name: str, of: str, table: FeatureTable) -> Iterator[str]:
    texts = [node for node in table.tree.nodes.values() if node.kind != "resample" and table.tree.in_sight(node.id)]
    ids = {node.trace.id: node.id for node in texts}
    known = [reading for reading in tables.read(table) if reading.trace.id in ids]
    yield from [latents.loading(table.sae)] if known else []
    for reading in known:
        yield f"trace = traces[{f'{of}/{ids[reading.trace.id]}'!r}]"
        yield from read_by(reading.trace)
        asked = latents.asking(reading, None, table._target, table._metric)
        yield f"results[{f'{name}/{ids[reading.trace.id]}/latents'!r}] = {asked}"


def _tries(name: str, panel: SteeringPanel, made: dict[str, str]) -> Iterator[str]:
    """Every run of a panel that came to its end, each from the text that it was made of."""
    first, *runs = panel._tries.entries
    names = {panel.trace.id: f"{name}/{first.id}"}
    yield origin(panel.model, panel.trace)[1]
    yield f"traces[{names[panel.trace.id]!r}] = trace"
    for each in runs:
        source = names.get(each.start.source.id)
        if each.steered is None or each.steered.run is None or source is None:
            continue
        yield ""
        yield f"# {each.id}: {' '.join(panel._tries.label(each).split())}"
        yield f"trace = traces[{source!r}]"
        yield panel._tries.alone(each)
        names.setdefault(each.steered.trace.id, f"{name}/{each.id}")
        yield f"traces[{f'{name}/{each.id}'!r}] = trace"
        made[f"{name}/{each.id}"] = each.steered.trace.id


def _trace(name: str, trace: Trace, model: Any, made: dict[str, str]) -> Iterator[str]:
    yield from making(trace, None if model is None else usual(model))
    yield f"traces[{name!r}] = trace"
    made[name] = trace.id


def _result(name: str, result: Result, made: Mapping[str, str]) -> Iterator[str]:
    of = next((known for known, trace_id in made.items() if trace_id == result.provenance.trace_id), None)
    if of is None or not result.provenance.call:
        yield f"# {result!r}, measured on trace {result.provenance.trace_id} by {result.method}: see its provenance"
        return
    yield f"trace = traces[{of!r}]"
    yield f"results[{name!r}] = {result.provenance.call}"
