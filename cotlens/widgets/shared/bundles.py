"""The built front end of each view, and how a view gets its script and its style."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import anywidget
import ipywidgets
import traitlets as t
from anywidget._util import repr_mimebundle

from cotlens._core.errors import CotLensError
from cotlens._core.files import PathLike
from cotlens._core.text import data_without_halves
from cotlens.results.summary import escaped
from cotlens.widgets.page.page import Facts, Page
from cotlens.widgets.page.recording import STILL, Recording
from cotlens.widgets.protocol.shared import Selected
from cotlens.widgets.shared.selection import SelectedTrait

STATIC = Path(__file__).parents[1] / "static"
LOADER = Path(__file__).parent / "loader.js"
_HOST_TRAITS = ("layout", "tabbable", "tooltip")  # for the notebook, not for the view


class WidgetsNotBuilt(CotLensError, RuntimeError):
    """A view was made in an installation without its built front end."""


class Script(ipywidgets.Widget):
    """Script and style of one kind of view, shared by all views of the kind: saved state holds them once."""

    text = t.Unicode().tag(sync=True)
    style = t.Unicode().tag(sync=True)


class Told:
    """A widget that a cell also says in words: for whoever sees no widget, and where a saved notebook has no kernel."""

    def summary(self, *, markdown: bool = False) -> str:
        """What a person would see, in words: at most 2,000 characters, and how to get the rest.

        Args:
            markdown: whether signs of Markdown and HTML in texts are made harmless.
        """
        return escaped(repr(self)) if markdown else repr(self)

    _ipython_display_ = None  # by which a widget of ipywidgets 7 shows itself, without a word

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # anywidget's own, for boxes of its widgets, too: Colab is told by it which widget manager they need.
        data, metadata = repr_mimebundle(self.model_id, self.summary())  # type: ignore[attr-defined]
        return {**data, "text/markdown": self.summary(markdown=True)}, metadata


class View(Told, anywidget.AnyWidget):
    """A view made of `_bundle`.js and `_bundle`.css: `loader.js` finds both in the `Script` that `_script` names.

    `selected` is what is picked in it (`cotlens.widgets.shared.selection`), and may be set.

    Raises WidgetsNotBuilt when the front end was not built.
    """

    _bundle: ClassVar[str]
    _esm = LOADER
    _script = t.Unicode().tag(sync=True)
    selected = SelectedTrait().tag(sync=True, shape=Selected)
    page_facts: Facts = ()
    """(heading, text): where the numbers come from, for whoever reads them without Python."""

    def __init__(self, **traits: Any) -> None:
        require(self._bundle)
        self._held = script(self._bundle)
        super().__init__(_script=f"IPY_MODEL_{self._held.model_id}", **traits)
        self.on_msg(self._tell_script)

    @staticmethod
    def _trait_to_json(value: Any, _: Any) -> Any:
        """What is sent and saved: names and labels are given in memory, where a text may hold half a character."""
        return data_without_halves(value)

    def to_html(self, path: PathLike, title: str = "", *, recording: Recording = STILL, facts: Facts = ()) -> Path:
        """Write this view as one HTML file that needs no kernel and no network.

        Text from a model stays text, and the page may neither fetch nor send anything. It follows the reader's theme.

        Args:
            title: of the page; by default the view's own line.
            recording: what the page can answer; by default it only shows.
            facts: (heading, text) below the view.

        Raises:
            InputError: the file can't be written there.
        """
        traits = self.get_state([name for name in self.keys if not name.startswith("_") and name not in _HOST_TRAITS])
        page = Page(
            title or repr(self).strip("<>").removeprefix("CoTLens ").capitalize(),
            self._held.text,
            self._held.style,
            traits,
            recording,
            facts or self.page_facts,
        )
        return page.write(path)

    def reply(self, request_id: int, status: str = "ok", **payload: Any) -> None:
        """Answer a message (`protocol.shared.Envelope`) with a payload, or with error={message, remedy}."""
        self.send({"request_id": request_id, "kind": "reply", "status": status, **payload})

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message, its text in whole characters."""
        super().send(data_without_halves(content), buffers)

    def _tell_script(self, _: Any, content: Any, __: Any = None) -> None:
        """Answer a view of a host that has no way from one model to another."""
        if isinstance(content, dict) and content.get("kind") == "script":
            self.send({"kind": "script", "text": self._held.text, "style": self._held.style})


_SCRIPTS: dict[Path, Script] = {}


def script(name: str) -> Script:
    """The one holder of a view's script and style in this process; a new one where it was closed."""
    path = STATIC / name
    known = _SCRIPTS.get(path)
    if known is None or known.comm is None:
        text, style = ((STATIC / f"{name}.{end}").read_text(encoding="utf-8") for end in ("js", "css"))
        known = _SCRIPTS[path] = Script(text=text, style=style)
    return known


def require(view: str) -> None:
    """Raise `WidgetsNotBuilt` unless the script and the style of a view are there."""
    missing = [name for name in (f"{view}.js", f"{view}.css") if not (STATIC / name).is_file()]
    if missing:
        raise WidgetsNotBuilt(
            f"This installation has no built front end ({' and '.join(missing)} missing in {STATIC}): "
            "run `make widgets`, or install a released package."
        )
