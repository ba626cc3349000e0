"""Controllers whose tries are branches of a tree, which several of them may share."""

from __future__ import annotations

import threading
import weakref
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeGuard, cast

from cotlens._core.errors import InputError
from cotlens.models.contract import Model
from cotlens.models.contract.interventions import Intervention
from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import BranchKind
from cotlens.widgets.shared.selection import Selected, selected
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.shared.controller import Controller, with_codec
from cotlens.workbench.shared.origin import origin
from cotlens.workbench.shared.writing import Writing


class TreeController(Controller):
    """A controller whose tries are branches of one tree.

    Args:
        source: the trace to begin with; those it was made from are branches, too. Or another widget whose branches are
            this one's, too: both show the same one, and what is made in one is a branch in both.

    Attributes:
        source: the widget whose branches are shared, None where a trace was given.
        follows: whether what a branch lacks is measured when the other widget shows it.
    """

    _work: Writing

    def __init__(self, model: Model, view: Any, source: Trace | TreeController) -> None:
        super().__init__(model, view)
        self.source = source if is_tree(source) else None
        self.follows = True
        self._tree = source.tree if is_tree(source) else planted(model, cast(Trace, source))
        self._drawn = ""

    def _open(self, **traits: Any) -> None:
        with self._lock:  # from here on there is all that another widget's step could lead to
            super()._open(**traits)
            self._tree.views.append(weakref.WeakMethod(self.catch_up))
            if self.source is not None:
                for each in (self.source, self):
                    each._listen()

    @property
    def trace(self) -> Trace:
        """The trace shown now."""
        return self._tree.current.trace

    @property
    def selected(self) -> Selected:
        """What is picked (`widgets.shared.selection`). A trace that is set is shown, where it is a branch here."""
        found: Selected = self.view.selected
        return found

    @selected.setter
    def selected(self, value: Any) -> None:
        with self._lock:
            wanted = selected(value)
            if "trace" in wanted and wanted["trace"] != self.trace.id:
                found = [node.id for node in self._tree.nodes.values() if node.trace.id == wanted["trace"]]
                if found:
                    self._goto(found[0])
            self._set(selected=wanted)
            self._picked(wanted)

    @property
    def tree(self) -> Tree:
        """The branches as data; `walk` takes steps in it."""
        return self._tree

    @property
    def lock(self) -> threading.RLock:
        """Guards the tree and all that is shown."""
        return self._lock

    def catch_up(self) -> None:
        """Show the branch that another widget of the same branches shows, where this one doesn't yet."""
        with self._lock:
            if self._drawn != self._tree.current_id and self.view.comm is not None:  # else it was closed
                self._arrive()
                if self.follows and not getattr(self.model, "asleep", False):  # to look at a branch loads no model
                    self._fill()

    def follow(self, on: bool) -> None:
        """Whether what a branch lacks is measured when another widget of the same branches shows it."""
        with self._lock:
            missed, self.follows = on and not self.follows, on
            if missed:
                self._fill()

    def record(
        self, trace: Trace, of: Trace, label: str, code: str, kind: BranchKind, changes: tuple[Intervention, ...]
    ) -> None:
        """Keep what another widget made of a text as a branch, which isn't shown, and compare it.

        Args:
            of: what it was made from; where that is no branch here, it hangs below the first one.
            changes: what it was written under.
        """
        with self._lock:
            held = [node.id for node in self._tree.nodes.values() if node.trace.id == of.id]
            parent = held[0] if held else next(iter(self._tree.nodes))
            node = self._tree.add(trace, parent, label, code, kind=kind, show=False, changes=changes)
            self._set(branches=self._tree.payload())
        self._jobs.start("comparing", lambda: self._work.compare(node.id), slot=f"compare {node.id}")

    def walk(self, step: Callable[[], Any]) -> None:
        """Take a step in the tree, and show where it leads."""
        with self._lock:
            before = self._tree.current_id
            self._move(step)
            if self._tree.current_id != before:
                self._fill()

    def undo(self) -> bool:
        """Take a person's last step back (a try that was asked for, going to a branch, a name, a note, a tag, pruning).

        No text and no number is lost by it.

        Returns:
            whether there was one.
        """
        there = bool(self._tree.done)
        self.walk(self._tree.undo)
        return there

    def redo(self) -> bool:
        """Take a step again that was undone; whether there was one."""
        there = bool(self._tree.undone)
        self.walk(self._tree.redo)
        return there

    def _do_goto(self, request: Any) -> None:
        self._goto(request.branch)

    def _do_undo(self, _: Any) -> None:
        self.undo()

    def _do_redo(self, _: Any) -> None:
        self.redo()

    def _go(self, branch: str) -> None:
        self._move(lambda: self._tree.go(branch))

    def _goto(self, branch: str) -> None:
        """Show a branch, and measure what it lacks."""
        self._go(branch)
        self._fill()

    def _move(self, step: Callable[[], Any]) -> None:
        """Take a step in the tree, and show where it leads."""
        before = self._tree.current_id
        step()
        if self._tree.current_id == before:
            self._stay()
        else:
            self._arrive()

    def _publish(self) -> None:
        """Show everything about the current branch, in all widgets of the same branches."""
        with self._lock:
            self._drawn = self._tree.current_id
            self._draw()
            self._tree.tell_views()

    def _stay(self) -> None:
        """A step led to no other branch: something is said of one."""
        self._set(branches=self._tree.payload())

    @abstractmethod
    def _arrive(self) -> None:
        """Another branch is shown now: leave what was done for the one before, and publish."""

    @abstractmethod
    def _draw(self) -> None:
        """Show everything about the current branch."""

    @abstractmethod
    def _fill(self) -> None:
        """Measure what the shown branch lacks."""

    def _listen(self) -> None:
        """Hear of what is said of branches elsewhere."""
        said = weakref.WeakMethod(self._stay)
        self._tree.watchers.append(lambda: (say := said()) and say())

    def _picked(self, wanted: Selected) -> None:
        """Something was picked in Python, or in a linked widget."""

    @property
    def branches(self) -> list[Trace]:
        """All traces that weren't pruned, in the order they were made."""
        with self._lock:
            texts = [node for node in self._tree.nodes.values() if node.kind != "resample"]
            return [node.trace for node in texts if self._tree.in_sight(node.id)]


def is_tree(source: Any) -> TypeGuard[TreeController]:
    """Whether something is a widget of branches; `isinstance` is told that a controller is its view."""
    return issubclass(type(source), TreeController)


def shown(model: Model, source: Any, does: str) -> Any:
    """What a source shows: a widget of branches its trace, and anything else itself.

    Raises:
        InputError: the widget is of another model; `does` says what it is for.
    """
    if is_tree(source) and source.model is not model:
        raise InputError(f"{does} what another widget shows with that widget's model; another one was given.")
    return source.trace if is_tree(source) else source


def planted(model: Model, trace: Trace) -> Tree:
    """The tree of a trace and those that it was made from."""
    tree = Tree()
    for step in trace.path():
        label, code = origin(model, step)
        tree.add(with_codec(model, step), tree.current_id or None, label, code)
    tree.done.clear()  # what it was opened with is nobody's step
    return tree
