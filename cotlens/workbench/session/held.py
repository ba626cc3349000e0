"""What a session holds while it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cotlens._core.errors import InputError
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.results import Result
from cotlens.results.result import from_data
from cotlens.trace import Trace
from cotlens.trace.storage import with_model
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.serialization import node_from_data, trace_from_data
from cotlens.workbench.editor.no_model import NoModel
from cotlens.workbench.session import names
from cotlens.workbench.session.file import SessionFile
from cotlens.workbench.session.lazy_model import LazyModel
from cotlens.workbench.shared.origin import alone

DAMAGED = (InputError, AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
"""What is raised where the data of something aren't what they were."""
Items = Mapping[str, Mapping[str, Any]]
_KINDS = ("trace", "node", "result", "given", "reading", "readings", "vector", "widget", "note", "kept")
_IN_ORDER = ("vector",)
"""Kinds of records that are told apart by their place among the others."""


def read_items(file: SessionFile, problems: list[str]) -> Items:
    """All that a file has by kind and id; of what is damaged there is a problem."""
    found = file.items()
    problems += [names.damage(*each) for each in file.damaged]
    return {kind: found.get(kind, {}) for kind in _KINDS}


@dataclass(frozen=True)
class Held:
    """What a session holds while it is opened: by kind and id the data, by name the widgets that are back already.

    Args:
        saes: autoencoders that were given, by fingerprint.
        damaged: kind and id of what the file has, but damaged.
        problems: what can't be brought back is said here.
        changed: names of the widgets that come back otherwise than they are in the file.
    """

    model: Any
    items: Items
    widgets: Mapping[str, Any]
    saes: Mapping[str, SAE]
    damaged: Sequence[tuple[str, str]] = ()
    problems: list[str] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)

    def of(self, kind: str, widget: str) -> dict[str, Any]:
        """The parts of a widget, by their own ids."""
        begin = f"{widget}/"
        if any(each == kind and name.startswith(begin) for each, name in self.damaged):
            if kind in _IN_ORDER:
                raise ValueError("a part that it can't do without is damaged")
            self.changed.add(widget)
        return {name.removeprefix(begin): data for name, data in self.items[kind].items() if name.startswith(begin)}

    def trace(self, data: Any) -> Trace:
        """A trace of its data; of what it was made from the session has the data, too."""
        return trace_from_data(data, self.ancestors)

    @cached_property
    def ancestors(self) -> Mapping[str, Any]:
        """The data of all texts by their ids: what a record has that is damaged may be in another."""
        nodes = [each.get("trace") for each in self.items["node"].values() if isinstance(each, dict)]
        held = [each for each in (*nodes, *self.items["given"].values()) if isinstance(each, dict) and "id" in each]
        return {**{str(each["id"]): each for each in held}, **self.items["trace"]}

    def nodes(self, widget: str) -> list[Node]:
        """The branches of a widget; one whose parent is missing stands by itself, with the Python that makes it so.

        Raises:
            KeyError, TypeError, ValueError: they are damaged, or there is none.
        """
        found: dict[str, Node] = {}
        for data in self.of("node", widget).values():
            node = node_from_data(data, self.ancestors)
            if node.parent is not None and node.parent not in found:
                self._tell_orphan(node, widget)
                if node.kind == "resample":  # it has no text of its own
                    continue
                by: Any = self.model or NoModel(node.trace)
                node = replace(node, parent=None, kind="original", code=alone(by, node.trace), comparison=None)
            found[node.id] = node
        if not found:
            raise ValueError("it holds no branch")
        return list(found.values())

    def _tell_orphan(self, node: Node, widget: str) -> None:
        now = "is left out" if node.kind == "resample" else "stands by itself"
        self.problems.append(
            f"{node.id} of {widget!r} {now}: the branch {node.parent} that it was made from is missing."
        )
        self.changed.add(widget)

    def kept(self, data: Mapping[str, Any], name: str) -> Trace | Result:
        """A trace or a result that was kept by itself."""
        if data["kind"] == "Result":
            return from_data(data["data"], name)
        trace = self.trace(data["data"])
        return trace if self.model is None or isinstance(self.model, LazyModel) else with_model(trace, self.model)


def reason(error: Exception) -> str:
    """Why something couldn't be brought back; an interpreter's own words say nothing."""
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    return str(error).rstrip(".") if type(error) in (InputError, ValueError) else "the file is damaged there"


def trace_ids(items: Items) -> frozenset[str]:
    """Ids of all traces in a file: their tokens were seen to be the model's when they were kept."""
    nodes = [each.get("trace") for each in items["node"].values() if isinstance(each, dict)]
    traces = [*items["trace"].values(), *items["given"].values(), *nodes]
    return frozenset(each["id"] for each in traces if isinstance(each, dict) and "id" in each)
