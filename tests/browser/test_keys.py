"""Keys pressed in a widget: the notebook around it does nothing, and what a field or a slider does with them stays."""

import pytest
from playwright.sync_api import expect

# Nobody answers what the widgets ask for, so that thousands of keys leave them as they are.
CELLS = [
    """
import numpy as np, cotlens as cl
model = cl.load("abacus")
sae = cl.features.load_sae("abacus")
trace = cl.Trace.from_text(
    "Mia has 12 pears and buys 7 more. How many pears does she have?", "Mia has 12 pears. 12 + 7 = 19.",
    "The answer is 19.", model=model,
)
vector = cl.steering.given(np.random.default_rng(3).standard_normal(128), 1, name="push", model=model, traces=[trace])
editor = cl.CoTEditor(model, trace)
panel = cl.SteeringPanel(model, trace, vector, sae=sae)
table = cl.FeatureTable(model, trace, sae)
scores = cl.ImportanceMap(cl.importance.Occlusion(unit="sentence").run(trace, model), trace=trace)
sources = cl.importance.Suppression().run(trace, model)
pairs = cl.PairMatrix(cl.importance.Suppression.pairs(sources))
for each in (editor, panel, table):
    each.wait(300)
    each.view.on_msg(each._on_message, remove=True)
""",
    "editor",
    "panel",
    "table",
    "scores",
    "pairs",
]
PRINTABLE = [chr(code) for code in range(33, 127)]
OTHERS = ["Space", "Enter", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Delete", "Backspace"]
OTHERS += ["Home", "End", "PageUp", "PageDown", "Shift+Enter", "Control+Enter", "Alt+Enter", "Shift+ArrowDown"]
OTHERS += ["Control+Shift+ArrowUp", "Control+a", "Control+z", "Control+m", "d", "d", "0", "0", "i", "i"]

# The keys that JupyterLab may take: none of them touches a cell, a kernel or a text.
HOSTS = {"Ctrl S", "Ctrl Shift S", "Ctrl Shift F", "Ctrl G", "Ctrl Shift G", "Ctrl P", "Ctrl B", "Ctrl J"}
HOSTS |= {"Ctrl ,", "Ctrl Shift C", "F9", "F11"}
ALWAYS = {"Ctrl S", "Ctrl Shift C", "Ctrl ,"}  # wherever the focus is: that these are taken shows that keys are heard
# JupyterLab's find is for a widget without a text; in one whose text is searched at that moment it is the widget's.
FIND, FIND_IN_TEXT = "Ctrl F", "Ctrl F in a searched text"

# What can have the focus; `once` takes the first of each kind in all widgets, as the keyboard tells them apart, and the
# root of each.
ELEMENTS = """(root, once) => {
  const focusable = 'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=true]'
  const all = [...root.querySelectorAll(focusable), root]
  const kinds = (window.pressed ??= new Set())
  window.elements = all.filter((element) => {
    const name = element === root ? root.className : element.dataset.region
    const kind = [element.localName, element.type, element.role, name].join()
    element.focus({ preventScroll: true })
    if (document.activeElement !== element || (once && kinds.has(kind))) return false
    kinds.add(kind)
    return true })
  return elements.length }"""
FOCUS = (
    "(index) => { elements[index].focus({ preventScroll: true }); return document.activeElement === elements[index] }"
)
WHAT = "(index) => elements[index].outerHTML.slice(0, 200)"

# Every key that JupyterLab knows, as an event at every element. It took those whose default it prevented after they had
# left the widget. Keys open and close things, so that whether a text can be searched is asked before each of them.
TAKEN = """([find, findInText]) => {
  const CODES = { Enter: 13, Escape: 27, Backspace: 8, Tab: 9, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39,
    ArrowDown: 40, Home: 36, End: 35, Delete: 46, ',': 188, '.': 190, '[': 219, ']': 221, '-': 173, '/': 191, "'": 222 }
  const MODIFIERS = { Ctrl: 'ctrlKey', Shift: 'shiftKey', Alt: 'altKey', Cmd: 'metaKey' }
  const pressed = new Set(window.jupyterapp.commands.keyBindings.map((each) => each.keys[0]))
  const outside = elements.at(-1).parentElement
  const taken = {}
  for (const element of elements) {
    for (const keys of pressed) {
      const parts = keys.split(' ')
      const key = parts.pop()
      const options = { bubbles: true, cancelable: true, key: key.length === 1 ? key.toLowerCase() : key }
      for (const part of parts) options[MODIFIERS[part]] = true
      const event = new KeyboardEvent('keydown', options)
      const functional = key.startsWith('F') && key.length > 1
      const code = CODES[key] ?? (functional ? 111 + Number(key.slice(1)) : key.toUpperCase().charCodeAt(0))
      Object.defineProperty(event, 'keyCode', { value: code })
      let open = false
      outside.onkeydown = () => { open = !event.defaultPrevented }
      element.focus({ preventScroll: true })
      if (document.activeElement !== element) continue  // a key before has taken it away
      const searched = 'finds' in elements.at(-1).dataset && !element.closest('[contenteditable=true]')
      const name = keys === find && searched ? findInText : keys
      element.dispatchEvent(event)
      if (open && event.defaultPrevented) (taken[name] ??= []).push(element.outerHTML.slice(0, 120))
    }
  }
  return taken }"""
# What JupyterLab did since; it is still done.
WATCH = """() => {
  window.ran = []
  window.jupyterapp.commands.commandExecuted.connect((_, { id }) => window.ran.push(id)) }"""
NOTEBOOK = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets
  return [...cells.map(({ model }) => [model.id, model.type, model.sharedModel.getSource()]),
    document.querySelectorAll('.jp-Dialog').length] }"""


@pytest.fixture
def opened(notebook):
    """A notebook with one widget of every kind, and their roots."""
    nb = notebook(CELLS, alone=True)
    nb.run_all()
    roots = [nb.output(cell).locator(".cotlens-root") for cell in range(1, len(CELLS))]
    for root in roots:
        expect(root).to_be_visible()
    return nb, roots


def test_the_notebook_acts_on_no_key_that_is_pressed_in_a_widget(opened):
    nb, roots = opened
    before = nb.page.evaluate(NOTEBOOK)
    fields_and_sliders_take_their_keys(nb.page, *roots[:3])
    nb.page.evaluate(WATCH)
    for root in roots:
        root.click(position={"x": 2, "y": 2})  # makes its cell the active one
        count = root.evaluate(ELEMENTS, True)
        for index in range(count):
            # what is printed, in one place: every key that JupyterLab knows is tried at every element below
            for key in [*(PRINTABLE if index == count - 1 else ()), *OTHERS]:
                if nb.page.evaluate(FOCUS, index):
                    nb.page.keyboard.press(key)
            assert nb.page.evaluate("ran") == [], nb.page.evaluate(WHAT, index)
    assert nb.page.evaluate(NOTEBOOK) == before
    assert nb.value("1 + 1") == 2

    # every key that JupyterLab knows, at every element; what it takes is not done
    nb.page.evaluate("() => { window.jupyterapp.commands.execute = () => Promise.resolve() }")
    counts = []
    for root in roots:
        root.click(position={"x": 2, "y": 2})
        counts.append(root.evaluate(ELEMENTS, False))
        taken = nb.page.evaluate(TAKEN, [FIND, FIND_IN_TEXT])
        assert set(taken) <= HOSTS | {FIND}, {keys: where for keys, where in taken.items() if keys not in HOSTS}
        assert set(taken) >= ALWAYS, taken.keys()
    assert min(counts) > 5 and sum(counts) > 80, counts


def fields_and_sliders_take_their_keys(page, editor, panel, table):
    """Sliders move with the arrows, text arrives whole, Tab goes on, find opens the widget's field."""
    editor.locator("[data-region=text]").focus()
    page.keyboard.press("Control+f")
    page.keyboard.type("pears")
    expect(editor.locator(".cotlens-find-count")).to_have_text("1 of 3")
    expect(page.locator(".jp-DocumentSearch-overlay")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(editor.locator("[data-region=text]")).to_be_focused()
    for slider in (editor.get_by_label("intensity of the shading"), panel.locator("[data-dial='0']")):
        slider.focus()
        was = slider.input_value()
        page.keyboard.press("ArrowRight")
        assert float(slider.input_value()) > float(was)
    panel.locator("[data-action=add]").click()
    box = panel.locator("[data-action=latent]")
    box.click()
    page.keyboard.type("1070kxrh")
    expect(box).to_have_value("1070kxrh")
    page.keyboard.press("Escape")
    table.get_by_role("searchbox").click()
    page.keyboard.type("dd xz/pnh")
    expect(table.get_by_role("searchbox")).to_have_value("dd xz/pnh")
    page.keyboard.press("Tab")
    expect(table.get_by_role("searchbox")).not_to_be_focused()
    editor.locator(".cotlens-thought [data-token]").first.dblclick()
    expect(editor.locator(".cm-content")).to_be_focused()
    page.keyboard.type("add xbm 00 ")
    expect(editor.locator(".cm-content")).to_contain_text("add xbm 00 ")
    page.keyboard.press("Escape")
    expect(editor.locator("[data-region=text]")).to_be_focused()
