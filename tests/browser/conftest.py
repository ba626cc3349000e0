"""Fixtures of the browser tests: `lab` (JupyterLab) and `notebook` (an open notebook in the Chromium they share).

`notebook` is a function: `notebook("quickstart.ipynb")` opens a copy of that notebook, `notebook([cell, cell])` makes
one of these cells, and a dict is written as it is. It returns a `Notebook` (notebook.py), whose console errors fail the
test and whose kernel is ended with it. A test without a browser fails: `make test` gets one, `tools/get_chromium.py`
says how.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.notebook import Notebook, write
from tests.browser.server import ROOT, Lab, slug
from tests.chromium import new_page

SIZE = {"width": 1400, "height": 1000}
COUNT = itertools.count()

OpenNotebook = Callable[..., Notebook]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab on copies of the notebooks, one for the whole run."""
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture
def notebook(lab: Lab, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """A function that opens a notebook in a page of its own: by name (copied), of code cells, or a whole one."""
    opened: list[Notebook] = []

    def open_notebook(
        what: str | list[str] | dict[str, Any], *, theme: str = "light", width: int = SIZE["width"]
    ) -> Notebook:
        name = f"{slug(request.node.name)}-{next(COUNT)}.ipynb"
        path = lab.folder / name
        if isinstance(what, str):
            path.write_bytes((ROOT / "notebooks" / Path(what)).read_bytes())
        elif isinstance(what, dict):
            path.write_text(json.dumps(what))
        else:
            write(path, what)
        page = new_page(chromium, viewport={**SIZE, "width": width}, device_scale_factor=1)
        nb = Notebook(page, lab.url, name, lab.token, workspace=path.stem)
        opened.append(nb)
        if theme != "light" or page.locator("body[data-jp-theme-light='false']").count():
            nb.theme(theme)
        return nb

    yield open_notebook
    for nb in opened:
        nb.page.close()
    lab.stop_kernels()
    for nb in opened:
        nb.check_errors()
