"""A notebook in a real JupyterLab in a real Chromium, as tests drive it.

    def test_counter(notebook):
        nb = notebook(["import ipywidgets", "ipywidgets.IntSlider(3)"])   # cells, or "quickstart.ipynb"
        nb.run_all()                                    # or nb.run(0), nb.run(1)
        slider = nb.output(1).locator(".widget-slider") # from here on Playwright's own Locator
        expect(slider).to_be_visible()
        assert nb.value("1 + 1") == 2                   # asked of the kernel
        nb.expect_value("slider.value", 4)              # once it has heard of it
        nb.theme("dark"); nb.picture(slider, "slider-dark")
        nb.restart()

Cells are run and the kernel is asked through JupyterLab's own commands (`window.jupyterapp`), which is what its menus
do; everything inside an output is clicked and typed by the test with Playwright's mouse and keyboard.
An error in the browser's console, or a page error, fails the test when it ends; `nb.expect_error(text)` allows one.
"""

import ast
import json
import os
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Error, Locator, Page

ROOT = Path(__file__).resolve().parents[2]

# jupyter_server 2.21 fails to list its kernels in the moment one is starting; JupyterLab asks again.
LISTING = "/api/kernels?"

# The open notebook panel, once its kernel has answered.
PANEL = """
const panel = () => window.jupyterapp?.shell?.currentWidget
const kernel = () => panel()?.sessionContext?.session?.kernel
"""
READY = PANEL + "return !!panel()?.content?.widgets && !!kernel()?.info && kernel().status === 'idle'"
STATUS = PANEL + "return kernel()?.status ?? 'none'"
COMMAND = "([name, options]) => window.jupyterapp.commands.execute(name, options ?? {}).then(() => null)"
# Commands that run cells end with the last of them; a cell run otherwise shows [*].
START = """name => {
  window.runs = (window.runs ?? 0) + 1
  window.jupyterapp.commands.execute(name).finally(() => { window.runs-- })
}"""
RAN = (
    PANEL
    + """
return kernel()?.status === 'idle' && !window.runs
  && panel().content.widgets.every(c => c.promptNode?.innerText !== '[*]:')"""
)
ERROR = """
i => { const error = panel().content.widgets[i].model.outputs?.toJSON().find(o => o.output_type === 'error')
  return error && [error.ename + ': ' + error.evalue, ...error.traceback].join('\\n') }"""
# A document of its own in the open notebook; what the one before shows is closed while its widgets can still be told.
SHOW = "document => { panel().content.model.fromJSON(document); panel().content.activeCellIndex = 0 }"
# The kernel as it began, but for what is imported: widgets are closed, and so is their work.
FORGET = """
import ipywidgets
ipywidgets.Widget.close_all()
get_ipython().reset(new_session=True)
"""
RUN_QUIETLY = (
    "async code => {"
    + PANEL
    + """
  const reply = await kernel().requestExecute({ code, store_history: false }).done
  return reply.content }"""
)
EXECUTE = (
    "async code => {"
    + PANEL
    + """
  const future = kernel().requestExecute({
    code: '', silent: true, store_history: false, user_expressions: {value: code}})
  const reply = await future.done
  return reply.content
}"""
)


