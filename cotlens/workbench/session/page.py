"""A session as one page: for whoever has no kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cotlens._core.files import PathLike
from cotlens.results import Result
from cotlens.results.summary import summary
from cotlens.trace import Trace
from cotlens.widgets.page import several
from cotlens.widgets.selection import Selection
from cotlens.workbench.editor.editor import CoTEditor


def write(session: Any, path: PathLike, title: str) -> Path:
    """Write a session's notes, its widgets as their own `to_html` has them, what it keeps, and its script.

    A trace is read as in an editor, a result in words.

    Raises:
        InputError: the file can't be written there.
    """
    notes = {"notes": "\n\n".join(session.notes)} if session.notes else {}
    widgets = {name: each for name, each in session.widgets.items() if not isinstance(each, Selection)}
    kept = {name: _readable(each) for name, each in session.kept.items()}
    shown = {**notes, **widgets, **kept, "script": session.script()}
    return several.of_widgets(path, title or session.path.stem, shown)


def _readable(kept: Trace | Result) -> Any:
    return CoTEditor(None, kept) if isinstance(kept, Trace) else summary(kept)
