"""The views that a notebook keeps the state of, as pages."""

from __future__ import annotations

import base64
import copy
from typing import Any

from cotlens.widgets.page.page import Page
from cotlens.widgets.page.several import frame

WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
_REFERENCE = "IPY_MODEL_"


def framed(saved: Any, output: Any) -> str | None:
    """The views of CoTLens in an output, each as a page within the page; None where their state isn't kept."""
    try:
        pages = [_page(saved, view) for view in _views(saved, saved[output["model_id"]])]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError):  # another widget, or not all
        return None
    return "".join(frame("a CoTLens view", page) for page in pages) or None


def _views(saved: Any, model: Any) -> list[Any]:
    """A saved view, or all that a box shows."""
    state = model["state"]
    layout = saved.get(str(state.get("layout")).removeprefix(_REFERENCE), {})
    if layout.get("state", {}).get("display") == "none":
        return []
    if "children" not in state:
        return [model] if "_script" in state else []  # of another's widget there is nothing to draw
    inside = [saved[name.removeprefix(_REFERENCE)] for name in state["children"]]
    return [view for each in inside for view in _views(saved, each)]


def _page(saved: Any, view: Any) -> str:
    traits = _traits(view)
    holder = saved[traits["_script"].removeprefix(_REFERENCE)]["state"]
    shown = {name: value for name, value in traits.items() if not name.startswith("_") and name != "layout"}
    return Page("", str(holder["text"]), str(holder["style"]), shown).html()


def _traits(model: Any) -> dict[str, Any]:
    """The saved traits of a widget, the bytes among them in their places."""
    traits = copy.deepcopy(dict(model["state"]))
    for buffer in model.get("buffers", ()):
        *way, last = buffer["path"]
        holder: Any = traits
        for step in way:
            holder = holder[step]
        holder[last] = base64.b64decode(buffer["data"])
    return traits
