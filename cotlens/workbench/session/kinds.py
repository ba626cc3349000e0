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
from typing import Any

from cotlens._core.errors import InputError
from cotlens.results import Result
from cotlens.results.result import from_data
from cotlens.trace import Trace
from cotlens.trace.collection.traces import Traces
from cotlens.widgets.importance_map import ImportanceMap
from cotlens.widgets.pair_matrix import PairMatrix
from cotlens.widgets.selection import Selection
from cotlens.workbench.branch_tree.branch_tree import BranchTree
from cotlens.workbench.branches.serialization import node_to_data, nodes_from_data, trace_from_data, trace_to_data
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.rollout_map.rollout_map import RolloutMap
from cotlens.workbench.session import editors
from cotlens.workbench.workbench.workbench import Workbench

Part = tuple[str, str, Any, Callable[[], Any]]
"""Kind and id of something that a widget holds, the thing itself, and what makes JSON data of it."""


@dataclass(frozen=True)
class Held:
    """What a session holds while it is opened: by kind and id the data, by name the widgets that are back already."""

    model: Any
    items: Mapping[str, Mapping[str, Any]]
    widgets: Mapping[str, Any]

    def of(self, kind: str, widget: str) -> dict[str, Any]:
        """The parts of a widget, by their own ids."""
        begin = f"{widget}/"
        return {name.removeprefix(begin): data for name, data in self.items[kind].items() if name.startswith(begin)}

    def trace(self, data: Any) -> Trace:
        """A trace of its data; of what it was made from the session has the data, too."""
        return trace_from_data(data, self.items["trace"])


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
    for node in list(editor.tree.nodes.values()):
        yield from ancestors(node.trace)
        yield "node", f"{name}/{node.id}", node, partial(node_to_data, node)
    for key, result in editors.finished(editor).items():
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        yield "result", f"{name}/{digest}", result, partial(editors.result_to_data, key, result)


def _editor(data: Mapping[str, Any], name: str, held: Held) -> CoTEditor:
    nodes = nodes_from_data(held.of("node", name).values(), held.items["trace"])
    results = dict(editors.result_from_data(each, name) for each in held.of("result", name).values())
    return editors.restored(None if data["read_only"] else held.model, nodes, data["current"], data, results)


def _map_parts(shown: ImportanceMap, name: str) -> Iterator[Part]:
    for at, result in enumerate(shown.results):
        yield "result", f"{name}/{at}", result, result.data
    if shown.trace is not None:
        yield from _trace_parts([shown.trace], name)


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
    return ImportanceMap(*_results(name, held), trace=traces[0] if traces else None, scale_lock=data["scale_lock"])


def _tree_state(tree: BranchTree, names: Mapping[int, str]) -> dict[str, Any]:
    source = tree.source
    if source is not None and id(source) not in names:
        raise InputError("This branch tree shows the branches of an editor that isn't kept: keep the editor first.")
    return {"of": None if source is None else names[id(source)]}


def _tree_parts(tree: BranchTree, name: str) -> Iterator[Part]:
    if tree.source is None:
        for node in list(tree.tree.nodes.values()):
            yield from ancestors(node.trace)
            yield "node", f"{name}/{node.id}", node, partial(node_to_data, node)


def _tree(data: Mapping[str, Any], name: str, held: Held) -> BranchTree:
    if data["of"] is not None:
        return BranchTree(held.widgets[data["of"]])
    nodes = nodes_from_data(held.of("node", name).values(), held.items["trace"])
    tree = BranchTree([nodes[0].trace])
    tree.tree.nodes.update({node.id: node for node in nodes})
    tree.tree.tell()
    return tree


def _selection_state(shared: Selection, names: Mapping[int, str]) -> dict[str, Any]:
    return {"widgets": [names[id(widget)] for widget in shared.widgets if id(widget) in names]}


def _workbench(data: Mapping[str, Any], name: str, held: Held) -> Workbench:
    workbench = Workbench(None, held.widgets[data["editor"]])
    workbench.reopen(data["panels"])
    return workbench


KINDS: dict[str, Kind] = {
    "CoTEditor": Kind(CoTEditor, _editor_state, _editor_parts, _editor),
    "BranchTree": Kind(BranchTree, _tree_state, _tree_parts, _tree),
    "ImportanceMap": Kind(
        ImportanceMap, lambda shown, _: {"scale_lock": dict(shown.scale_lock)}, _map_parts, _importance_map
    ),
    "PairMatrix": Kind(
        PairMatrix,
        lambda shown, _: {"scale_lock": dict(shown.scale_lock)},
        lambda shown, name: iter([("result", f"{name}/0", shown.result, shown.result.data)]),
        lambda data, name, held: PairMatrix(_results(name, held)[0], scale_lock=data["scale_lock"]),
    ),
    "RolloutMap": Kind(
        RolloutMap,
        lambda shown, _: {"read_only": shown.model is None},
        lambda shown, name: _trace_parts(shown.traces, name),
        lambda data, name, held: RolloutMap(Traces(_traces(name, held)), None if data["read_only"] else held.model),
    ),
    "Workbench": Kind(
        Workbench,
        lambda bench, names: {"editor": names[id(bench.editor)], "panels": dict(bench.panels)},
        lambda bench, name: iter(()),  # all it holds is its editor's, or made of it
        _workbench,
    ),
    "Selection": Kind(
        Selection,
        _selection_state,
        lambda shared, name: iter(()),
        lambda data, name, held: Selection(*(held.widgets[each] for each in data["widgets"])),
    ),
}


def canonical(data: Any) -> str:
    """Data as one text, to tell whether it is another one."""
    return json.dumps(data, sort_keys=True)
