"""The fixtures themselves, on a widget of eight lines: what later journeys rely on."""

import pytest
from playwright.sync_api import expect

COUNTER = '''
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = """
    export default { render({ model, el }) {
      const button = document.createElement("button"); button.className = "counter"
      const show = () => { button.textContent = `count is ${model.get("value")}` }
      button.addEventListener("click", () => { model.set("value", model.get("value") + 1); model.save_changes() })
      model.on("change:value", show); show(); el.append(button)
    } }"""
    value = traitlets.Int(3).tag(sync=True)

counter = Counter()
counter
'''


def test_a_widget_talks_to_the_kernel_and_back(notebook, lab):
    nb = notebook(["", COUNTER, "counter.value = 40", "print('a' + chr(98))"])
    nb.run_all()
    button = nb.output(1).locator("button.counter")
    expect(button).to_have_text("count is 40")
    button.click()
    expect(button).to_have_text("count is 41")
    nb.expect_value("counter.value", 41)
    assert nb.text(3).strip() == "ab"

    nb.source(2, "counter.value = 7")
    nb.run(2)
    expect(button).to_have_text("count is 7")

    nb.theme("dark")
    assert nb.picture(button, "counter").stat().st_size > 100
    nb.theme("light")

    nb.restart()
    assert nb.value("'counter' in globals()") is False
    assert "quickstart.ipynb" in lab.printed()


def test_a_cell_may_still_run_and_can_be_interrupted(notebook):
    nb = notebook(["import time\nprint('begun')\nwhile True: time.sleep(0.1)", "done = True"])
    nb.run(0, wait=False)
    expect(nb.cell(0).locator(".jp-InputPrompt").first).to_contain_text("[*]")
    expect(nb.output(0)).to_contain_text("begun")  # what waits for the kernel is not interrupted
    nb.interrupt()
    nb.wait_idle()
    assert "KeyboardInterrupt" in nb.text(0)
    nb.run(1)
    assert nb.value("done") is True


def test_a_cell_that_raises_and_an_error_in_the_page_are_both_noticed(notebook):
    nb = notebook(["1 / 0"])
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        nb.run_all()
    with nb.page.expect_event("pageerror"):
        nb.page.evaluate(
            "() => { console.error('something broke'); setTimeout(() => { throw new Error('and this') }) }"
        )
    with pytest.raises(AssertionError, match=r"something broke[\s\S]*and this"):
        nb.check_errors()
    nb.expect_error("something broke")
    nb.expect_error("and this")
