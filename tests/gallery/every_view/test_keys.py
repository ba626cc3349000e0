"""Keys that are pressed in a widget are the widget's, wherever the focus is in it, and whichever way a host listens."""

import pytest
from playwright.sync_api import expect

from tests.gallery.page import Gallery

WIDGETS = ["shaded", "steertwo", "features", "map", "pairs", "rollouts", "monitors"]

# A host that listens on the way down as JupyterLab did before 4.6 (it passes over what is marked), and one that
# listens on the way up. Every key at every element that can have the focus, as (key, element) where a host hears it.
HEARD = """([keys, modifiers]) => {
  const heard = []
  const at = (event) => `${event.key} at ${event.target.outerHTML.slice(0, 100)}`
  document.addEventListener('keydown', (event) => {
    if (!event.target.closest('[data-lm-suppress-shortcuts]')) heard.push(`down: ${at(event)}`) }, true)
  document.addEventListener('keydown', (event) => { heard.push(`up: ${at(event)}`) })
  const root = document.querySelector('.cotlens-root')
  const kinds = 'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=true]'
  let elements = 0
  for (const element of [root, ...root.querySelectorAll(kinds)]) {
    element.focus()
    if (document.activeElement !== element) continue
    elements += 1
    for (const key of keys) {
      if (root.contains(element)) {
        element.dispatchEvent(new KeyboardEvent('keydown', { key, ...modifiers, bubbles: true, cancelable: true })) }
    }
  }
  return [elements, heard] }"""

PLAIN = [*map(chr, range(32, 127)), "Enter", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Delete"]
PLAIN += ["Backspace", "Home", "End", "PageUp", "PageDown", "Insert"]


@pytest.mark.parametrize("state", WIDGETS)
def test_no_plain_key_is_heard_outside(gallery: Gallery, state: str) -> None:
    gallery.show(state, width=1400)
    elements, heard = gallery.page.evaluate(HEARD, [PLAIN, {}])
    assert elements >= 5
    assert heard == []


@pytest.mark.parametrize("modifiers", [{"ctrlKey": True}, {"metaKey": True}, {"ctrlKey": True, "shiftKey": True}])
def test_of_combinations_only_those_that_touch_no_cell_are_heard(gallery: Gallery, modifiers: dict[str, bool]) -> None:
    gallery.show("shaded")
    _, heard = gallery.page.evaluate(HEARD, [[*"acdekmnrvxyzsfgp/-", "Enter", "Backspace", "ArrowUp"], modifiers])
    keys = {each.split(" at ")[0] for each in heard}
    wanted = set("sfgpc") if "shiftKey" in modifiers else set("sgp")  # find is the widget's, see test_find.py
    assert keys == {f"{way}: {key}" for way in ("down", "up") for key in wanted}


def test_run_and_alt_combinations_are_not_heard(gallery: Gallery) -> None:
    gallery.show("shaded")
    for modifiers in ({"shiftKey": True}, {"altKey": True}, {"ctrlKey": True, "altKey": True}):
        assert gallery.page.evaluate(HEARD, [["Enter", "ArrowUp", "a", "s"], modifiers])[1] == []


def test_the_text_editor_keeps_its_keys(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(87).dblclick()
    expect(gallery.find(".cm-content")).to_be_focused()
    gallery.page.evaluate("window.heard = []; document.addEventListener('keydown', (e) => heard.push(e.key))")
    gallery.page.keyboard.type("dd xmb 00 ")
    gallery.page.keyboard.press("Control+z")
    gallery.page.keyboard.press("Control+d")
    assert gallery.page.evaluate("heard.filter((key) => key !== 'Control')") == []
    gallery.page.keyboard.press("Control+s")
    assert "s" in gallery.page.evaluate("heard")


def test_the_box_of_a_latent_takes_digits(gallery: Gallery) -> None:
    """They are shortcuts elsewhere in the panel."""
    gallery.show("steertwo")
    gallery.action("add").click()
    box = gallery.action("latent")
    box.click()
    gallery.page.keyboard.type("1070k")
    expect(box).to_have_value("1070k")
    assert gallery.sent("steer") == gallery.sent("control") == []


def test_a_click_beside_the_controls_leaves_the_keys_in_the_widget(gallery: Gallery) -> None:
    gallery.show("branches")
    gallery.find(".cotlens-foot").click(position={"x": 300, "y": 4})
    expect(gallery.root).to_be_focused()
    gallery.page.keyboard.press("[")
    assert len(gallery.awaited("goto")) == 1
