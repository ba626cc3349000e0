"""`cotlens export`: one page, all that can be shown without a kernel, nothing of the network."""

import re

import nbformat
import pytest
from nbconvert import HTMLExporter

from cotlens.__main__ import main
from cotlens._core.errors import InputError
from cotlens.export import to_html
from cotlens.widgets import ImportanceMap
from tests.unit.widgets.results import importance

WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "abc"}, "text/plain": "<CoTLens editor: a trace>"}


@pytest.fixture
def notebook(tmp_path):
    display = nbformat.v4.new_output("display_data", data=WIDGET)
    table = nbformat.v4.new_output("execute_result", data={"text/html": "<b>bold</b>", "text/plain": "bold"})
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("editor", outputs=[display, table])])
    document.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2}}
    path = tmp_path / "some finding.ipynb"
    nbformat.write(document, path)
    return path


def test_a_page_that_needs_no_network(notebook, capsys):
    assert main(["export", str(notebook)]) == 0
    page = notebook.with_suffix(".html")
    assert capsys.readouterr().out.strip() == str(page)
    text = page.read_text("utf-8")
    fetched = re.findall(r"""(?:<script[^>]+src=|<link[^>]+href=|import\(|@import |url\()\s*["']?(https?:)?//""", text)
    assert not fetched
    assert "&lt;CoTLens editor: a trace&gt;" in text
    assert "<b>bold</b>" in text
    assert "model_id" not in text


def test_a_plain_page_of_nbconvert_says_it_in_words():
    """Without saved widgets nbconvert takes what is said in words; nothing of it is the model's own HTML."""
    view = ImportanceMap(importance([0.5, -0.2], texts=["<img src=x> ", "Two. "]))
    display = nbformat.v4.new_output("display_data", data=view._repr_mimebundle_()[0])
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("view", outputs=[display])])
    page, _ = HTMLExporter().from_notebook_node(document)
    shown = page[page.index("jp-OutputArea-output") :]
    assert "<table>" in shown and "Resampling" in shown
    assert "&lt;img src=x" in shown and "<img src=x" not in shown


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'])
def test_what_is_no_notebook(tmp_path, body, capsys):
    path = tmp_path / "x.ipynb"
    path.write_text(body)
    with pytest.raises(InputError, match="is no notebook"):
        to_html(path)
    with pytest.raises(SystemExit):
        main(["export", str(tmp_path / "none.ipynb")])
    assert "No notebook can be read" in capsys.readouterr().err
