"""A notebook as one HTML file that asks nothing of the network: ``cotlens export``.

nbconvert's own pages fetch scripts from public hosts, and without them show neither a widget nor what stands in for
it. Here every output is what it can be without a kernel: charts, tables and tokens as they are, widgets as their line
of text.
"""

from __future__ import annotations

from pathlib import Path

from cotlens._core import files
from cotlens._core.errors import InputError

WIDGET = "application/vnd.jupyter.widget-view+json"
_STATE = "widgets"  # of the metadata; no page of ours can bring it to life

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
    """
    import nbformat
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    source = Path(notebook)
    try:
        document = nbformat.read(source, as_version=4)
    except OSError as error:
        raise InputError(f"No notebook can be read from {source}: {error.strerror}.") from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, nbformat.ValidationError) as error:
        raise InputError(f"{source} is no notebook, or it is damaged: open it in Jupyter and save it again.") from error
    document.metadata.pop(_STATE, None)
    for cell in document.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET, None)
    settings = Config({"NbConvertBase": {"display_data_priority": _KINDS}, "HTMLExporter": {"embed_images": True}})
    exporter = HTMLExporter(config=settings)
    exporter.raw_template = _TEMPLATE
    page, _ = exporter.from_notebook_node(document, {"metadata": {"name": source.stem}})
    return files.write_bytes(target or source.with_suffix(".html"), page.encode("utf-8", "replace"))
