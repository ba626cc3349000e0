"""What a lens or a probe reads inside, as lines under the sentences."""

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def test_each_sentence_has_its_line_and_keys_and_screen_readers_reach_it(gallery: Gallery) -> None:
    gallery.show("shaded", width=900)
    expect(gallery.find(".cotlens-inside")).to_have_count(0)
    gallery.turn("inside")
    lines = gallery.find(".cotlens-inside")
    expect(lines.first).to_have_attribute("role", "gridcell")
    assert lines.first.locator(".cotlens-unseen").inner_text().startswith("read inside after sentence 0: after layer 0")
    chips = lines.first.locator(".cotlens-reading-chip").all_inner_texts()
    assert " ".join(chips).split() == [
        "L0",
        ".",
        "1.00",
        "L1–9",
        "⏎",
        ".41",
        "L10–17",
        "the",
        ".22",
        "L18–24",
        "So",
        ".87",
    ]
    # Strong is what rises above the floor.
    assert lines.first.locator("[data-clear]").count() == 2
    assert "[RLO]" in lines.nth(2).inner_text() and "…" in lines.nth(2).inner_text()
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("ArrowDown")
    gallery.page.keyboard.press("ArrowDown")
    spoken = """(root) => { const id = root.querySelector("[role=grid]").getAttribute("aria-activedescendant");
      return document.getElementById(id).getAttribute("aria-label"); }"""
    assert "read inside at the end of its sentence: after layer 0" in gallery.root.evaluate(spoken)
    expect(gallery.find(".cotlens-more")).to_contain_text("inside, at the sentence's end")
    gallery.turn("probed")
    expect(gallery.find(".cotlens-inside").first).to_contain_text("4.24 (floor .31)")
    expect(gallery.find(".cotlens-words").first).to_contain_text("a probe of shuffled labels would be as sure")
    gallery.turn("shaded")
    expect(gallery.find(".cotlens-inside")).to_have_count(0)
