"""How each widget is kept in a session and comes back from it.

A kind says what a widget's settings are and what larger things it holds; these are written only when they are others
than before. To keep another widget, give it a line in `KINDS`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from cotlens._core.errors import InputError
from cotlens.measure.monitors import Readings
from cotlens.results import Result
from cotlens.results.result import from_data
from cotlens.trace import Trace
from cotlens.trace.collection.traces import Traces
from cotlens.widgets.importance_map import ImportanceMap
from cotlens.widgets.lens_grid import LensGrid
from cotlens.widgets.pair_matrix import PairMatrix
from cotlens.widgets.patch_grid import PatchGridView
from cotlens.widgets.shared.selection import Selection
from cotlens.workbench.branch_tree.branch_tree import BranchTree
from cotlens.workbench.branches.serialization import node_to_data, trace_to_data
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.feature_table.table import FeatureTable
from cotlens.workbench.monitor_panel.panel import MonitorPanel
from cotlens.workbench.patch_grid.patch_grid import PatchGrid
from cotlens.workbench.rollout_map.rollout_map import RolloutMap
from cotlens.workbench.session import editors, patches, steering, tables
from cotlens.workbench.session.held import Held
from cotlens.workbench.steering_panel.panel import SteeringPanel
from cotlens.workbench.workbench.charts import Charts
from cotlens.workbench.workbench.workbench import Workbench

Part = tuple[str, str, Any, Callable[[], Any]]
"""Kind and id of something that a widget holds, the thing itself, and what makes JSON data of it."""


@dataclass(frozen=True)
class Kind:
    """One kind of widget.

    Args:
        of: its class.
        state: its settings as JSON data, given the names of the widgets that are kept.
        parts: the larger things that it holds, given its name.
        restored: the widget, of its settings, its name and what the session holds.
    """

    of: type
    state: Callable[[Any, Mapping[int, str]], dict[str, Any]]
    parts: Callable[[Any, str], Iterator[Part]]
    restored: Callable[[Mapping[str, Any], str, Held], Any]


def kind_of(widget: Any) -> str:
    """The name of a widget's kind.

    Raises:
        InputError: a session doesn't keep such a thing.
    """
    for name, kind in KINDS.items():
        if issubclass(type(widget), kind.of):
            return name
    known = ", ".join(kind.of.__name__ for kind in KINDS.values())
    raise InputError(f"A session keeps {known}, traces, results and notes; a {type(widget).__name__} was given.")


def ancestors(trace: Trace) -> Iterator[Part]:
    """What a trace was made from."""
    for step in trace.path()[:-1]:
        yield "trace", step.id, step, partial(trace_to_data, step)


def _editor_state(editor: CoTEditor, _: Mapping[int, str]) -> dict[str, Any]:
    return {**editors.state(editor), "current": editor.tree.current_id, "read_only": not editor.model.capabilities}


def _editor_parts(editor: CoTEditor, name: str) -> Iterator[Part]:
    yield from _node_parts(editor.tree, name)
    yield from _trace_parts(editor.others, name)
    for key, result in editors.finished(editor).items():
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        yield "result", f"{name}/{digest}", result, partial(editors.result_to_data, key, result)


def _editor(data: Mapping[str, Any], name: str, held: Held) -> CoTEditor:
    nodes = held.nodes(name)
    results = dict(editors.result_from_data(each, name) for each in held.of("result", name).values())
    model = None if data["read_only"] else held.model
    return editors.restored(model, nodes, data["current"], data, results, _traces(name, held))


def _result_parts(shown: Any, name: str) -> Iterator[Part]:
    for at, result in enumerate(shown.results):
        yield "result", f"{name}/{at}", result, result.data


def _map_parts(shown: ImportanceMap, name: str) -> Iterator[Part]:
    yield from _result_parts(shown, name)
    if shown.trace is not None:
        yield from _trace_parts([shown.trace], name)


def _matrix_parts(shown: PairMatrix, name: str) -> Iterator[Part]:
    yield "result", f"{name}/0", shown.result, shown.result.data
    yield from _trace_parts([] if shown.trace is None else [shown.trace], name)


def _trace_parts(traces: Any, name: str) -> Iterator[Part]:
    for at, trace in enumerate(traces):
        yield from ancestors(trace)
        yield "given", f"{name}/{at}", trace, partial(trace_to_data, trace)


def _results(name: str, held: Held) -> list[Result]:
    return [from_data(each, name) for each in held.of("result", name).values()]


def _traces(name: str, held: Held) -> list[Trace]:
    return [held.trace(each) for each in held.of("given", name).values()]


def _importance_map(data: Mapping[str, Any], name: str, held: Held) -> ImportanceMap:
    traces = _traces(name, held)
    results = _results(name, held)[: data.get("count")]  # it may have shown more before
    return ImportanceMap(*results, trace=traces[0] if traces else None, scale_lock=data["scale_lock"])


def _tree_state(tree: BranchTree, names: Mapping[int, str]) -> dict[str, Any]:
    source = tree.source
    if source is not None and id(source) not in names:
        raise InputError("This branch tree shows the branches of an editor that isn't kept: keep the editor first.")
    return {"of": None if source is None else names[id(source)]}


def _tree_parts(tree: BranchTree, name: str) -> Iterator[Part]:
    if tree.source is None:
        yield from _node_parts(tree.tree, name)


def _node_parts(tree: Tree, name: str) -> Iterator[Part]:
    for node in list(tree.nodes.values()):
        yield from ancestors(node.trace)
        yield "node", f"{name}/{node.id}", node, partial(node_to_data, node)


def _patch_parts(grid: PatchGrid, name: str) -> Iterator[Part]:
    yield from _result_parts(grid, name)
    yield from _node_parts(grid.tree, name)
    yield from _trace_parts([grid.tree.nodes[root].trace for root in (grid.roots["base"], grid.roots["source"])], name)


def _tree(data: Mapping[str, Any], name: str, held: Held) -> BranchTree:
    if data["of"] is not None:
        return BranchTree(held.widgets[data["of"]])
    nodes = held.nodes(name)
    tree = BranchTree([nodes[0].trace])
    tree.tree.nodes.update({node.id: node for node in nodes})
    tree.tree.tell()
    return tree


def _selection_state(shared: Selection, names: Mapping[int, str]) -> dict[str, Any]:
    return {"widgets": [names[id(widget)] for widget in shared.widgets if id(widget) in names]}


def _of(widget: Any, names: Mapping[int, str]) -> str | None:
    """The name of the editor whose branches a widget shares.

    Raises:
        InputError: that editor isn't kept.
    """
    if widget.source is not None and id(widget.source) not in names:
        kind = type(widget).__name__
        raise InputError(f"This {kind} shares the branches of an editor that isn't kept: keep the editor first.")
    return None if widget.source is None else names[id(widget.source)]


def _table_parts(table: FeatureTable, name: str) -> Iterator[Part]:
    if table.source is None:
        yield from _node_parts(table.tree, name)
    for reading in tables.read(table):
        yield "reading", f"{name}/{reading.trace.id}", reading.version, partial(tables.reading_to_data, reading)


def _table(data: Mapping[str, Any], name: str, held: Held) -> FeatureTable:
    source = held.widgets[data["of"]] if data["of"] else held.nodes(name)
    return tables.restored(held.model, source, data, list(held.of("reading", name).values()), held.saes)


def _steering_parts(panel: SteeringPanel, name: str) -> Iterator[Part]:
    for at, vector in enumerate(panel.vectors):
        yield "vector", f"{name}/{at}", vector, partial(steering.vector_to_data, vector)
    for trace in steering.texts(panel):
        yield from ancestors(trace)
        yield "given", f"{name}/{trace.id}", trace, partial(trace_to_data, trace)
    if panel.swept is not None:
        yield "result", f"{name}/swept", panel.swept, panel.swept.data


def _steering(data: Mapping[str, Any], name: str, held: Held) -> SteeringPanel:
    vectors = [steering.vector_from_data(each) for each in held.of("vector", name).values()]
    traces, swept = {trace.id: trace for trace in _traces(name, held)}, _results(name, held)
    source = held.widgets[data["of"]] if data["of"] else None
    return steering.restored(held.model, source, data, vectors, traces, swept[0] if swept else None, held.saes)


def _monitor_parts(panel: MonitorPanel, name: str) -> Iterator[Part]:
    for at, readings in enumerate(panel.readings):
        yield "readings", f"{name}/{at}", readings, readings.data
    yield from _trace_parts(panel.readings[0].traces, name)


def _monitor(data: Mapping[str, Any], name: str, held: Held) -> MonitorPanel:
    traces = _traces(name, held)
    readings = [Readings.from_data(each, name, traces) for each in held.of("readings", name).values()]
    return MonitorPanel(*readings, labels=data["labels"])


def _bench_state(bench: Workbench, names: Mapping[int, str]) -> dict[str, Any]:
    made = {panel: names[id(widget)] for panel, widget in bench.made.items() if id(widget) in names}
    return {"editor": names[id(bench.editor)], "panels": dict(bench.panels), "made": made}


def _workbench(data: Mapping[str, Any], name: str, held: Held) -> Workbench:
    workbench = Workbench(None, held.widgets[data["editor"]])
    for panel, widget in data.get("made", {}).items():
        if panel != "text" and widget in held.widgets:
            workbench.put(panel, held.widgets[widget])
    workbench.reopen(data["panels"])
    return workbench


KINDS: dict[str, Kind] = {
    "CoTEditor": Kind(CoTEditor, _editor_state, _editor_parts, _editor),
    "FeatureTable": Kind(
        FeatureTable,
        lambda table, names: {"of": _of(table, names), **tables.state(table)},
        _table_parts,
        _table,
    ),
    "SteeringPanel": Kind(
        SteeringPanel,
        lambda panel, names: {"of": _of(panel, names), **steering.state(panel)},
        _steering_parts,
        _steering,
    ),
    "BranchTree": Kind(BranchTree, _tree_state, _tree_parts, _tree),
    "ImportanceMap": Kind(
        ImportanceMap,
        lambda shown, _: {"scale_lock": dict(shown.scale_lock), "count": len(shown.results)},
        _map_parts,
        _importance_map,
    ),
    "PairMatrix": Kind(
        PairMatrix,
        lambda shown, _: {"scale_lock": dict(shown.scale_lock)},
        _matrix_parts,
        lambda data, name, held: PairMatrix(
            _results(name, held)[0], next(iter(_traces(name, held)), None), scale_lock=data["scale_lock"]
        ),
    ),
    "LensGrid": Kind(
        LensGrid,
        lambda shown, _: {"scale_lock": dict(shown.scale_lock)},
        lambda shown, name: chain(_result_parts(shown, name), _trace_parts(shown.traces, name)),
        lambda data, name, held: LensGrid(
            *_results(name, held), traces=_traces(name, held), scale_lock=data["scale_lock"]
        ),
    ),
    "PatchGrid": Kind(
        PatchGrid,
        lambda grid, _: {"current": grid.tree.current_id},
        _patch_parts,
        lambda data, name, held: patches.restored(
            held.model,
            _results(name, held),
            _traces(name, held),
            held.nodes(name),
            data["current"],
        ),
    ),
    "PatchGridView": Kind(
        PatchGridView,
        lambda shown, _: {"scale_lock": dict(shown.scale_lock)},
        _result_parts,
        lambda data, name, held: PatchGridView(*_results(name, held), scale_lock=data["scale_lock"]),
    ),
    "Charts": Kind(Charts, lambda shown, _: {}, _result_parts, lambda data, name, held: Charts(_results(name, held))),
    "RolloutMap": Kind(
        RolloutMap,
        lambda shown, _: {"read_only": shown.model is None},
        lambda shown, name: _trace_parts(shown.traces, name),
        lambda data, name, held: RolloutMap(Traces(_traces(name, held)), None if data["read_only"] else held.model),
    ),
    "MonitorPanel": Kind(MonitorPanel, lambda panel, _: {"labels": dict(panel.labels)}, _monitor_parts, _monitor),
    "Workbench": Kind(
        Workbench,
        _bench_state,
        lambda bench, name: iter(()),  # what it holds is kept by itself, or made of its editor
        _workbench,
    ),
    "Selection": Kind(
        Selection,
        _selection_state,
        lambda shared, name: iter(()),
        lambda data, name, held: Selection(*(held.widgets[each] for each in data["widgets"])),
    ),
}
"""Name -> kind. What others show stands before them: they come back in this order."""


def canonical(data: Any) -> str:
    """Data as one text, to tell whether it is another one."""
    return json.dumps(data, sort_keys=True)


def in_order(widgets: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and data of widgets, what others show before them; what is of no known kind last."""
    order = list(KINDS)
    kinds = {name: data.get("kind") if isinstance(data, dict) else None for name, data in widgets.items()}
    known = {name: order.index(kind) if kind in order else len(order) for name, kind in kinds.items()}
    return sorted(widgets.items(), key=lambda each: known[each[0]])
