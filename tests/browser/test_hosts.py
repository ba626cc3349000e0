"""A short journey in the other notebooks: the editor is drawn, its keys are its own, and what is asked comes back.

Voila isn't among them: it runs a notebook on the server and shows what JupyterLab's own widget manager draws, with no
cells that keys could reach.
"""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import hosts
from tests.browser.notebook import write
from tests.chromium import new_page

CELL = """
import cotlens as cl
model = cl.load("abacus")
trace = cl.Trace.from_text(
    "Mia has 12 pears and buys 7 more. How many pears does she have?", "Mia has 12 pears. 12 + 7 = 19.",
    "The answer is 19.", model=model,
)
editor = cl.CoTEditor(model, trace)
editor
"""
CELLS = "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.sharedModel.getSource())"


@pytest.fixture
def errors() -> list[str]:
    """What the page reports; nothing, at the end."""
    return []


@pytest.fixture
def page(chromium: Browser, errors: list[str]) -> Any:
    """A page whose errors fail the test."""
    shown = new_page(chromium, viewport={"width": 1300, "height": 1000})
    shown.on("pageerror", lambda error: errors.append(str(error)))
    yield shown
    shown.close()
    assert errors == []


def journey(page: Page) -> None:
    """Point, press keys that cut, delete, insert and restart elsewhere, slide, edit, and see the new branch."""
    root = page.locator(".cotlens-editor")
    expect(root.locator(".cotlens-t[class*='cotlens-up']").first).to_be_visible(timeout=240_000)
    root.locator(".cotlens-thought [data-token]").nth(8).click()
    expect(root.locator(".cotlens-chosen")).to_be_visible(timeout=60_000)
    for key in [*"xdd00iimyabzv", "ArrowRight", "Escape", "Delete", "Backspace", "Shift+Enter", "Control+Enter"]:
        page.keyboard.press(key)
    slider = root.get_by_label("intensity of the shading")
    slider.focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("0.55")
    root.locator(".cotlens-thought [data-token]").first.dblclick()
    expect(root.locator(".cm-content")).to_be_focused()
    page.keyboard.type("Well, xdd 00. ")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(root.locator(".cotlens-chip")).to_have_count(2, timeout=120_000)
    expect(root.locator(".cm-editor")).to_have_count(0)
    expect(root.locator(".cotlens-thought").first).to_contain_text("Well, xdd 00.")


def test_notebook_7(page, errors, tmp_path):
    write(tmp_path / "short.ipynb", [CELL, "'untouched'"])
    with hosts.notebook7(tmp_path, "short.ipynb") as url:
        page.goto(url)
        page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel", timeout=120_000
        )
        errors.clear()  # Notebook 7.6 reports one of its own while it opens, also where no widgets are installed
        cells = page.evaluate(CELLS)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        journey(page)
        assert page.evaluate(CELLS) == cells
        expect(page.locator(".jp-Dialog")).to_have_count(0)


def test_marimo(page, tmp_path):
    body = "".join(f"    {line}\n" if line else "\n" for line in CELL.strip().splitlines())
    source = f"import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n{body}    return\n"
    (tmp_path / "short.py").write_text(source)
    with hosts.marimo(tmp_path, "short.py") as url:
        page.goto(url)
        page.locator(".cm-content").first.click()
        page.keyboard.press("Control+Enter")  # runs the cell
        journey(page)
        expect(page.locator("[data-cell-id]")).to_have_count(1)
