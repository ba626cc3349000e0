"""A thought's latents: chips, their sliders, and what is answered then."""

import pytest
from playwright.sync_api import expect

from tests.gallery.page import Gallery

PAIR = 21  # the last two latents hold the last total
SPOKEN = """(root) => { const id = root.querySelector("[role=grid]").getAttribute("aria-activedescendant");
  return document.getElementById(id).getAttribute("aria-label"); }"""


def test_a_chip_says_what_is_read_there_and_picking_it_picks_the_unit(gallery: Gallery) -> None:
    gallery.show("latents", width=1400)
    chips = gallery.find(".cotlens-latent")
    expect(chips).to_have_count(15)
    assert chips.nth(13).inner_text().split() == ["1", ".97"]
    assert chips.nth(14).inner_text().split() == ["3"], "sure: its figure is in its name alone"
    assert "reads 3 >.99" in (chips.nth(14).get_attribute("aria-label") or "")
    expect(gallery.root).to_contain_text("15 latents, 3 changes · p where below .99")
    words = "latent 13, tens of the total, change 3, reads 1 .97, entropy 0.118 nats, norm 19.6"
    expect(chips.nth(13)).to_have_attribute("aria-label", words)
    tops = {box["y"] for box in (chips.nth(i).bounding_box() for i in range(15)) if box}
    assert len(tops) == 1, "one line"
    chips.nth(13).click()
    assert gallery.model("model.get('selected')")["unit"] == "sentence"
    expect(gallery.find(".cotlens-side .cotlens-title").first).to_have_text("Latent 13 · tens of the total, change 3")
    expect(gallery.find(".cotlens-fact-effect")).to_contain_text("+8.42")
    expect(gallery.find(".cotlens-choice-section")).to_be_hidden()
    assert gallery.root.evaluate(SPOKEN).startswith("latent 13, tens of the total")
    gallery.find("[data-change='1']").click()  # all five of a change
    expect(gallery.find(".cotlens-slider-row")).to_have_count(5)
    expect(gallery.find(".cotlens-side .cotlens-title").first).to_have_text("Latents 5 to 9")


def test_sliders_ask_once_the_hand_rests_and_the_bars_follow(gallery: Gallery) -> None:
    gallery.show("latents", width=900)
    page = gallery.page
    gallery.token(PAIR).click()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")  # to the sliders: there is no text to edit
    slider = gallery.find("[data-latent='13']")
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", "its own, norm 19.6")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "20 % donor")
    (asked,) = gallery.awaited("move")
    assert asked["places"] == [0.2, 0] and (asked["effect"], asked["donor"]) == ("total", "t1")
    assert asked["token"] == PAIR and asked["document"] == "l0"
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    gallery.awaited("move", 2)
    answers = gallery.find(".cotlens-moved-answers")
    expect(answers).to_have_attribute("data-waiting", "")
    moved = """{moved: {document: 'l0', token: 21, places: [1, 1], effect: 'total', donor: 't1', norms: [19.2, 19.4],
      answer: '13', was: 3.84, now: -10.1, floor: 1.9e-6, cost: '117 tokens in 4 passes',
      rows: [{answer: '13', before: 0.978, after: 0.00003}, {answer: '25', before: 0.00001, after: 0.588}],
      control: {name: 'abacus-latent-pause', reads: "'0' 0.35", answer: '30', was: -1.85, now: -1.85, why: ''}}}"""
    gallery.set(moved)
    expect(answers.locator(".cotlens-pair")).to_have_count(2)
    expect(answers).to_contain_text("log-odds of 13: +3.84 → −10.1 nats, −13.9 (exact, noise 1.9e−6)")
    expect(answers).to_contain_text("abacus-latent-pause, which hands nothing on: reads '0' 0.35 here")
    expect(answers).to_contain_text("changes its answer by 0 nats")
    expect(gallery.find(".cotlens-moving")).to_contain_text("left end: the mean of this step in 5 other thoughts")
    page.keyboard.press("Control+Enter")
    (put,) = gallery.awaited("put")
    assert put["places"] == [1, 1]
    gallery.find("[data-effect=direct]").click()
    assert gallery.awaited("move", 3)[-1]["effect"] == "direct"
    page.keyboard.press("Escape")
    expect(gallery.find("[data-region=text]")).to_be_focused()


def test_taking_out_and_what_cannot_be(gallery: Gallery) -> None:
    gallery.show("latents", width=900)
    page = gallery.page
    gallery.find("[data-change='2']").click()
    gallery.action("delete").click()
    assert gallery.awaited("take_out") == [{"kind": "take_out", "token": 18, "last": 23, "document": "l0"}]
    gallery.find("[data-region=text]").focus()
    gallery.token(5).click()
    for _ in range(5):  # words and latents together
        page.keyboard.press("Shift+ArrowRight")
    expect(gallery.action("delete")).to_have_attribute("aria-disabled", "true")
    expect(gallery.find(".cotlens-moving")).to_be_hidden()
    gallery.show("latentsread", width=900)
    gallery.token(PAIR).click()
    expect(gallery.find("[data-latent='13']")).to_be_disabled()
    expect(gallery.find(".cotlens-moved-answers")).to_contain_text("saved without a kernel")


@pytest.mark.parametrize("width", [480, 900])
def test_answers_are_seen_where_a_slider_is_moved(gallery: Gallery, width: int) -> None:
    gallery.show("latentsmoved", width=width)
    gallery.token(PAIR).click()
    gallery.page.keyboard.press("Shift+ArrowRight")
    gallery.page.keyboard.press("Enter")
    pane, first = (gallery.find(name).first.bounding_box() for name in (".cotlens-side-body", ".cotlens-moved-answers"))
    assert pane and first and first["y"] + 60 < pane["y"] + pane["height"]


def test_many_sliders_leave_the_answers_in_sight(gallery: Gallery) -> None:
    gallery.show("latents", width=1400)
    gallery.token(8).click()
    for _ in range(14):
        gallery.page.keyboard.press("Shift+ArrowRight")
    expect(gallery.find(".cotlens-slider-row")).to_have_count(15)
    box = gallery.find(".cotlens-sliders").bounding_box()
    assert box and box["height"] < 200


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_latents_of_no_known_family_are_numbered_and_fit(gallery: Gallery, theme: str) -> None:
    gallery.show("latentsplain", theme=theme, width=480)
    chips = gallery.find(".cotlens-latent")
    expect(chips.nth(0)).to_have_attribute("data-number", "0")
    assert "[RLO]" in chips.nth(1).inner_text()
    assert gallery.root.evaluate("(root) => root.scrollWidth <= root.clientWidth")
    chips.nth(1).click()
    expect(gallery.find("[data-latent='1']")).to_have_attribute("max", "0")
    expect(gallery.find(".cotlens-moving")).to_contain_text("no donor was given")
    gallery.show("latentsmoved", theme=theme, width=480)
    expect(gallery.find(".cotlens-latent.cotlens-ins")).to_have_count(2)
    expect(gallery.find(".cotlens-latent.cotlens-anew")).to_have_count(1)
