"""Every notebook runs from top to bottom in a real kernel, without a browser where no browser test runs it anyway."""

import nbformat
import pytest

from tests.browser.test_features import NOTEBOOK
from tests.browser.test_journey_editing import QUICKSTART
from tests.notebooks.running import NOTEBOOKS, smaller

BROWSED = {NOTEBOOK, QUICKSTART}


def test_there_is_a_quickstart():
    assert {path.name for path in NOTEBOOKS} > BROWSED


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_as_it_should_be(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata["kernelspec"]["name"] == "python3", "without it JupyterLab asks for a kernel"
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs"), "notebooks are kept without outputs"


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.name not in BROWSED], ids=lambda path: path.stem)
def test_a_notebook_runs(path, kernel):
    kernel.run(smaller(path))
