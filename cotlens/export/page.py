"""``cotlens export``: the page of a notebook that is in a file."""

from __future__ import annotations

from pathlib import Path

from cotlens._core import files
from cotlens._core.errors import InputError
from cotlens._core.optional import need


def to_html(notebook: files.PathLike, target: files.PathLike | None = None) -> Path:
    """Write a notebook, with the outputs that it has, as one HTML file.

    Args:
        target: where to; by default beside the notebook, with the ending .html.

    Raises:
        InputError: there is no such notebook, it is damaged, or nothing can be written there.
        MissingPackage: nbconvert isn't installed, which comes with JupyterLab.
    """
    nbformat, _ = (need(name, "An exported notebook", "lab") for name in ("nbformat", "nbconvert"))
    from cotlens.export.exporters import PageExporter

    source = Path(notebook)
    try:
        document = nbformat.read(source, as_version=4)
    except OSError as error:
        raise InputError(f"No notebook can be read from {source}: {error.strerror}.") from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, nbformat.ValidationError) as error:
        raise InputError(f"{source} is no notebook, or it is damaged: open it in Jupyter and save it again.") from error
    page, _ = PageExporter().from_notebook_node(document, {"metadata": {"name": source.stem}})
    return files.write_bytes(target or source.with_suffix(".html"), page.encode("utf-8", "replace"))
