"""Session: what is done in an investigation, kept as it is done, in one file."""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.workbench.session import lazy_model, names, page, script
from cotlens.workbench.session.file import Item, SessionFile
from cotlens.workbench.session.held import DAMAGED, Held, read_items, reason, trace_ids
from cotlens.workbench.session.kinds import KINDS, in_order, kind_of
from cotlens.workbench.session.lazy_model import LazyModel
from cotlens.workbench.session.written import Written, copied, write_traces
from cotlens.workbench.shared.controller import Controller
from cotlens.workbench.workbench.workbench import Workbench

_OPEN: weakref.WeakValueDictionary[tuple[int, str], Session] = weakref.WeakValueDictionary()
"""Sessions that are open in this process, by process and path: a cell that is run again gets the same one."""
MOST_NOTE = 100_000  # characters
KEPT_PANELS = ("text", "importance", "steering", "features", "findings", "lens", "patches", "rollouts", "probes")
"""Panels of a workbench that hold something of their own."""
_TOLD = ("selected", "scale_lock", "scores", "limits", "findings", "job", "panels", "labels", "current")
"""Traits of widgets that say when there is something to keep."""


class Session:
    """An investigation in one file: widgets with their branches, results, selections and settings, traces and notes.

        session = cl.Session("study.cotlens", model)
        editor = session.keep(cl.CoTEditor(model, trace))     # whatever happens in it is kept, as it happens
        session.note("44 is where it goes wrong")
        ...
        session = cl.Session.load("study.cotlens")            # after a restart, in another kernel, on another day
        session["editor"]

    A process that is killed loses at most what was going on. The file holds no code that is run and no key. It is one
    kernel's at a time; opening it again where it is open gives the same session. Undoing begins anew with each opening,
    what was only begun to be measured is measured again, and text that was being written when the kernel went is lost.

    Args:
        path: of the file, which must not be there yet.
        model: what the traces were written by; by default that of the first widget that has one.

    Attributes:
        path: of the file.
        widgets: name -> widget, in the order in which they were kept.
        notes: what was noted, oldest first.
        problems: a sentence for each thing that couldn't be brought back; it stays in the file as it is.

    Raises:
        InputError: there is a file already, or it can't be written there.
    """

    def __init__(self, path: PathLike, model: Model | None = None) -> None:
        if model is not None:
            lazy_model.check_model(model)  # before there is a file
        self._begin(SessionFile(check.path("path", path), new=True))
        if model is not None:
            self._is_of(model)

    @classmethod
    def load(cls, path: PathLike, *, model: Model | None = None, saes: Sequence[SAE] = ()) -> Session:
        """A session as it was. No model is loaded before something is asked of it; then by the name it was loaded by.

        Args:
            model: the session's model, where it is loaded already or its name doesn't lead to it.
            saes: autoencoders that are loaded already: of a release none is fetched by looking at a session.

        Raises:
            InputError: there is no session, it is a newer one, damaged, open in another kernel, or of another model.
        """
        target = check.path("path", path)
        known = _OPEN.get(_key(target))
        if known is not None:
            if model is not None:
                known._is_of(model)
            return known
        for other in list(_OPEN.values()):
            other._file.check_elsewhere(target)
        session = cls.__new__(cls)
        session._begin(SessionFile(target, new=False))
        try:
            session._restore(model, {sae.fingerprint: sae for sae in saes})
        except BaseException:
            session._let_go()
            raise
        return session

    def keep(self, thing: Any, name: str = "") -> Any:
        """Keep a widget from now on, or a trace or a result as it is.

        Args:
            thing: a CoTEditor, BranchTree, FeatureTable, SteeringPanel, MonitorPanel, ImportanceMap, LensGrid,
                PatchGrid, PairMatrix, RolloutMap, Selection, Workbench (with its panels, and which are open), Trace or
                Result.
            name: what it is called in the session; by default its kind and a number where one is taken.

        Returns:
            the thing.

        Raises:
            InputError: a session can't keep it, the name is taken, it is of another model, or a second workbench.
        """
        kind = type(thing).__name__ if isinstance(thing, Trace | Result) else kind_of(thing)
        if isinstance(thing, Workbench):
            self._only(thing)
            self._keep_panels(thing)
        if issubclass(type(thing), Controller) and thing.model.capabilities:
            self._is_of(thing.model)
        if isinstance(thing, Trace | Result) and self._known is not None:
            lazy_model.check_made_with(self._known, thing)
        with self._lock:
            taken = {**self.widgets, **self.kept}
            if thing is taken.get(name) or any(thing is each for each in self.widgets.values()):
                return thing
            name = names.checked(name) if name else names.free(kind, {*taken, *self._reserved})
            if name in taken or name in self._reserved:
                raise InputError(f"The name {name!r} is taken: give another one.")
            if isinstance(thing, Trace | Result):
                self._write(self._written.of_kept(name, thing))
                self.kept[name] = thing
            else:
                KINDS[kind].state(thing, {id(each): known for known, each in self.widgets.items()} | {id(thing): name})
                self._adopt(thing, name)
                self.save()
            return thing

    def note(self, text: str) -> None:
        """Keep a note.

        Raises:
            InputError: it is no text, or longer than 100,000 characters.
        """
        if len(check.text("text", text)) > MOST_NOTE:
            raise InputError(f"A note has at most {MOST_NOTE:,} characters; {len(text):,} were given.")
        with self._lock:
            self._write([("note", str(self._noted + 1), text)])
            self._noted += 1
            self.notes.append(text)

    def save(self, path: PathLike | None = None) -> None:
        """Write what is different from what the file has. It happens by itself; this says what went wrong with it.

        Args:
            path: of another file, which must not be there yet: everything is written to it, and kept there from now on,
                also where the session's own file is gone or it was closed.

        Raises:
            InputError: the file can't be written.
        """
        with self._lock:
            if path is None:
                self._write(self._written.unsaved(self.widgets))
            else:
                self._go_on_in(SessionFile(check.path("path", path), new=True))

    def script(self) -> str:
        """Python that does everything again from the first prompt, with the same seeds, and gives the same numbers.

        It makes `traces`, by widget and branch, `results`, by widget, branch and measure, `fans`, what rollouts
        answered, and `readings`, what monitors found. Latents that were put in by hand are said by no text: the traces
        that have them are written beside the session's file, where the script reads them.

        Raises:
            InputError: they can't be written there.
        """
        with self._lock:
            told = script.script(self._known or {}, self.widgets, self.kept, self._model, self.path.parent)
            write_traces(script.files(told), self.path.parent, self.widgets, self.kept)
            return told

    def to_html(self, path: PathLike, title: str = "") -> Path:
        """Write notes, widgets, what is kept and the script as one HTML file that needs no kernel and no network.

        Raises:
            InputError: the file can't be written there.
        """
        return page.write(self, path, title)

    def close(self) -> None:
        """Let go of the file. The widgets go on, and nothing that happens in them is kept any more.

        A warning says what couldn't be kept: `save(path)` still writes everything to another file.
        """
        with self._lock:
            if not self._closed:
                self._goes_on(partial(self._written.last, self.widgets))
            self._let_go()

    def __getitem__(self, name: str) -> Any:
        found = {**self.widgets, **self.kept}
        if name not in found:
            raise InputError(f"The session keeps no {name!r}; it keeps {', '.join(map(repr, found)) or 'nothing yet'}.")
        return found[name]

    def __repr__(self) -> str:
        of = f" of {self._known['name']}" if self._known else ""
        held = ", ".join([*self.widgets, *self.kept]) or "nothing yet"
        return f"<Session{of} in {self.path.name}: {held}; {len(self.notes)} notes>"

    # what goes on

    def _begin(self, file: SessionFile) -> None:
        self.path, self._file = file.path, file
        self.widgets: dict[str, Any] = {}
        self.kept: dict[str, Trace | Result] = {}
        self.notes: list[str] = []
        self._noted = 0  # the number of the newest note, which may be more than there are
        self.problems: list[str] = []
        self._lock = threading.RLock()
        self._closed = False
        self._quiet = False
        self._reserved: set[str] = set()  # names of what couldn't be brought back
        self._known: Mapping[str, Any] | None = lazy_model.read_facts(file.about("model"), self.problems)
        self._model: Model | None = None
        self._written = Written(file)
        _OPEN[_key(file.path)] = self

    def _go_on_in(self, file: SessionFile) -> None:
        """Write to another file all that there is, and from now on what happens."""
        notes = [("note", str(at), text) for at, text in enumerate(self.notes, self._noted - len(self.notes) + 1)]
        about = None if self._known is None else {"model": self._known}
        written = copied(file, self._file, self.widgets, self.kept, notes, about)
        self._let_go()
        self.path, self._file, self._written, self._closed = file.path, file, written, False
        _OPEN[_key(file.path)] = self

    def _let_go(self) -> None:
        self._closed = True
        self._file.close()
        if _OPEN.get(_key(self.path)) is self:
            _OPEN.pop(_key(self.path))

    def _restore(self, model: Model | None, saes: Mapping[str, SAE]) -> None:
        items = read_items(self._file, self.problems)
        if model is not None:
            self._is_of(model)
        lazy = self._model = model
        if model is None and self._known is not None:
            lazy = self._model = cast(Model, LazyModel(self._known, trace_ids(items)))
        self.notes += [str(text) for text in items["note"].values()]
        self._noted = max([len(self.notes), *(int(name) for name in items["note"] if name.isdecimal())])
        held = Held(lazy, items, self.widgets, saes, self._file.damaged, self.problems)
        for name, data in items["kept"].items():
            self._try(name, partial(self._revive, name, data, held))
        self._quiet = True  # what is read needn't be written
        for name, data in in_order(items["widget"]):
            self._try(name, partial(self._back, name, data, held))
        self.widgets.update({name: self.widgets.pop(name) for name in items["widget"] if name in self.widgets})
        self._written.unsaved(self.widgets, read=True)
        self._written.forget(held.changed)
        self._quiet = False

    def _back(self, name: str, data: Mapping[str, Any], held: Held) -> None:
        widget = KINDS[data["kind"]].restored(data, name, held)
        self._adopt(widget, name)
        if data["selected"] and data["kind"] != "Selection":  # whose widgets have it
            getattr(widget, "view", widget).selected = data["selected"]

    def _revive(self, name: str, data: Mapping[str, Any], held: Held) -> None:
        self.kept[name] = held.kept(data, name)

    def _try(self, name: str, bring: Callable[[], Any]) -> None:
        try:
            bring()
        except DAMAGED as error:
            self._reserved.add(name)
            self.problems.append(f"{name!r} couldn't be brought back ({reason(error)}); it is in the file as it was.")

    def _adopt(self, widget: Any, name: str) -> None:
        """From now on hear of what happens in a widget."""
        self.widgets[name] = widget

        def tell(_: Any = None) -> None:
            self._heard()  # the session lives as long as its widgets

        if isinstance(widget, Workbench):
            widget.session = self
            widget.observe(lambda _: self._goes_on(lambda: self._keep_panels(widget)), "panels")
        for trait in _TOLD:
            if widget.has_trait(trait):
                widget.observe(tell, trait)
        tree = getattr(widget, "tree", None)
        if tree is not None:
            tree.watchers.append(tell)

    def _heard(self) -> None:
        """Something happened: keep it."""
        if not self._closed and not self._quiet:
            self._goes_on(self.save)

    def _goes_on(self, act: Callable[[], Any]) -> None:
        """What can't be kept must not stop the work."""
        try:
            act()
        except InputError as error:
            warnings.warn(str(error), stacklevel=2)

    def _keep_panels(self, workbench: Workbench) -> None:
        """Keep the widgets of its panels by themselves; the others are made of the editor again, as it is."""
        if self._closed or self._quiet:
            return
        for panel, widget in workbench.made.items():
            if panel in KEPT_PANELS:
                self.keep(widget)

    def _only(self, workbench: Workbench) -> None:
        """Raise InputError unless this is the first workbench: of two, neither would be the investigation."""
        for name, widget in self.widgets.items():
            if isinstance(widget, Workbench) and widget is not workbench:
                raise InputError(f"The session keeps a workbench, {name!r}: keep another one in a session of its own.")

    def _is_of(self, model: Any) -> None:
        """Raise InputError unless a model is the session's, which the first one is."""
        if isinstance(model, LazyModel):
            return
        if self._known is not None:
            lazy_model.check_same(self._known, model)
            return
        known = lazy_model.facts(model)
        self._write([], {"model": known})
        self._known, self._model = known, model

    def _write(self, items: list[Item], about: dict[str, Any] | None = None) -> None:
        self._written.write(items, about)


def _key(path: Path) -> tuple[int, str]:
    return os.getpid(), str(path.resolve())
