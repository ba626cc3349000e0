"""`cotlens export`: one page, all that can be shown without a kernel, nothing of the network."""

import re
import tomllib
from pathlib import Path

import nbformat
import pytest
from ipywidgets import Widget
from nbconvert import HTMLExporter
from nbconvert.exporters import get_exporter
from traitlets.config import Config

from cotlens.__main__ import main
from cotlens._core.errors import InputError
from cotlens.export import STATE, WIDGET, to_html
from cotlens.widgets import ImportanceMap
from tests.unit.widgets.results import importance

ROOT = Path(__file__).resolve().parents[2]
LOST = {WIDGET: {"model_id": "abc"}, "text/plain": "<CoTLens editor: a trace>"}


FETCHED = re.compile(r"""(?:<script[^>]+src=|<link[^>]+href=|import\(|@import |url\()\s*["']?(?:https?:)?//[^"'\s)]*""")


@pytest.fixture
def notebook(tmp_path):
    display = nbformat.v4.new_output("display_data", data=LOST)
    table = nbformat.v4.new_output("execute_result", data={"text/html": "<b>bold</b>", "text/plain": "bold"})
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("editor", outputs=[display, table])])
    document.metadata["widgets"] = {STATE: {"state": {}, "version_major": 2}}
    path = tmp_path / "some finding.ipynb"
    nbformat.write(document, path)
    return path


def test_a_page_that_needs_no_network(notebook, capsys):
    assert main(["export", str(notebook)]) == 0
    page = notebook.with_suffix(".html")
    assert capsys.readouterr().out.strip() == str(page)
    text = page.read_text("utf-8")
    assert not FETCHED.findall(text)
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


@pytest.fixture
def saved():
    """A notebook that keeps the state of a view."""
    view = ImportanceMap(importance([0.5, -0.2], texts=["One. ", "Two. "]))
    display = nbformat.v4.new_output("display_data", data=view._repr_mimebundle_()[0])
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("view", outputs=[display])])
    document.metadata["widgets"] = {STATE: Widget.get_manager_state(widgets=[view, view._held])}
    return document


def test_nbconvert_knows_an_exporter(saved):
    """By the name that the package registers it under."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    known = pyproject["project"]["entry-points"]["nbconvert.exporters"]["cotlens"].replace(":", ".")
    page, _ = get_exporter(known)().from_notebook_node(saved)
    assert "<iframe" in page and not FETCHED.findall(re.sub(r'srcdoc="[^"]*"', "", page))
    assert "widgets" in saved.metadata, "the notebook itself stays as it is"


def test_html_of_nbconvert_draws_a_kept_view_and_fetches_nothing_for_it(saved):
    """As `cotlens lab` lets it be exported from the menu: formulas alone are still drawn by a script of others."""
    settings = Config(HTMLExporter={"preprocessors": ["cotlens.export.exporters.StaticViews"]})
    page, _ = HTMLExporter(config=settings).from_notebook_node(saved)
    around = re.sub(r'srcdoc="[^"]*"', "", page)
    assert "<iframe" in page and "widget-view" not in around and "html-manager" not in around
    other = nbformat.v4.new_output("display_data", data=LOST)
    saved.cells[0].outputs.append(other)
    page, _ = HTMLExporter(config=settings).from_notebook_node(saved)
    assert page.count("<iframe") == 1 and "CoTLens editor: a trace" in page, "what isn't kept is a line of text"
