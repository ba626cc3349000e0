"""A notebook as one HTML file that asks nothing of the network: ``cotlens export``.

nbconvert's own pages fetch scripts from public hosts, and without them show neither a widget nor what stands in for
it. Here every output is what it can be without a kernel: charts, tables and tokens as they are, a view of CoTLens whose
state the notebook keeps as a frame in which it can be read, and any other widget as its line of text.
"""

from __future__ import annotations

import base64
import copy
from pathlib import Path
from typing import Any

from cotlens._core import files
from cotlens._core.errors import InputError
from cotlens._core.optional import need
from cotlens.widgets.page.page import Page
from cotlens.widgets.page.several import frame

WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
_REFERENCE = "IPY_MODEL_"

# Every block of nbconvert's page that names a public host, emptied.
_TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""
_KINDS = ["text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "text/plain"]


def to_html(notebook: files.PathLike, target: files.PathLike | None = None) -> Path:
    """Write a notebook, with the outputs that it has, as one HTML file.

    Args:
        target: where to; by default beside the notebook, with the ending .html.

    Raises:
        InputError: there is no such notebook, it is damaged, or nothing can be written there.
        MissingPackage: nbconvert isn't installed, which comes with JupyterLab.
    """
    nbformat, nbconvert = (need(name, "An exported notebook", "lab") for name in ("nbformat", "nbconvert"))
    from traitlets.config import Config

    source = Path(notebook)
    try:
        document = nbformat.read(source, as_version=4)
    except OSError as error:
        raise InputError(f"No notebook can be read from {source}: {error.strerror}.") from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, nbformat.ValidationError) as error:
        raise InputError(f"{source} is no notebook, or it is damaged: open it in Jupyter and save it again.") from error
    saved = document.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    for cell in document.cells:
        for output in cell.get("outputs", ()):
            shown = output.get("data", {})
            framed = _framed(saved, shown.pop(WIDGET, None))
            if framed is not None:
                shown["text/html"] = framed
    settings = Config({"NbConvertBase": {"display_data_priority": _KINDS}, "HTMLExporter": {"embed_images": True}})
    exporter = nbconvert.HTMLExporter(config=settings)
    exporter.raw_template = _TEMPLATE
    page, _ = exporter.from_notebook_node(document, {"metadata": {"name": source.stem}})
    return files.write_bytes(target or source.with_suffix(".html"), page.encode("utf-8", "replace"))


def _framed(saved: Any, output: Any) -> str | None:
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
