"""In a narrow cell what a number means is read whole, and a hint isn't cut in its middle."""

import pytest

from tests.gallery.page import Gallery

CUT = """(root) => [...root.querySelectorAll('.cotlens-words, .cotlens-meaning, .cotlens-sae')].filter((each) =>
  each.getClientRects().length
  && (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1))
  .map((each) => each.textContent)"""
# Whether the placeholder of the search is as wide as its field or narrower.
HINT = """(field) => {
  const [paper, style] = [document.createElement('canvas').getContext('2d'), getComputedStyle(field)]
  paper.font = style.font
  const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)
  return paper.measureText(field.placeholder).width <= room
}"""


@pytest.mark.parametrize(
    "state", ["shaded", "sentence", "branches", "unsigned", "map", "maptokens", "pairs", "features"]
)
def test_no_meaning_is_cut(gallery: Gallery, state: str) -> None:
    gallery.page.set_viewport_size({"width": 510, "height": 1000})
    gallery.show(state, width=480)
    assert gallery.root.evaluate(CUT) == []


def test_the_hint_of_the_search_is_whole(gallery: Gallery) -> None:
    gallery.page.set_viewport_size({"width": 510, "height": 1000})
    gallery.show("features", width=480)
    assert gallery.find(".cotlens-search").evaluate(HINT)


def test_what_a_latent_stands_for_is_read_before_where_it_fires(gallery: Gallery) -> None:
    gallery.page.set_viewport_size({"width": 510, "height": 1000})
    gallery.show("features", width=480)
    assert min(gallery.find(".cotlens-cell-label").evaluate_all("(all) => all.map((e) => e.clientWidth)")) > 130
    assert gallery.find(".cotlens-cell-spark").first.is_hidden()


def test_every_answer_of_the_strip_has_its_probability(gallery: Gallery) -> None:
    gallery.page.set_viewport_size({"width": 510, "height": 1000})
    gallery.show("shaded", width=480)
    answers = gallery.find(".cotlens-key > :not(.cotlens-muted)")
    ends = answers.evaluate_all("(all) => all.map((e) => e.getBoundingClientRect().right)")
    assert len(ends) >= 4 and max(ends) <= gallery.box(".cotlens-key")["x"] + gallery.box(".cotlens-key")["width"] + 1
