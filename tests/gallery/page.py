"""Drives the gallery page: shows a state, sets traits as Python would, and reads what the view sent."""

import itertools
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, ViewportSize

from tests.chromium import new_page

SIZE: ViewportSize = {"width": 1100, "height": 900}
COUNT = itertools.count()

# What follows a scroll, a new size or a new theme is drawn, and what is in view is known, after a second frame.
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
HOUR = 3600  # seconds, longer than any page takes to open


class Pages:
    """A page that one test after the other is given as if it were new."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._page: Page | None = None

    def page(self) -> Page:
        """The page, with its size, pointer, looks and permissions as at first."""
        if self._page is None:
            self._page = new_page(self._browser, device_scale_factor=1)
        page = self._page
        page.set_viewport_size(SIZE)
        page.emulate_media(forced_colors="none", reduced_motion="no-preference")
        page.context.clear_permissions()
        page.mouse.move(0, 0)
        return page

    def close(self) -> None:
        """Let the page go; the next test gets a new one."""
        if self._page is not None:
            self._page.context.close()
        self._page = None


class Gallery:
    """What a test sees of a page.

    Attributes:
        errors: on its console.
        beyond: requests for anything that is not a file of the page.
        stopped: whether the page's clock was stopped.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.errors: list[str] = []
        self.beyond: list[str] = []
        self.stopped = False
        self._listeners = {"pageerror": self._raised, "console": self._said, "request": self._requested}
        for event, listener in self._listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]

    def leave(self) -> None:
        """Take the view away and listen no longer."""
        self.page.evaluate("window.__cotlens?.close()")
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def _raised(self, error: Error) -> None:
        self.errors.append(str(error))

    def _said(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.errors.append(said.text)

    def _requested(self, sent: Request) -> None:
        if not sent.url.startswith(("file:", "data:")):
            self.beyond.append(sent.url)

    def show(self, state: str, *, theme: str = "light", width: int | None = None) -> Locator:
        """Show one state alone, as in a fresh page; the editor's root.

        To load a page takes five times as long as to show a state, so an open one is used again where nothing outside
        of the view was changed. A test that listens on the document therefore keeps what it hears in `window`.
        """
        wanted = f"#state={state}&theme={theme}&bare" + (f"&width={width}" if width else "")
        if self.stopped or not self.page.evaluate("(wanted) => window.__cotlens?.reopen(wanted) ?? false", wanted):
            address = (self.folder / "index.html").as_uri()
            self.page.goto(f"{address}?{next(COUNT)}{wanted}")  # a new hash alone would keep the old document
        self.settle()
        return self.root

    def turn(self, state: str) -> None:
        """Show another state in the page that is open."""
        self.page.evaluate("(state) => window.__cotlens.show(state)", state)
        self.settle()

    def show_stopped(self, state: str) -> Locator:
        """Show one state and stop the page's clock: its timers run only in `pass_time`."""
        self.stopped = True
        self.page.clock.install(time=0)
        shown = self.show(state)
        self.page.clock.pause_at(HOUR)
        return shown

    def pass_time(self, ms: int) -> None:
        """Let a stopped clock go on for so long."""
        self.page.clock.run_for(ms)

    def settle(self) -> None:
        """Wait until the page is drawn."""
        self.page.evaluate(FRAMES)

    @property
    def root(self) -> Locator:
        return self.page.locator(".cotlens-root").first

    def find(self, selector: str) -> Locator:
        return self.root.locator(selector)

    def token(self, index: int) -> Locator:
        return self.find(f'[data-token="{index}"]')

    def action(self, name: str) -> Locator:
        return self.find(f'[data-action="{name}"]')

    def sent(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Messages sent to Python so far, without their ids when a kind is named."""
        messages = self.page.evaluate("window.__cotlens.model.sent")
        if kind is None:
            return messages
        return [{k: v for k, v in each.items() if k != "request_id"} for each in messages if each["kind"] == kind]

    def awaited(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """The messages of a kind, once there are so many: a view asks when a person has rested."""
        enough = "([kind, count]) => window.__cotlens.model.sent.filter((each) => each.kind === kind).length >= count"
        self.page.wait_for_function(enough, arg=[kind, count])
        return self.sent(kind)

    def asked(self, kind: str) -> int:
        """The id of the newest message of a kind. The newest of all may be another: timers ask, too."""
        return self.model(f"model.sent.filter((each) => each.kind === '{kind}').pop().request_id")

    def until(self, script: str) -> None:
        """Wait until a JavaScript expression is true; `model` is the model, `sent` the messages to Python."""
        self.page.wait_for_function(
            f"() => {{ const {{ model }} = window.__cotlens, {{ sent }} = model; void sent; return {script}; }}"
        )

    def set(self, script: str) -> None:
        """Set traits: `script` is a JavaScript object; `model` is the model, `floats`/`words` make bytes."""
        self.page.evaluate(
            f"""() => {{ const model = window.__cotlens.model;
            const floats = (values) => new DataView(Float32Array.from(values).buffer);
            const words = (values) => new DataView(Uint32Array.from(values).buffer);
            model.set({script}); void floats; void words; }}"""
        )

    def reply(self, message: dict[str, Any]) -> None:
        """Let Python say something."""
        self.page.evaluate("(message) => window.__cotlens.model.emit('msg:custom', message)", message)

    def model(self, script: str) -> Any:
        return self.page.evaluate(f"() => {{ const model = window.__cotlens.model; return {script}; }}")

    def box(self, selector: str) -> dict[str, float]:
        box = self.find(selector).first.bounding_box()
        assert box is not None, f"{selector} is not shown"
        return dict(box)
