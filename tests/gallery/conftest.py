"""The gallery page in Chromium: the editor's own front end, with payloads from disk and no kernel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import hatch_build
from tests.chromium import launched
from tests.gallery.page import Gallery, Pages

ROOT = Path(__file__).resolve().parents[2]


# As in tests/browser: one for the folder, and none for the tests after it.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built page."""
    folder = tmp_path_factory.mktemp("gallery")
    widgets = ROOT / "widgets"
    if not hatch_build.installed(widgets):
        hatch_build.run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], widgets)
    hatch_build.run("node", ["build.mjs", "--gallery", str(folder)], widgets)
    return folder


@pytest.fixture(scope="package")
def pages(chromium: Browser) -> Iterator[Pages]:
    """The page that the tests share: to start one took longer than most of them."""
    shared = Pages(chromium)
    yield shared
    shared.close()


@pytest.fixture
def gallery(built: Path, pages: Pages, request: pytest.FixtureRequest) -> Iterator[Gallery]:
    """The gallery, as in a fresh page. Errors on its console, and any request beyond the disk, fail the test."""
    failed = request.session.testsfailed
    shown = Gallery(pages.page(), built)
    yield shown
    shown.leave()
    if shown.stopped or request.session.testsfailed > failed:
        pages.close()  # a clock that was stopped stays so, and what a failed test left behind isn't known
    assert shown.errors == []
    assert shown.beyond == []
