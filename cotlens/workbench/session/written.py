"""What of a session is in its file already, and what isn't yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cotlens._core.errors import InputError
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.workbench.branches.serialization import trace_to_data
from cotlens.workbench.session.file import Item, SessionFile
from cotlens.workbench.session.kinds import KINDS, Part, ancestors, canonical, kind_of


class Written:
    """Knows what a file has, and writes what is others than that."""

    def __init__(self, file: SessionFile) -> None:
        self._file = file
        self._saved: dict[tuple[str, str], Any] = {}

    def unsaved(self, widgets: Mapping[str, Any], *, read: bool = False) -> list[Item]:
        """What the widgets say and hold otherwise than the file; nothing where they were just `read` from it."""
        states, parts = told(widgets)
        return [*self._changed(parts, read=read), *self._other(states)]

    def of_kept(self, name: str, thing: Trace | Result) -> list[Item]:
        """A trace or a result that is kept by itself, with what it was made from, as items."""
        if isinstance(thing, Result):
            return [("kept", name, {"kind": "Result", "data": thing.data()})]
        kept = {"kind": "Trace", "data": trace_to_data(thing)}
        return [*self._changed([*ancestors(thing)], read=False), ("kept", name, kept)]

    def write(self, items: list[Item], about: dict[str, Any] | None = None) -> None:
        """Write items; also where there are none the file has to be there.

        Raises:
            InputError: they can't be written; the next time it is tried again.
        """
        try:
            self._file.write(items, about)
        except InputError:
            for kind, name, _ in items:
                self._saved.pop((kind, name), None)
            raise

    def forget(self, names: Collection[str]) -> None:
        """Take what widgets of these names hold as not written: the file has it otherwise than they have it now."""
        self._saved = {key: each for key, each in self._saved.items() if key[1].partition("/")[0] not in names}

    def last(self, widgets: Mapping[str, Any]) -> None:
        """Write what isn't written yet.

        Raises:
            InputError: it can't be written; which widgets it is of.
        """
        items = self.unsaved(widgets)
        try:
            if items:
                self.write(items)
        except InputError as error:
            of = dict.fromkeys(name.partition("/")[0] for kind, name, _ in items if kind != "trace")
            raise InputError(
                f"What the session has of {', '.join(map(repr, of))} couldn't be kept as it is now, and it was closed: "
                f"session.save(path) still writes everything to another file. {error}"
            ) from error

    def _changed(self, parts: list[Part], *, read: bool) -> list[Item]:
        """The parts that are others than those in the file, as items; none where they were just `read` from it."""
        new = {(kind, name): (thing, data) for kind, name, thing, data in parts}
        other = {key: each for key, each in new.items() if self._saved.get(key) is not each[0]}
        self._saved |= {key: thing for key, (thing, _) in other.items()}
        return [] if read else [(*key, data()) for key, (_, data) in other.items()]

    def _other(self, states: list[Item]) -> list[Item]:
        """The states that say something else than those in the file."""
        new = [each for each in states if self._saved.get(each[:2]) != canonical(each[2])]
        self._saved |= {each[:2]: canonical(each[2]) for each in new}
        return new


def copied(
    file: SessionFile,
    old: SessionFile,
    widgets: Mapping[str, Any],
    kept: Mapping[str, Trace | Result],
    notes: list[Item],
    about: dict[str, Any] | None,
) -> Written:
    """What a new file has once all that an old one holds, and all that there is now, was written to it.

    What couldn't be brought back is nowhere but in the old file, which can be read as long as it is open.

    Raises:
        InputError: they can't be written; then there is no new file.
    """
    written = Written(file)
    try:
        if old.usable:
            file.take(old)
        things = [item for name, thing in kept.items() for item in written.of_kept(name, thing)]
        written.write([*things, *notes, *written.unsaved(widgets)], about)
    except BaseException:
        file.close()
        file.path.unlink(missing_ok=True)
        raise
    return written


def told(widgets: Mapping[str, Any]) -> tuple[list[Item], list[Part]]:
    """What widgets say of themselves, and what they hold."""
    names = {id(widget): name for name, widget in widgets.items()}
    states: list[Item] = []
    parts: list[Part] = []
    for name, widget in widgets.items():
        kind = kind_of(widget)
        said = KINDS[kind].state(widget, names)
        states.append(("widget", name, {"kind": kind, "selected": dict(getattr(widget, "selected", {})), **said}))
        parts += KINDS[kind].parts(widget, name)
    return states, parts


def write_traces(ids: set[str], folder: Path, widgets: Mapping[str, Any], kept: Mapping[str, Trace | Result]) -> None:
    """Write traces of a session with these ids to files of their own.

    Raises:
        InputError: they can't be written there.
    """
    held = [*kept.values(), *(getattr(thing, "trace", thing) for _, _, thing, _ in told(widgets)[1])] if ids else []
    found = {step.id: step for each in held if isinstance(each, Trace) for step in each.path()}
    for one in ids & found.keys():
        found[one].save(folder / f"{one}.trace")
