"""Drives the gallery page: shows a state, sets traits as Python would, and reads what the view sent."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

# What follows a scroll, a new size or a new theme is drawn, and what is in view is known, after a second frame.
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
HOUR = 3600  # seconds, longer than any page takes to open


class Gallery:
    """One page. `errors` holds console errors, `beyond` requests for anything that is not a file of the page."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.errors: list[str] = []
        self.beyond: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda sent: self.beyond.append(sent.url) if not sent.url.startswith(("file:", "data:")) else None,
        )

    def show(self, state: str, *, theme: str = "light", width: int | None = None) -> Locator:
        """Show one state alone on the page; the editor's root."""
        sized = f"&width={width}" if width else ""
        opened = self.page.url.startswith("file:")
        self.page.goto(f"{(self.folder / 'index.html').as_uri()}#state={state}&theme={theme}&bare{sized}")
        if opened:
            self.page.reload()  # a new hash alone keeps the old document
        self.settle()
        return self.root

    def turn(self, state: str) -> None:
        """Show another state in the page that is open."""
        self.page.evaluate("(state) => window.__cotlens.show(state)", state)
        self.settle()

    def show_stopped(self, state: str) -> Locator:
        """Show one state and stop the page's clock: its timers run only in `pass_time`."""
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
