"""Tests share one page: what the view before did is not seen in it, and what can't be undone leads to a new page."""

from tests.gallery.page import Gallery

# What one view could leave to the next.
LEFT = """() => {
  const { model } = window.__cotlens, root = document.querySelector('.cotlens-root')
  return { views: document.querySelectorAll('.cotlens-root').length, sent: model.sent, answering: model.answering,
    size: root.getBoundingClientRect().width, theme: root.dataset.cotlensTheme, text: root.innerText,
    focus: document.activeElement.tagName, picked: getSelection().toString(), at: [scrollX, scrollY],
    within: [...root.querySelectorAll('*')].filter((each) => each.scrollTop > 0).length,
    hidden: [...root.querySelectorAll('*')].filter((each) => !each.checkVisibility()).length,
    stored: localStorage.length + sessionStorage.length, listeners: model.listeners() }
}"""
OPENED = "performance.timeOrigin"


def test_a_state_is_shown_as_in_a_fresh_page(gallery: Gallery) -> None:
    gallery.page.goto("about:blank")
    gallery.show("shaded")
    fresh, opened = gallery.page.evaluate(LEFT), gallery.page.evaluate(OPENED)

    gallery.show("long1k", theme="dark", width=480)
    gallery.page.set_viewport_size({"width": 510, "height": 300})
    gallery.find("[data-region=text]").evaluate("(each) => { each.scrollTop = 400 }")
    gallery.settle()
    gallery.find("[data-token]").nth(40).dblclick()
    gallery.page.keyboard.type("a draft ")
    gallery.model("(model.answering = false, model.sent.length)")
    gallery.page.evaluate("window.__cotlens.twin(); scrollTo(0, 200)")
    before = gallery.page.evaluate_handle("window.__cotlens.model")

    gallery.page.set_viewport_size({"width": 1100, "height": 900})
    gallery.show("shaded")
    assert gallery.page.evaluate(OPENED) == opened, "the page was not loaded anew"
    assert gallery.page.evaluate(LEFT) == fresh
    assert before.evaluate("(model) => model.listeners()") == 0
    gallery.page.keyboard.press("Tab")
    first = gallery.page.evaluate("document.activeElement.innerText")
    gallery.page.goto("about:blank")
    gallery.show("shaded")
    gallery.page.keyboard.press("Tab")
    assert gallery.page.evaluate("document.activeElement.innerText") == first, "Tab begins at the page's beginning"


# Changes outside of a view, and how to undo each.
CHANGES = {
    "window.heard = []": "delete window.heard",
    "Object.defineProperty(navigator, 'clipboard', { configurable: true })": "delete navigator.clipboard",
    "document.documentElement.dir = 'rtl'": "document.documentElement.removeAttribute('dir')",
    "document.body.dataset.vscodeThemeKind = 'vscode-light'": "delete document.body.dataset.vscodeThemeKind",
    "document.body.style.background = '#111111'": "document.body.removeAttribute('style')",
    "document.body.append(document.createElement('input'))": "document.body.lastChild.remove()",
    "document.title = 'taken'": "document.title = 'CoTLens gallery'",
}


def test_what_was_changed_outside_the_view_leads_to_a_new_page(gallery: Gallery) -> None:
    gallery.show("shaded")
    opened, again = gallery.page.evaluate(OPENED), "window.__cotlens.reopen('#state=map')"
    for change, undo in CHANGES.items():
        gallery.page.evaluate(change)
        assert not gallery.page.evaluate(again), change
        gallery.page.evaluate(undo)
        assert gallery.page.evaluate(again), undo
    gallery.page.evaluate("window.heard = []")
    gallery.show("shaded")
    assert gallery.page.evaluate(OPENED) > opened


def test_a_stopped_clock_is_in_no_page_that_was_open(gallery: Gallery) -> None:
    gallery.show("running")
    gallery.show_stopped("running")
    begun = gallery.page.evaluate("Date.now()")
    gallery.pass_time(1000)
    assert gallery.page.evaluate("Date.now()") == begun + 1000
