"""Branches as JSON data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cotlens._core import files
from cotlens.trace import Trace
from cotlens.trace.storage import step_from_data, step_to_data
from cotlens.workbench.branches.node import Node

_WORDS = (
    "id", "parent", "label", "code", "kind", "answer", "probability", "comparison", "fan", "note", "tags", "pruned",
)  # fmt: skip


def node_to_data(node: Node) -> dict[str, Any]:
    """A branch; of what its trace was made from the id alone."""
    return {**files.plain({name: getattr(node, name) for name in _WORDS}, "branch"), "trace": trace_to_data(node.trace)}


def trace_to_data(trace: Trace) -> dict[str, Any]:
    """A trace, and the id of the one that it was made from."""
    return {"parent": None if trace.parent is None else trace.parent.id, **step_to_data(trace)}


def node_from_data(data: Mapping[str, Any], ancestors: Mapping[str, Any]) -> Node:
    """The branch whose data these are.

    Args:
        ancestors: id -> data of the traces that others were made from.

    Raises:
        KeyError, TypeError, ValueError: they are damaged, or an ancestor is missing.
    """
    words = files.revive({name: data[name] for name in _WORDS})
    return Node(**{**words, "tags": tuple(words["tags"]), "trace": trace_from_data(data["trace"], ancestors)})


def trace_from_data(data: Mapping[str, Any], ancestors: Mapping[str, Any]) -> Trace:
    """The trace whose data these are; raises as `node_from_data`."""
    line, trace = [data], None
    while line[0]["parent"] is not None:
        line.insert(0, ancestors[line[0]["parent"]])
        if len(line) > len(ancestors) + 1:
            raise ValueError("its traces were made from each other in a circle")
    for step in line:
        trace = step_from_data(Trace, dict(step), trace)
    assert trace is not None
    return trace
