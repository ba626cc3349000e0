"""Work in a widget whose kernel is killed, or was never there: what was typed is kept, and nothing seems to run."""

import json

from playwright.sync_api import expect

from tests.browser.journey import PROMPT, Editor, cell, editor, from_text

THOUGHT = "At first there are 16 shells. 16 + 28 = 44. Then 44 - 15 = 29. So 29 - 12 = 17."
HELD = """
import threading
hold = threading.Event()
model.owner.submit(lambda: hold.wait(300), None, 9)
"""
KILLED = """code => {
  window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }) }"""
# As a notebook is that was run here before.
TRUST = "() => { window.jupyterapp.shell.currentWidget.content.widgets[0].model.trusted = true }"
KILL = "__import__('os').kill(__import__('os').getpid(), 9)"
# The state of all widgets, as a notebook saves it.
SAVED = "__import__('ipywidgets').Widget.get_manager_state()"


def opened_for_typing(view: Editor) -> None:
    view.find(".cotlens-thought [data-token]").first.dblclick()
    expect(view.find(".cm-content")).to_be_focused()
    view.page.keyboard.type("Well, ")


def kept(view: Editor) -> None:
    """A commit that reaches nobody leaves the editor open with the text, and says why."""
    view.find(".cm-content").focus()
    view.page.keyboard.press("ControlOrMeta+Enter")
    expect(view.find(".cotlens-notice")).to_contain_text("The kernel that ran this widget is gone")
    expect(view.find(".cm-content")).to_contain_text("Well, ")
    expect(view.status).to_contain_text("kernel gone")


def test_a_kernel_that_is_killed_at_work(notebook):
    nb = notebook([cell(from_text(PROMPT, THOUGHT, "The answer is 17.")), HELD], alone=True)
    nb.run(0)
    view = editor(nb, 0)
    nb.run(1)
    view.token(view.sentence(1)).click()
    view.action("rerun").click()
    expect(view.action("cancel")).to_be_visible()
    opened_for_typing(view)
    nb.page.evaluate(KILLED, KILL)
    nb.page.locator(".jp-Dialog button").first.click(timeout=120_000)  # JupyterLab says that it died
    expect(view.status).to_contain_text("kernel gone", timeout=120_000)
    expect(view.action("cancel")).to_be_hidden()
    expect(view.find("progress")).to_be_hidden()
    kept(view)
    nb.errors.clear()  # a kernel that dies is an error to JupyterLab, too


def test_a_saved_widget_in_a_notebook_that_is_opened_again(notebook, lab):
    nb = notebook([cell(from_text(PROMPT, THOUGHT, "The answer is 17."))], alone=True)
    nb.run(0)
    editor(nb, 0)
    state, shown = nb.value(SAVED), nb.value("editor.view.model_id")
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": shown, "version_major": 2, "version_minor": 0}}
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    saved = json.loads((lab.folder / nb.name).read_text())
    saved["cells"][0]["outputs"] = [output]
    saved["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": state}

    again = notebook(saved, alone=True)
    again.page.evaluate(TRUST)
    view = Editor(again, again.output(0).locator(".cotlens-root"))
    expect(view.status).to_contain_text("kernel gone")
    expect(view.action("rerun")).to_have_attribute("aria-disabled", "true")
    expect(view.find(".cotlens-content")).to_contain_text("16 + 28 = 44")
    assert again.value("'editor' in globals()") is False
