"""The Chromium of the browser tests, the gallery tests and the benchmarks."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tools import get_chromium

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
]


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium. Where there is none, this fails: `make test` gets one."""
    path = get_chromium.find()
    assert path, "no Chromium or Chrome here: run `python tools/get_chromium.py`, which installs one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
