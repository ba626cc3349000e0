"""Ctrl/Cmd+F in every view that shows text, also for what is not drawn."""

import re

import pytest
from playwright.sync_api import expect

from tests.gallery.page import Gallery

# state, a region that can have the focus, something that stands there more than once
VIEWS = [
    ("shaded", "[data-region=text]", "SHELLS"),
    ("map", "[data-region=text]", "pencils"),
    ("maptokens", "[data-region=text]", "pencils"),
    ("features", "[data-region=text]", "e "),
    ("steertwo", "[data-region=baseline]", "shells"),
    ("steertwo", "[data-region=steered]", "14"),
]
# What is painted in the page, as text, whether it is in sight of its region, and its background.
PAINTED = """(root) => [...(CSS.highlights.get('cotlens-find') ?? [])].map((range) => {
  const [box, region] = [range.getBoundingClientRect(), range.startContainer.parentElement.closest('[data-region]')]
  const { top, bottom } = region.getBoundingClientRect()
  return { text: range.toString(), seen: box.height > 0 && box.top >= top - 1 && box.bottom <= bottom + 1 }
})"""
FIELD = ".cotlens-find-field"


def painted(gallery: Gallery) -> list[dict]:
    gallery.settle()
    return gallery.root.evaluate(PAINTED)


@pytest.mark.parametrize(("state", "region", "wanted"), VIEWS)
def test_every_text_can_be_searched(gallery: Gallery, state: str, region: str, wanted: str) -> None:
    gallery.show(state, width=900)
    text, field = gallery.find(region), gallery.find(FIELD)
    text.focus()
    gallery.page.evaluate("window.heard = []; document.addEventListener('keydown', (e) => heard.push(e.key))")
    gallery.page.keyboard.press("Meta+f")
    expect(field).to_be_focused()
    gallery.page.keyboard.press("Escape")
    expect(text).to_be_focused()
    gallery.page.keyboard.press("Control+f")
    expect(field).to_be_focused()
    gallery.page.keyboard.type(wanted)
    count = gallery.find(".cotlens-find-count")
    expect(count).to_have_text(re.compile(r"^1 of \d+$"))
    at, many = count.inner_text().split(" of ")
    assert at == "1" and int(many) > 1
    for step in range(1, int(many) + 1):
        (match,) = painted(gallery)
        assert match["text"].lower() == wanted.lower() and match["seen"], (step, match)
        gallery.page.keyboard.press("Enter")
    expect(count).to_have_text(f"1 of {many}")  # round it goes
    gallery.page.keyboard.press("Shift+Enter")
    expect(count).to_have_text(f"{many} of {many}")
    gallery.page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(text).to_be_focused()
    assert painted(gallery) == []
    assert {*gallery.page.evaluate("heard")} <= {"Control", "Meta", "Shift"}


def test_the_matrix_has_no_text_so_find_stays_the_notebooks(gallery: Gallery) -> None:
    gallery.show("pairs")
    gallery.find("[role=grid]").first.focus()
    gallery.page.evaluate("window.heard = []; document.addEventListener('keydown', (e) => heard.push(e.key))")
    gallery.page.keyboard.press("Control+f")
    assert "f" in gallery.page.evaluate("heard")


def test_a_thought_that_is_edited_is_not_searched_wherever_the_focus_is(gallery: Gallery) -> None:
    gallery.show("shaded")
    text = gallery.find("[data-region=text]")
    text.focus()
    gallery.page.keyboard.press("Enter")
    expect(text).to_be_hidden()
    gallery.page.evaluate("window.heard = []; document.addEventListener('keydown', (e) => heard.push(e.key))")
    gallery.find("button[data-action=choices]").focus()
    gallery.page.keyboard.press("Control+f")
    expect(gallery.find(FIELD)).to_be_hidden()
    assert "f" in gallery.page.evaluate("heard"), "the notebook's own search opens"
    gallery.find("[contenteditable=true]").focus()
    gallery.page.keyboard.press("Escape")
    expect(text).to_be_visible()
    text.focus()
    gallery.page.keyboard.press("Control+f")
    expect(gallery.find(FIELD)).to_be_focused()


