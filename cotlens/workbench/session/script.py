"""A session as Python that does everything again: every branch from the first prompt, and every measurement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cotlens.measure.importance import METHODS
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.workbench.branches.node import Node
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.session.editors import finished
from cotlens.workbench.shared.origin import origin


def script(model: str | None, widgets: Mapping[str, Any], kept: Mapping[str, Trace | Result], own: Any = None) -> str:
    """The script of a session.

    Args:
        model: the name it is loaded by, None where nothing was written or measured.
        own: the model itself, for traces that were kept by themselves.
    """
    made: dict[str, str] = {}  # name in the script -> id of the trace
    lines = ["import dataclasses", "", "import cotlens as cl", ""]
    lines += [] if model is None else [f"model = cl.load({model!r})"]
    lines += ["traces, results = {}, {}"]
    for name, widget in widgets.items():
        if issubclass(type(widget), CoTEditor):
            lines += ["", f"# {name}", *_editor(name, widget, made)]
    for name, thing in kept.items():
        lines += [
            "",
            f"# {name}",
            *(_trace(name, thing, own, made) if isinstance(thing, Trace) else _result(name, thing, made)),
        ]
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


def _editor(name: str, editor: CoTEditor, made: dict[str, str]) -> Iterator[str]:
    measured = finished(editor)
    for node in list(editor.tree.nodes.values()):
        if not editor.tree.in_sight(node.id):
            continue
        yield from _branch(name, node)
        made[f"{name}/{node.id}"] = node.trace.id
        for (trace_id, awaits, shading), result in measured.items():
            if (trace_id, awaits) == (node.trace.id, node.trace.awaits_rerun):
                yield from _read_by(node.trace)
                yield shading.code()
                yield f"results[{f'{name}/{node.id}/{shading.measure} per {shading.unit}'!r}] = result"
                yield f"# {result!r}"


def _branch(name: str, node: Node) -> Iterator[str]:
    words = [node.label, *(f"#{tag}" for tag in node.tags), node.note]
    yield ""
    yield f"# {node.id}: {'; '.join(' '.join(each.split()) for each in words if each)}"
    if node.parent is not None:
        yield f"trace = traces[{f'{name}/{node.parent}'!r}]"
    yield node.code
    yield f"traces[{f'{name}/{node.id}'!r}] = trace"


def _read_by(trace: Trace) -> Iterator[str]:
    """The reader that answers were read by: a trace from a model has the model's."""
    if trace.reader is not None and type(trace.reader).__module__.startswith("cotlens."):
        yield f"trace = dataclasses.replace(trace, reader=cl.answers.{trace.reader!r})"


def _trace(name: str, trace: Trace, model: Any, made: dict[str, str]) -> Iterator[str]:
    for step in trace.path():
        yield origin(model, step)[1]
    yield f"traces[{name!r}] = trace"
    made[name] = trace.id


def _result(name: str, result: Result, made: Mapping[str, str]) -> Iterator[str]:
    of = next((known for known, trace_id in made.items() if trace_id == result.provenance.trace_id), None)
    if of is None or result.method not in METHODS:
        yield f"# {result!r}, measured on trace {result.provenance.trace_id} by {result.method}: see its provenance"
        return
    settings = ", ".join(f"{key}={value!r}" for key, value in result.provenance.settings.items())
    seed = "" if result.provenance.seed is None else f", seed={result.provenance.seed}"
    yield f"trace = traces[{of!r}]"
    yield f"results[{name!r}] = cl.importance.{result.method}({settings}).run(trace, model{seed})"
