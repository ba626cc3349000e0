"""Fixtures of the browser tests: `lab` (JupyterLab) and `notebook` (a notebook in the page and kernel they share).

`notebook` is a function: `notebook("quickstart.ipynb")` shows that notebook, `notebook([cell, cell])` makes one of
these cells, and a dict is a whole one. It returns a `Notebook` (notebook.py), whose console errors fail the test. A
page that opens JupyterLab and a kernel that imports torch take longer than most journeys, so that one of each serves
all; a test that leaves anything behind in them, in a file or in a module, says `alone=True` and gets its own. A test
that is tried again finds new ones. A test without a browser fails: `make test` gets one, `tools/get_chromium.py` says
how.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.notebook import Notebook, of_cells
from tests.browser.server import ROOT, Lab, slug
from tests.chromium import launched, new_page

SIZE = {"width": 1400, "height": 1000}
COUNT = itertools.count()

OpenNotebook = Callable[..., Notebook]


# Not for the whole session: Playwright keeps an event loop running in this thread, in which a test of another
# folder could not start its own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium, one for the folder."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab on copies of the notebooks, one for the whole run."""
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


class Notebooks:
    """Opens notebooks in pages of their own, and in one that is kept."""

    def __init__(self, lab: Lab, chromium: Browser) -> None:
        self.lab, self.chromium = lab, chromium
        self.kept: Notebook | None = None

    def open(self, name: str, document: dict[str, Any]) -> Notebook:
        """A new page with a new kernel."""
        (self.lab.folder / name).write_text(json.dumps(document))
        page = new_page(self.chromium, viewport=SIZE, device_scale_factor=1)
        return Notebook(page, self.lab.url, name, self.lab.token, workspace=Path(name).stem)

    def shared(self, name: str, document: dict[str, Any]) -> Notebook:
        """The page that is kept, emptied."""
        if self.kept is None:
            self.kept = self.open(slug(name) + "-kept.ipynb", of_cells([""]))
        self.kept.renew(name, document)
        return self.kept

    def drop(self) -> None:
        """Forget the kept page and its kernel."""
        if self.kept is not None:
            self.close(self.kept)
        self.kept = None

    def close(self, nb: Notebook) -> None:
        """Close a page and end its kernel."""
        nb.page.close()
        self.lab.stop_kernel(nb.path)


@pytest.fixture(scope="package")
def notebooks(lab: Lab, chromium: Browser) -> Iterator[Notebooks]:
    """What `notebook` opens, and the page that tests share."""
    opened = Notebooks(lab, chromium)
    yield opened
    opened.drop()


@pytest.fixture
def notebook(notebooks: Notebooks, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """A function that shows a notebook: by name, of code cells, or a whole one."""
    opened: list[Notebook] = []
    if getattr(request.node, "execution_count", 1) > 1:  # tried again: what it shared may have been the fault
        notebooks.drop()

    def open_notebook(
        what: str | list[str] | dict[str, Any], *, theme: str = "light", width: int = SIZE["width"], alone: bool = False
    ) -> Notebook:
        name = f"{slug(request.node.name)}-{next(COUNT)}.ipynb"
        nb = (notebooks.open if alone else notebooks.shared)(name, document(what))
        opened.append(nb)
        nb.page.set_viewport_size({**SIZE, "width": width})
        if theme != "light" or nb.page.locator("body[data-jp-theme-light='false']").count():
            nb.theme(theme)
        return nb

    yield open_notebook
    for nb in opened:
        if nb is not notebooks.kept:
            notebooks.close(nb)
    for nb in opened:
        nb.check_errors()


def document(what: str | list[str] | dict[str, Any]) -> dict[str, Any]:
    """A notebook as it is written in a file."""
    if isinstance(what, str):
        return dict(json.loads((ROOT / "notebooks" / what).read_text(encoding="utf-8")))
    return of_cells(what) if isinstance(what, list) else what