def test_what_is_not_drawn_is_found(gallery: Gallery) -> None:
    gallery.show("long10k")
    text = gallery.model("model.get('document').text")
    wanted = text[-240:-200].replace("\n", "")  # near the end of the thought
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("Control+f")
    gallery.find(FIELD).fill(wanted)
    gallery.page.keyboard.press("Shift+Enter")  # the last of them
    (match,) = painted(gallery)
    assert match["seen"] and match["text"][:9] == wanted[:9]
    assert gallery.find("[data-region=text]").evaluate("(each) => each.scrollTop") > 10_000


def test_a_folded_prompt_is_unfolded_for_a_match(gallery: Gallery) -> None:
    gallery.show("longprompt")
    prompt = gallery.model("model.get('document').roles.find((each) => each.role === 'prompt').end")
    wanted = gallery.model(f"model.get('document').text.slice({prompt} - 20, {prompt})").strip()
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("Control+f")
    gallery.find(FIELD).fill(wanted)
    assert painted(gallery)[0]["seen"]


def test_a_hostile_text_is_searched_as_it_stands(gallery: Gallery) -> None:
    for state in ("hostile", "maphostile"):
        gallery.show(state)
        gallery.find("[data-region=text]").focus()
        gallery.page.keyboard.press("Control+f")
        gallery.find(FIELD).fill("<SCRIPT>window.hacked")
        assert painted(gallery)[0]["text"].lower() == "<script>window.hacked"
        gallery.find(FIELD).fill("nothing has this <b>")
        expect(gallery.find(".cotlens-find-count")).to_have_text("no match")
        assert painted(gallery) == [] and gallery.page.evaluate("window.hacked") is None
        expect(gallery.find(".cotlens-find b")).to_have_count(0)


def test_what_no_view_draws_is_not_found(gallery: Gallery) -> None:
    """The markers of a template belong to no role."""
    gallery.show("shaded")
    gallery.set(
        """{ document: { ...model.get('document'), id: 'marked', roles: model.get('document').roles.map(
        (each) => each.role === 'prompt' ? { ...each, end: each.end - 20 } : each) } }"""
    )
    gallery.settle()
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("Control+f")
    gallery.find(FIELD).fill("does Ravi have?")
    expect(gallery.find(".cotlens-find-count")).to_have_text("no match")


def test_scrolling_away_and_back_shows_the_match_again(gallery: Gallery) -> None:
    gallery.show("long10k")
    region = gallery.find("[data-region=text]")
    region.focus()
    gallery.page.keyboard.press("Control+f")
    thought = gallery.model("model.get('document').roles.find((each) => each.role === 'thought').start")
    gallery.find(FIELD).fill(gallery.model("model.get('document').text")[thought:].strip()[:12])
    (before,) = painted(gallery)
    region.evaluate("(each) => { each.scrollTop = 40000 }")
    assert painted(gallery) == []
    region.evaluate("(each) => { each.scrollTop = 0 }")
    assert painted(gallery) == [before]


def test_another_text_is_searched_for_the_same(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("Control+f")
    gallery.find(FIELD).fill("zebra")
    expect(gallery.find(".cotlens-find-count")).to_have_text("no match")
    gallery.set(
        """{ document: { ...model.get('document'), id: 'other',
        text: model.get('document').text.replace('sunny', 'zebra') } }"""
    )
    expect(gallery.find(".cotlens-find-count")).to_have_text("1 of 1")
    expect(gallery.find(FIELD)).to_be_focused()


def test_while_text_is_edited_there_is_no_field(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("Control+f")
    gallery.token(87).dblclick()
    expect(gallery.find(".cm-content")).to_be_focused()
    expect(gallery.find(FIELD)).to_be_hidden()
    gallery.page.keyboard.press("Control+f")
    expect(gallery.find(FIELD)).to_be_hidden()
