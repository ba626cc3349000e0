"""A session as Python that does everything again: every branch from the first prompt, and every measurement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cotlens.results import Result
from cotlens.results.code import making, opening, others_of, own_model, read_by, same_model
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
from cotlens.workbench.session.lazy_model import options
from cotlens.workbench.shared.limits import usual
from cotlens.workbench.shared.origin import origin
from cotlens.workbench.steering_panel import sweeps
from cotlens.workbench.steering_panel.panel import SteeringPanel

_DIFFERENT = "# The texts that came out otherwise than in the session: none, on the same machine and versions."
_COMPARED = "different = [name for name, known in {}.items() if traces[name].id != known]"


def script(
    known: Mapping[str, Any],
    widgets: Mapping[str, Any],
    kept: Mapping[str, Trace | Result],
    own: Any,
    folder: Path,
) -> str:
    """The script of a session.

    Args:
        known: what is known of its model, as `facts` says it; nothing where nothing was written or measured.
        own: the model itself, for traces that were kept by themselves.
        folder: where the files of thoughts in latents are; `files` says which it needs.
    """
    made: dict[str, str] = {}  # name in the script -> id of the trace
    usually = opening(known["name"], **options(known)) if known else ""
    lines = ["import dataclasses", "from pathlib import Path", "", "import numpy as np", ""]
    lines += ["import cotlens as cl", branches.IMPORT, ""]
    lines += [*([f"model = {usually}"] if usually else []), branches.BEGIN]
    loaded = usually
    # Results after the traces, which are what they were measured on and with.
    for name, thing in (*widgets.items(), *sorted(kept.items(), key=lambda each: isinstance(each[1], Result))):
        found = list(_lines(name, thing, widgets, known, own, made))
        needed = _other_model(thing, known, loaded) or usually
        lines += ["", f"# {' '.join(name.split())}"] if found else []
        if found and needed not in ("", loaded):
            lines.append(f"model = {needed}")
            loaded = needed
        lines += found
    ids = ", ".join(f"{name!r}: {trace_id!r}" for name, trace_id in made.items())
    return _filed("\n".join([*lines, "", _DIFFERENT, _COMPARED.format(f"{{{ids}}}"), ""]), folder)


def files(script: str) -> set[str]:
    """Ids of the traces that a script reads from files in its folder."""
    return set(re.findall(r"^trace = cl\.Trace\.load\(folder / '([0-9a-f]+)\.trace'", script, re.M))


def _filed(script: str, folder: Path) -> str:
    """A script that reads the thoughts in latents in a folder."""
    pattern = r"^trace = cl\.Trace\.load\(('[0-9a-f]+\.trace')"  # texts are on lines of others: none begins so
    found, count = re.subn(pattern, r"trace = cl.Trace.load(folder / \1", script, flags=re.M)
    where = f"folder = Path({str(folder)!r})  # of the session: what no text holds lies there\n{branches.BEGIN}"
    return found.replace(branches.BEGIN, where, 1) if count else script


def _other_model(thing: Any, known: Mapping[str, Any], loaded: str) -> str:
    """The call that loads what something was made with where that isn't the session's model; "" where it is."""
    if isinstance(thing, Result):
        of = vars(thing.provenance)
        there = loaded.startswith(f"cl.load({of['model']!r}")
        call = loaded if there else opening(of["model"]) if of["model"] else ""
    else:
        trace = thing if isinstance(thing, Trace) else _only_looked_at(thing)
        of, call = ({}, "") if trace is None else (trace.meta, own_model(trace))
    return "" if known and same_model(of, known["name"], known.get("revision", "")) else call


def _only_looked_at(widget: Any) -> Trace | None:
    """The text of an editor without a model."""
    if not issubclass(type(widget), CoTEditor) or widget.model.capabilities:
        return None
    return next(iter(widget.tree.nodes.values())).trace


def _lines(
    name: str, thing: Any, widgets: Mapping[str, Any], known: Mapping[str, Any], own: Any, made: dict[str, str]
) -> Iterator[str]:
    if isinstance(thing, Trace):
        of_session = bool(known) and same_model(thing.meta, known["name"], known.get("revision", ""))
        yield from _trace(name, thing, own if of_session else None, made)
    elif isinstance(thing, Result):
        yield from _result(name, thing, made)
    else:
        yield from _widget(name, thing, widgets, made)


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
    elif issubclass(kind, SteeringPanel):
        if widget.source is None:
            yield from _tries(name, widget, made)
        yield from _swept(name, widget, made)
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
    made[f"{name}/{first.id}"] = panel.trace.id
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


def _swept(name: str, panel: SteeringPanel, made: Mapping[str, str]) -> Iterator[str]:
    """The sweep of a panel. It is no branch: of its many texts none is gone on from, and all are read as one table."""
    of = next((known for known, trace_id in made.items() if trace_id == panel.trace.id), None)
    if panel.swept is None:
        return
    if panel.sweep is None or of is None:
        yield f"# {panel.swept!r}: sweep again in the panel, and it is measured here"
        return
    yield f"trace = traces[{of!r}]"
    yield from sweeps.code(panel.sweep)
    yield f"results[{f'{name}/sweep'!r}] = found"
    yield f"# {panel.swept!r}"


def _trace(name: str, trace: Trace, model: Any, made: dict[str, str]) -> Iterator[str]:
    yield from making(trace, None if model is None else usual(model))
    yield f"traces[{name!r}] = trace"
    made[name] = trace.id


def _result(name: str, result: Result, made: Mapping[str, str]) -> Iterator[str]:
    of = next((known for known, trace_id in made.items() if trace_id == result.provenance.trace_id), None)
    if of is None or not result.provenance.call:
        yield f"# {result!r}, measured on trace {result.provenance.trace_id} by {result.method}: see its provenance"
        return
    names = {trace_id: known for known, trace_id in made.items()}
    others = dict(others_of(result))
    if not all(one in names for ids in others.values() for one in ids):
        yield f"# {result!r}: keep the other thoughts that it was measured with, {others}, and it is measured here"
        return
    for role, ids in others.items():
        texts = [f"traces[{names[one]!r}]" for one in ids]
        yield f"{role} = {texts[0] if role == 'donor' else '[' + ', '.join(texts) + ']'}"
    yield f"trace = traces[{of!r}]"
    yield f"results[{name!r}] = {result.provenance.call}"
