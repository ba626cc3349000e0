"""A trace of many parts in the editor: thoughts to look at, each with branches of its own, and what stands around."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import cast

import numpy as np

from cotlens._core.errors import InputError
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.trace.parts.part import Part, unmeasured
from cotlens.widgets.protocol.editor import PartInfo, PartKind, PartPlace
from cotlens.widgets.shared.encoding import to_utf16
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.shared.controller import with_codec
from cotlens.workbench.shared.origin import origin

_PLAIN = (["user"], ["user", "thought"], ["user", "answer"], ["user", "thought", "answer"])
"""What is shown as prompt, thought and answer: there is nothing to fold, and no other thought."""
_NOWHERE = (-1, -1)


class Focuses:
    """The thoughts of a trace as roots of one tree: each keeps its branches, and the one that it was left at."""

    def __init__(self, tree: Tree, model: Model) -> None:
        self._tree, self._model = tree, model
        self._left: dict[str, str] = {}  # root -> the branch that was shown last

    def branch(self, which: int) -> str:
        """The branch to show for a thought; one that wasn't looked at yet becomes a root.

        Raises:
            InputError: there is no such thought, or the model's format can't hold it.
        """
        here = self._tree.root(self._tree.current_id)
        found = here.trace.thoughts
        if not 0 <= which < len(found):
            raise InputError(f"There is no thought {which}: the trace has {len(found)}, counted from 0.")
        self._left[here.id] = self._tree.current_id
        root = self._known(found[which].order) or self._added(here.trace, which)
        return self._left.get(root.id, root.id)

    def seen(self) -> dict[int, str]:
        """Number of each thought that was looked at -> the branch that is shown for it."""
        here = self._tree.root(self._tree.current_id)
        left = {**self._left, here.id: self._tree.current_id}
        known = {number: self._known(part.order) for number, part in enumerate(here.trace.thoughts)}
        return {number: left.get(root.id, root.id) for number, root in known.items() if root is not None}

    def _known(self, order: int) -> Node | None:
        roots = (node for node in self._tree.nodes.values() if node.parent is None)
        return next((node for node in roots if node.trace.focus_order == order), None)

    def _added(self, trace: Trace, which: int) -> Node:
        focused = trace.focus(which, model=self._model if self._model.capabilities else None)
        label, code = origin(self._model, focused)
        return self._tree.add(with_codec(self._model, focused), None, label, code, show=False)


def parts(trace: Trace, root: Trace) -> list[PartInfo]:
    """The view's `parts`: of a trace that is more than one prompt, thought and answer.

    Args:
        trace: that is shown.
        root: what it was made from; what came later there stands below, whatever was written instead.
    """
    whole = root.given_parts
    verbatim = all(part.status in ("", "verbatim") for part in whole)
    if verbatim and [part.kind for part in whole] in ([], *_PLAIN):
        return []
    own = {part.turn for part in trace.given_parts}
    later = (dataclasses.replace(part, span=None) for part in whole if part.turn > max(own) and part.turn not in own)
    shown = [*trace.given_parts, *later]
    numbers = {part.order: number for number, part in enumerate(root.thoughts)}
    return [
        _info(part, place, _place(part, trace, root), numbers.get(part.order))
        for part, place in zip(shown, _characters(trace, shown), strict=True)
    ]


def _info(part: Part, where: tuple[int, int], place: PartPlace, number: int | None) -> PartInfo:
    return {
        "kind": cast(PartKind, part.kind),
        "turn": part.turn,
        "place": place,
        "start": where[0],
        "end": where[1],
        "text": part.text if where == _NOWHERE else "",
        "thought": number if part.kind == "thought" else None,
        "status": part.status,
        "reason": unmeasured(part.status),
    }


def _characters(trace: Trace, shown: Sequence[Part]) -> list[tuple[int, int]]:
    """Where parts stand in the trace's text, in UTF-16 units."""
    held = [(part.span.char_start, part.span.char_end) for part in shown if part.span is not None]
    places = iter(to_utf16(trace.text, np.array(held, np.int64).reshape(-1, 2)).tolist())
    return [_NOWHERE if part.span is None else tuple(next(places)) for part in shown]


def _place(part: Part, trace: Trace, root: Trace) -> PartPlace:
    order = root.focus_order
    if order is None:  # the last turn that a model wrote is an answer without a thought
        written = [each for each in root.given_parts if each.kind in ("answer", "tool_call")]
        turn = written[-1].turn if written else len(root.given_parts)
        return "before" if part.turn < turn else "answer" if part.turn == turn else "after"
    if part.order == order:
        return "focus" if "thought" in trace.roles else "before"
    if part.order < order:
        return "before"
    return "answer" if part.turn == root.given_parts[order].turn else "after"
