"""Nothing scrolls sideways but what is wider than any page, and nothing scrolls inside what scrolls."""

import pytest

from tests.gallery.page import Gallery

WIDGETS = {
    "steer": (["steercontrol", "steermany", "steersweep", "steerhostile", "steerlong"], ""),
    "pairs": (["pairs", "pairssampled", "pairshostile", "pairslarge"], ".cotlens-table-body [data-row]"),
    "features": (["features", "featureschanged", "featureshostile", "featureslarge"], ".cotlens-table-body [data-row]"),
    "map": (["map", "mapmany", "maphostile", "maplong"], ".cotlens-table-body [data-row]"),
    "shaded": (["shaded", "branch", "branches", "hostile", "error", "long1k"], "[data-token]"),
}
SIDEWAYS = """(root) => [...root.querySelectorAll('*')].filter((each) => each.clientWidth > 0
  && /auto|scroll/.test(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.className)"""
NESTED = """(root) => {
  const scrolls = (each) => /auto|scroll/.test(getComputedStyle(each).overflowY)
    && each.scrollHeight > each.clientHeight + 1;
  return [...root.querySelectorAll('*')].filter((each) => { if (each.clientHeight === 0 || !scrolls(each)) return false;
    for (let up = each.parentElement; up && up !== root; up = up.parentElement) if (scrolls(up)) return true;
    return false; }).map((each) => each.className); }"""


@pytest.mark.parametrize("width", [480, 900, 1400])
@pytest.mark.parametrize("first", WIDGETS)
def test_one_thing_scrolls_and_only_down(gallery: Gallery, first: str, width: int) -> None:
    states, part = WIDGETS[first]
    gallery.page.set_viewport_size({"width": width + 30, "height": 1100})
    gallery.show(first, width=width)
    for state in states:
        gallery.turn(state)
        if part and gallery.find(part).count():
            gallery.find(part).first.dispatch_event("click")
            gallery.settle()
        assert gallery.root.evaluate(SIDEWAYS) == [], state
        assert gallery.root.evaluate(NESTED) == [], state


def test_a_setting_whose_name_says_nothing_is_explained(gallery: Gallery) -> None:
    gallery.show("pairs")
    assert "added to the count of every answer" in gallery.find(".cotlens-facts").inner_text()