class Notebook:
    """One open notebook.

    Attributes:
        page: Playwright's page.
        path: the file's name in the folder of JupyterLab.
        name: what the notebook in it is called; the file's name until another is shown.
        errors: console errors and page errors so far; checked to be empty when the test ends.
    """

    def __init__(self, page: Page, url: str, name: str, token: str, workspace: str) -> None:
        self.page = page
        self.path = self.name = name
        self.errors: list[str] = []
        self._allowed: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        page.on("console", self._note)
        page.goto(f"{url}/lab/workspaces/{workspace}/tree/{name}?token={token}")
        self._until(READY, 240)
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def renew(self, name: str, document: dict[str, Any]) -> None:
        """Another notebook in this page, with this kernel, which forgets all but what it has imported."""
        self._do(SHOW, of_cells([""]))
        reply = self.page.evaluate(RUN_QUIETLY, FORGET)
        assert reply["status"] == "ok", reply
        self.name, self.errors, self._allowed = name, [], []
        self._do(SHOW, document)

    # ------------------------------------------------------------ cells

    def cell(self, index: int) -> Locator:
        """The whole cell at `index` (from 0; text cells count too)."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """The output area of the cell at `index`; a widget is inside it."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def text(self, index: int) -> str:
        """The text of the cell's output, an error's traceback included."""
        return self.output(index).inner_text()

    def source(self, index: int, text: str) -> None:
        """Replace the code of the cell at `index`."""
        self._do("([i, text]) => panel().content.widgets[i].model.sharedModel.setSource(text)", [index, text])

    def run(self, index: int, *, wait: bool = True, timeout: float = 300) -> None:
        """Run the cell at `index`. With wait=False returns at once, the cell may still be running."""
        self._do("i => { panel().content.deselectAll(); panel().content.activeCellIndex = i }", index)
        self._start("notebook:run-cell")
        if wait:
            self.wait_idle(timeout)
            self.check_output(index)

    def run_all(self, timeout: float = 500) -> None:
        """Run every cell from top to bottom; a cell that raises fails the test with its traceback."""
        self._start("notebook:run-all-cells")
        self.wait_idle(timeout)
        for index in range(self.page.locator(".jp-Notebook .jp-Cell").count()):
            self.check_output(index)

    def check_output(self, index: int) -> None:
        """Fail if the cell at `index` raised."""
        error = self._do(ERROR, index)
        assert not error, f"cell {index} of {self.name} raised {error}"

    def wait_idle(self, timeout: float = 300) -> None:
        """Wait until no cell waits or runs and the kernel is idle."""
        self._until(RAN, timeout)

    # ------------------------------------------------------------ kernel

    def value(self, expression: str) -> Any:
        """The value of a Python expression in the kernel, as JSON. Waits for a running cell."""
        reply = self._asked(f"__import__('json').dumps({expression})")
        result = reply["user_expressions"]["value"]
        assert result["status"] == "ok", f"{expression}: {result['ename']}: {result['evalue']}"
        return json.loads(ast.literal_eval(result["data"]["text/plain"]))

    def expect_value(self, expression: str, value: Any, timeout: float = 60) -> None:
        """Wait until an expression in the kernel is `value`: messages may be handled beside what it is asked."""
        end = time.monotonic() + timeout
        while (now := self.value(expression)) != value:
            assert time.monotonic() < end, f"{expression} is {now!r}, not {value!r}"
            self.page.wait_for_timeout(50)

    def status(self) -> str:
        """The kernel's status as JupyterLab knows it: "idle", "busy", "restarting", "dead"..."""
        return self.page.evaluate(f"() => {{{STATUS}}}")

    def restart(self) -> None:
        """Restart the kernel, keeping the outputs on the page, and wait until it answers."""
        self._do("async () => { await kernel().restart() }")
        self._until(READY, 180)

    def revived(self) -> None:
        """Wait until JupyterLab says that the kernel died, and until the one that it starts then answers."""
        self.page.locator(".jp-Dialog button").first.click(timeout=120_000)
        self._until(READY, 180)
        self.errors.clear()  # a kernel that dies is an error to JupyterLab, too

    def interrupt(self) -> None:
        """Interrupt the running cell, as the stop button does."""
        self._do("async () => { await kernel().interrupt() }")

    # ------------------------------------------------------------ looks

    def theme(self, name: str) -> None:
        """Choose the "light" or the "dark" theme of JupyterLab."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name.title()}")
        light = "true" if name == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    def picture(self, element: Locator, name: str) -> Path:
        """Take a picture of `element` and return its path.

        `make pictures` writes it to docs/<name>.png for the README, other runs to build/pictures/<name>.png.
        """
        folder = ROOT / os.environ.get("COTLENS_PICTURES", "build/pictures")
        folder.mkdir(parents=True, exist_ok=True)
        element.scroll_into_view_if_needed()
        self.page.mouse.move(0, 0)
        element.screenshot(path=folder / f"{name}.png", animations="disabled", scale="device")
        return folder / f"{name}.png"

    # ------------------------------------------------------------ the page

    def command(self, name: str, **options: Any) -> None:
        """Execute a command of JupyterLab, e.g. "docmanager:save"."""
        self.page.evaluate(COMMAND, [name, options])

    def expect_error(self, text: str) -> None:
        """Allow console errors that contain `text`."""
        self._allowed.append(text)

    def check_errors(self) -> None:
        """Fail if the page reported an error that was not expected."""
        errors = [e for e in self.errors if not any(text in e for text in self._allowed)]
        assert not errors, "errors in the browser:\n" + "\n".join(errors)

    def _note(self, message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and not (LISTING in url and "status of 500" in message.text):
            self.errors.append(f"console: {message.text} ({url})")

    def _start(self, command: str) -> None:
        self.page.evaluate(START, command)

    def _do(self, function: str, argument: Any = None) -> Any:
        return self.page.evaluate(f"argument => {{{PANEL} return ({function})(argument)}}", argument)

    def _asked(self, expression: str) -> Any:
        """The kernel's reply. Asked once more where JupyterLab let go of the question, as on a starved machine."""
        try:
            return self.page.evaluate(EXECUTE, expression)
        except Error as error:
            if "garbage collected" not in str(error):
                raise
            return self.page.evaluate(EXECUTE, expression)

    def _until(self, body: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.page.evaluate(f"() => {{{body}}}"):
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name}: after {seconds:g} s the kernel is {self.status()}")
            self.page.wait_for_timeout(50)


def of_cells(cells: list[str]) -> dict[str, Any]:
    """A notebook of these code cells; JupyterLab asks for a kernel unless the file names one."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": cell,
            }
            for i, cell in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write(path: Path, cells: list[str]) -> None:
    """Write a notebook with these code cells."""
    path.write_text(json.dumps(of_cells(cells)))
