"""What isn't clear of zero is never filled; where nothing is, that is said large; branches share one scale."""

import pytest
from playwright.sync_api import expect

from tests.gallery.page import Gallery

CLEAR = "rgba(0, 0, 0, 0)"
BACKGROUNDS = "(all) => all.map((each) => getComputedStyle(each).backgroundColor)"
NS = ".cotlens-ns"


def unfilled(gallery: Gallery, selector: str) -> bool:
    found = gallery.find(selector).evaluate_all(BACKGROUNDS)
    return bool(found) and set(found) == {CLEAR}


@pytest.mark.parametrize("state", ["sentence", "nothing", "map", "mapnothing"])
def test_what_may_be_nothing_is_never_filled(gallery: Gallery, state: str) -> None:
    gallery.show(state)
    if state == "map":
        gallery.action("all").click()
    assert unfilled(gallery, f"[role=gridcell]{NS}")
    hollow = gallery.find(".cotlens-block .cotlens-effect-hollow")
    assert set(hollow.evaluate_all("(all) => all.map((each) => getComputedStyle(each).fill)")) <= {"none"}


def test_nor_in_the_text_that_is_edited(gallery: Gallery) -> None:
    gallery.show("sentence")
    gallery.find("[data-sentence='0']").click()
    gallery.page.keyboard.press("Enter")
    expect(gallery.find(".cm-content")).to_be_focused()
    assert unfilled(gallery, f".cm-content {NS}")
    filled = gallery.find(".cm-content .cotlens-up, .cm-content .cotlens-down").all_inner_texts()
    assert filled and not any("Okay, let me work" in text for text in filled)


@pytest.mark.parametrize("state", ["nothing", "mapnothing"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_that_nothing_is_clear_is_said_large(gallery: Gallery, state: str, theme: str) -> None:
    gallery.show(state, theme=theme)
    said = gallery.find("[data-note=nothing]")
    assert said.inner_text() == "Nothing here is clear of zero"
    size, weight = said.evaluate("(e) => [parseFloat(getComputedStyle(e).fontSize), getComputedStyle(e).fontWeight]")
    assert size >= 16 and int(weight) >= 600
    assert gallery.find(".cotlens-ramp").is_hidden(), "without colours there is no scale to explain"
    expect(gallery.find(".cotlens-up, .cotlens-down")).to_have_count(0)


def strongest(gallery: Gallery) -> int:
    script = "(all) => Math.max(0, ...all.map((e) => Number((e.className.match(/cotlens-h(\\d+)/) ?? [0, 0])[1])))"
    return gallery.find(".cotlens-block [role=gridcell]").evaluate_all(script)


def test_branches_share_one_scale_that_can_be_switched_and_locked(gallery: Gallery) -> None:
    gallery.show("branch")
    words, high = gallery.find(".cotlens-words"), gallery.find(".cotlens-legend .cotlens-number").last
    assert high.inner_text() == "+21.5 nats" and "scale: the largest effect on all branches" in words.inner_text()
    among_all = strongest(gallery)
    gallery.find("[data-scale=this]").click()
    assert high.inner_text() == "+2.10 nats" and "on this branch" in words.inner_text()
    alone = strongest(gallery)
    assert alone > 2 * among_all > 0
    gallery.action("lock").click()
    assert gallery.model("model.get('scale_lock')") == {"unit": "nats", "scale": 2.1}
    assert "locked at 2.10 nats" in words.inner_text()
    gallery.set("{ shading: { ...model.get('shading'), scale: 9 } }")
    assert high.inner_text() == "+2.10 nats" and "the largest here is 9.00" in words.inner_text()
    gallery.set("{ scale_lock: { unit: 'nats', scale: 21.5 } }")  # a linked widget's
    assert high.inner_text() == "+21.5 nats" and strongest(gallery) == among_all
    gallery.action("lock").click()
    assert gallery.model("model.get('scale_lock')") == {}
    gallery.set("{ scale_lock: { unit: 'probability', scale: 1 } }")
    assert high.inner_text() == "+9.00 nats", "another unit's lock is none here"


def test_scores_of_one_unit_share_one_scale(gallery: Gallery) -> None:
    gallery.show("mapmany")
    assert "full colour: the largest effect on all scores" in gallery.find(".cotlens-meaning").inner_text()
    gallery.find("[data-scale=this]").click()
    assert "full colour: the largest effect on this score" in gallery.find(".cotlens-meaning").inner_text()
    before = strongest(gallery)
    gallery.set("{ scale_lock: { unit: model.get('scores')[0].scale_unit, scale: 8 } }")
    assert "locked at 8.00" in gallery.find(".cotlens-meaning").inner_text() and strongest(gallery) < before
    gallery.action("lock").click()
    assert strongest(gallery) == before


def test_a_matrix_shares_the_colours_that_are_locked(gallery: Gallery) -> None:
    gallery.show("pairs")
    meaning, high = gallery.find(".cotlens-meaning"), gallery.find(".cotlens-legend .cotlens-number").last
    before = high.inner_text()
    assert "99 % of the shown pairs" in meaning.inner_text()
    gallery.action("lock").click()
    lock = gallery.model("model.get('scale_lock')")
    assert lock["unit"] == gallery.model("model.get('matrix').scale_unit") and lock["scale"] > 0
    assert "locked at" in meaning.inner_text() and high.inner_text() == before
    gallery.set("{ scale_lock: { unit: model.get('matrix').scale_unit, scale: 12.5 } }")  # a linked widget's
    assert high.inner_text().startswith("+12.5") and "locked at 12.5" in meaning.inner_text()
    gallery.set("{ scale_lock: { unit: 'another', scale: 12.5 } }")
    assert high.inner_text() == before and "99 %" in meaning.inner_text()


def test_exact_effects_that_are_too_small_fade(gallery: Gallery) -> None:
    gallery.show("shaded")
    # each token's class, and whether its exact effect is below the floor of its unit
    script = """(all) => { const { model } = window.__cotlens;
      const [rows, codes] = [model.get('shading_rows'), model.get('shading_certainty')];
      const code = (token) => codes.getUint8(rows.getUint32(4 * token, true));
      return all.map((e) => [code(e.dataset.token), getComputedStyle(e).backgroundColor]); }"""
    drawn = gallery.find(".cotlens-thought [data-token]").evaluate_all(script)
    faint, others = ({colour for code, colour in drawn if (code == 7) is below} for below in (True, False))
    assert faint == {CLEAR} and CLEAR not in others
