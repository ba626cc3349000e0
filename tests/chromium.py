"""The Chromium of the browser tests, the gallery tests and the benchmarks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tools import get_chromium

expect.set_options(timeout=30_000)  # milliseconds; no test is made faster by less, and a busy machine may need it

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


def new_page(browser: Browser, **options: Any) -> Page:
    """A new page. With COTLENS_THROTTLE=10 in the environment its processor is ten times slower."""
    page = browser.new_page(**options)
    rate = float(os.environ.get("COTLENS_THROTTLE", "1"))
    if rate != 1:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
    return page
