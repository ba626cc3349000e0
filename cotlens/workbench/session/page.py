"""A session as one page: for whoever has no kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cotlens._core.files import PathLike
from cotlens.results import Result
from cotlens.results.summary import summary
from cotlens.trace import Trace
from cotlens.widgets.page import several
from cotlens.widgets.shared.selection import Selection
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.workbench.workbench import Workbench


def write(session: Any, path: PathLike, title: str) -> Path:
    """Write a session's notes, its widgets as their own `to_html` has them, what it keeps, and its script.

    The session's lock isn't to be held: widgets take the one that guards them, and who has that may wait for it.

    A trace is read as in an editor, a result in words.

    Raises:
        InputError: the file can't be written there.
    """
    notes = {"notes": "\n\n".join(session.notes)} if session.notes else {}
    widgets = dict(_shown(dict(session.widgets)))
    kept = {name: _readable(each) for name, each in session.kept.items()}
    shown = {**notes, **widgets, **kept, "script": session.script()}
    return several.of_widgets(path, title or session.path.stem, shown)


def _shown(widgets: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Widgets that have a page; of a workbench its panels that aren't kept by themselves."""
    kept = {id(each) for each in widgets.values()}
    for name, widget in widgets.items():
        if isinstance(widget, Workbench):
            yield from ((panel, each) for panel, each in widget.made.items() if id(each) not in kept)
        elif not isinstance(widget, Selection):
            yield name, widget


def _readable(kept: Trace | Result) -> Any:
    return CoTEditor(None, kept) if isinstance(kept, Trace) else summary(kept)
