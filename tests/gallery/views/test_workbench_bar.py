"""The bar of a workbench: which panels are open is said and set by buttons, by keyboard too."""

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def test_what_was_refused_is_said_as_text(gallery: Gallery) -> None:
    gallery.show("benchrefused")
    expect(gallery.find("[role=status]")).to_contain_text("<img src=x")
    assert gallery.page.evaluate("window.hacked") is None


def test_panels_are_opened_closed_and_widened_by_keyboard(gallery: Gallery) -> None:
    gallery.show("bench")
    features, half = gallery.find("[data-panel=features]"), gallery.find("[data-half=features]")
    expect(features).to_have_attribute("aria-pressed", "true")
    expect(half).to_have_attribute("aria-pressed", "true")
    half.focus()
    gallery.page.keyboard.press("Enter")
    assert gallery.sent("widen") == [{"kind": "widen", "panel": "features"}]
    gallery.set("{ panels: { text: 'full', features: 'full' } }")
    expect(half).to_have_attribute("aria-pressed", "false")
    gallery.page.keyboard.press("Shift+Tab")
    expect(features).to_be_focused()
    gallery.page.keyboard.press("Space")
    assert gallery.sent("close") == [{"kind": "close", "panel": "features"}]
    gallery.set("{ panels: { text: 'full' } }")
    expect(half).to_be_hidden()
    expect(features).to_be_focused()
    gallery.page.keyboard.press("Enter")
    assert gallery.sent("open") == [{"kind": "open", "panel": "features"}]


def test_quick_clicks_ask_for_one_panel_each(gallery: Gallery) -> None:
    """What is open is what Python has made: a click on one panel says nothing of the others."""
    gallery.show("bench")
    for name in ("importance", "steering", "importance"):
        gallery.find(f"[data-panel={name}]").click()
    assert [each["panel"] for each in gallery.sent("open")] == ["importance", "steering", "importance"]
    expect(gallery.find("[data-panel=steering]")).to_have_attribute("aria-pressed", "false")
