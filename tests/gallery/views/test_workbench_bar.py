"""The bar of a workbench: which panels are open is said and set by buttons, by keyboard too."""

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def test_what_was_refused_is_said_as_text(gallery: Gallery) -> None:
    gallery.show("benchrefused")
    expect(gallery.find("[role=status]")).to_contain_text("<img src=x")
    assert gallery.page.evaluate("window.hacked") is None


def test_panels_are_opened_closed_and_widened_by_keyboard(gallery: Gallery) -> None:
    gallery.show("bench")
    panels = "window.__cotlens.model.get('panels')"
    features, half = gallery.find("[data-panel=features]"), gallery.find("[data-half=features]")
    expect(features).to_have_attribute("aria-pressed", "true")
    expect(half).to_have_attribute("aria-pressed", "true")
    half.focus()
    gallery.page.keyboard.press("Enter")
    assert gallery.page.evaluate(panels) == {"text": "full", "features": "full"}
    expect(half).to_have_attribute("aria-pressed", "false")
    gallery.page.keyboard.press("Shift+Tab")
    expect(features).to_be_focused()
    gallery.page.keyboard.press("Space")
    assert gallery.page.evaluate(panels) == {"text": "full"}
    expect(half).to_be_hidden()
    expect(features).to_be_focused()
    gallery.page.keyboard.press("Enter")
    assert gallery.page.evaluate(panels) == {"text": "full", "features": ""}, "Python knows how wide it was"
