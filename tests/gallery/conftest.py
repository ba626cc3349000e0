"""The gallery page in Chromium: the editor's own front end, with payloads from disk and no kernel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import hatch_build
from tests.chromium import launched, new_page
from tests.gallery.page import Gallery

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


@pytest.fixture
def gallery(built: Path, chromium: Browser) -> Iterator[Gallery]:
    """A fresh page of the gallery. Errors on its console, and any request beyond the disk, fail the test."""
    page = new_page(chromium, viewport={"width": 1100, "height": 900}, device_scale_factor=1)
    shown = Gallery(page, built)
    yield shown
    page.close()
    assert shown.errors == []
    assert shown.beyond == []
