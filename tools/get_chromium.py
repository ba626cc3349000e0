#!/usr/bin/env python3
"""Print the path of a Chromium for the browser tests, and get one if there is none.

Looked for in this order: the variable COTLENS_CHROMIUM, a Chromium or Chrome of this machine, Playwright's download,
and Debian's package where packages may be installed. Exit status 1 with one sentence if all four fail.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "COTLENS_CHROMIUM"
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


class NoChromium(Exception):
    """No way to a browser worked; the message says what to do."""


def find() -> str | None:
    """Path of a Chromium that is already here and starts, or None.

    Raises NoChromium if COTLENS_CHROMIUM names something that does not start.
    """
    if named := os.environ.get(VARIABLE):
        if starts(named):
            return named
        raise NoChromium(f"{VARIABLE}={named} does not start: set it to the path of a Chromium or Chrome, or unset it.")
    return next((path for path in candidates() if starts(path)), None)


def candidates() -> Iterator[str]:
    """Browsers of this machine, then the one that Playwright may have downloaded before."""
    yield from (path for path in map(shutil.which, COMMANDS) if path)
    yield from (path for path in APPLICATIONS if Path(path).exists())
    if path := playwright_path():
        yield path


def starts(path: str) -> bool:
    """Whether the program answers with its version: a download without its system libraries does not."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwright_path() -> str | None:
    """Where Playwright keeps its Chromium, if it is there."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def get() -> str:
    """Path of a Chromium, installed now if need be. Raises NoChromium."""
    if path := find():
        return path
    run([sys.executable, "-m", "playwright", "install", "chromium"])
    if path := find():
        return path
    if shutil.which("apt-get") and os.geteuid() == 0:
        run(["apt-get", "update", "-qq"])
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
        if path := find():
            return path
    raise NoChromium(
        "The browser tests need Chromium or Chrome, and neither Playwright's download nor a system package could be "
        f"installed here: install one (on Debian: apt-get install chromium) or set {VARIABLE} to its path."
    )


def run(command: list[str]) -> None:
    """Run an installer, its words on stderr; whether it worked is seen by looking for the browser again."""
    print("+", *command, file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(command, stdout=sys.stderr, timeout=900, env=environment, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)


if __name__ == "__main__":
    try:
        print(get())
    except NoChromium as error:
        sys.exit(str(error))
