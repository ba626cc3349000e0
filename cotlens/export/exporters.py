"""What nbconvert knows of CoTLens: the views that a notebook keeps as pages within the page, and an exporter."""

from __future__ import annotations

from typing import Any

from nbconvert import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from traitlets.config import Config

from cotlens.export.saved import STATE, WIDGET, framed

# Every block of nbconvert's page that names a public host, emptied.
_TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""
_KINDS = ["text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "text/plain"]


class StaticViews(Preprocessor):
    """Each view of CoTLens whose state a notebook keeps becomes a frame that needs no script from elsewhere.

    Of other widgets nbconvert makes what it always makes.
    """

    enabled = True

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """The notebook with frames in place of views."""
        saved = nb.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
        left = False
        for cell in nb.cells:
            for output in cell.get("outputs", ()):
                shown = output.get("data", {})
                frame = framed(saved, shown.get(WIDGET))
                left |= frame is None and WIDGET in shown
                if frame is not None:
                    del shown[WIDGET]
                    shown["text/html"] = frame
        if not left:  # what would draw widgets is fetched from a public host
            nb.metadata.pop("widgets", None)
        return nb, resources


class PageExporter(HTMLExporter):
    """One page for whoever has no kernel and no network: `jupyter nbconvert --to cotlens`."""

    export_from_notebook = "CoTLens page (no network)"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.raw_template = _TEMPLATE

    @property
    def default_config(self) -> Any:
        """Nothing that asks for a script of others, and pictures in the page."""
        settings = super().default_config.copy()
        settings.merge(
            Config(
                NbConvertBase={"display_data_priority": _KINDS},
                HTMLExporter={"embed_images": True},
                PageExporter={"preprocessors": [StaticViews]},
            )
        )
        return settings
