"""The branches of one investigation: every try is kept, and going back is one step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerReader
from cotlens.widgets.protocol.shared import BranchInfo, Comparison

LABEL_LENGTH = 18


@dataclass(frozen=True)
class Node:
    """One branch: a trace, where it came from, and the Python that makes it from its parent.

    `answer` and `probability` are those of the trace's forced answer, None until measured. Of a trace that awaits its
    rerun they are those of the text before the edit, so they are not shown.
    """

    id: str
    trace: Trace
    parent: str | None
    label: str
    code: str
    answer: str | None = None
    probability: float | None = None
    comparison: Comparison | None = None


_UNMEASURED: dict[str, Any] = {
    "logprobs": np.empty(0, np.float32),
    "top_ids": np.empty((0, 0), np.int32),
    "top_logprobs": np.empty((0, 0), np.float32),
    "top_pieces": (),
}


@dataclass
class Tree:
    """Nodes in the order they were made; `current` is the one shown. `reader` reads all of them, where it is given."""

    nodes: dict[str, Node] = field(default_factory=dict)
    current_id: str = ""
    reader: AnswerReader | None = None

    @property
    def current(self) -> Node:
        """The branch that is shown."""
        return self.nodes[self.current_id]

    def add(self, trace: Trace, parent: str | None, label: str, code: str, *, show: bool = True) -> Node:
        """Keep `trace` as a new branch, and show it if wished; a trace that is there already stays one branch.

        The same text written under another change of the model is another branch, and so is one that the model wrote
        where an edit had only kept it.
        """
        if self.reader is not None:
            trace = replace(trace, reader=self.reader)
        known = next((node for node in self.nodes.values() if _same(node.trace, trace)), None)
        node = known or Node(f"b{len(self.nodes)}", trace, parent, label, code, _answer(trace))
        self.nodes[node.id] = node
        if show:
            self.current_id = node.id
        return node

    def update(self, node_id: str, **parts: Any) -> Node:
        """Fill in what became known about a node."""
        self.nodes[node_id] = replace(self.nodes[node_id], **parts)
        return self.nodes[node_id]

    def forget(self) -> None:
        """Drop what was measured of all branches: the model is another one now."""
        for node_id, node in self.nodes.items():
            bare = replace(node.trace, **_UNMEASURED)
            self.update(node_id, trace=bare, comparison=None, probability=None)

    def read_by(self, reader: AnswerReader) -> None:
        """Read the answers of all branches, and of those to come, by another reader."""
        self.reader = reader
        for node_id, node in self.nodes.items():
            trace = replace(node.trace, reader=reader)
            self.update(node_id, trace=trace, answer=_answer(trace), comparison=None, probability=None)

    def go(self, node_id: str) -> Node:
        """Show another node.

        Raises:
            InputError: there is no such branch.
        """
        if node_id not in self.nodes:
            raise InputError(f"There is no branch {node_id!r}: choose one of {', '.join(self.nodes)}.")
        self.current_id = node_id
        return self.current

    def holding(self, trace_id: str) -> Node:
        """The node of a trace: the one that is shown, where several hold it.

        Raises:
            InputError: no branch holds it.
        """
        if self.current.trace.id == trace_id:
            return self.current
        for node in self.nodes.values():
            if node.trace.id == trace_id:
                return node
        raise InputError("The text that this was asked of is in no branch of this editor: ask again on the one shown.")

    def before(self, node: Node) -> Trace:
        """The text that a branch was made from: of a rerun of an edit, that before the edit."""
        parent = self.nodes[node.parent or ""].trace
        made_from = node.trace.parent
        if made_from is None or made_from.id == parent.id:
            return parent
        return next((one.trace for one in self.nodes.values() if one.trace.id == made_from.id), parent)

    def root(self, node_id: str) -> Node:
        """The branch that a branch was made from at last: each thought that was looked at has one."""
        node = self.nodes[node_id]
        while node.parent is not None:
            node = self.nodes[node.parent]
        return node

    def family(self, node_id: str) -> list[Node]:
        """The branches of one root, which a branch belongs to, in the order they were made."""
        root = self.root(node_id)
        return [node for node in self.nodes.values() if self.root(node.id) is root]

    def children(self, node_id: str) -> int:
        """How many branches were made from a node."""
        return sum(node.parent == node_id for node in self.nodes.values())

    def script(self, node_id: str) -> list[str]:
        """The lines of Python that lead from the first trace to a node."""
        lines: list[str] = []
        step: str | None = node_id
        while step is not None:
            node = self.nodes[step]
            lines.append(node.code)
            step = node.parent
        return lines[::-1]

    def payload(self, shown: str = "") -> list[BranchInfo]:
        """As the view's `branches`: those of the thought that is looked at.

        Args:
            shown: the one that counts as shown; by default the one that is.
        """
        shown = shown or self.current_id
        return [
            {
                "id": node.id,
                "parent": node.parent,
                "label": node.label,
                "answer": None if node.trace.awaits_rerun else node.answer,
                "p": None if node.trace.awaits_rerun else node.probability,
                "awaits_rerun": node.trace.awaits_rerun,
                "current": node.id == shown,
            }
            for node in self.family(shown)
        ]


def short(text: str) -> str:
    """Text for a label: one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LABEL_LENGTH else line[: LABEL_LENGTH - 1] + "…"


def _same(one: Trace, other: Trace) -> bool:
    """Whether two traces are one branch."""
    written_alike = one.awaits_rerun == other.awaits_rerun and _changed_by(one) == _changed_by(other)
    return one.id == other.id and written_alike


def _changed_by(trace: Trace) -> list[str]:
    """What identifies the interventions that a text was written under."""
    return list(trace.meta.get("intervention_fingerprints", ()))


def _answer(trace: Trace) -> str | None:
    answer = trace.read_answer()
    return answer.text if answer else None
