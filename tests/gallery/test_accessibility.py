"""Every state of every view as axe sees it, at rest and at work, in both themes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gallery.page import Gallery

AXE = Path(__file__).resolve().parents[2] / "widgets" / "node_modules" / "axe-core" / "axe.min.js"

# What a fragment of a notebook's page can't have: landmarks, and the page's first heading.
PAGE_RULES = ["region", "landmark-one-main", "page-has-heading-one"]
# Without preloading: a page from disk may not read its own style sheets, which axe wants only for orientation locks.
RUN = """async ([off, only]) => {
  const rules = Object.fromEntries(off.map((rule) => [rule, { enabled: false }]))
  const found = await axe.run('#stage', { preload: false, ...(only ? { runOnly: only } : { rules }) })
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary.slice(0, 300)}`))
}"""
# What a state shows only once somebody has done something: state, what is done.
AT_WORK: dict[str, tuple[str, Callable[[Gallery], None]]] = {
    "editor, a token": ("shaded", lambda page: page.token(69).click()),
    "editor, a sentence": ("branch", lambda page: page.find("[data-sentence]").nth(2).click()),
    "editor, the text": ("shaded", lambda page: page.token(87).dblclick()),
    "editor, all branches": ("branches", lambda page: page.find(".cotlens-menu > button").first.click()),
    "editor, a stop": ("shaded", lambda page: page.find("[role=slider]").press("Home")),
    "editor, code": ("shaded", lambda page: page.find(".cotlens-codebutton").click()),
    "editor, the whole prompt": ("longprompt", lambda page: page.action("fold").click()),
    "map, a sentence": ("map", lambda page: page.find("[data-unit]").nth(4).click()),
    "map, all sentences": ("map", lambda page: page.action("all").click()),
    "matrix, a pair": ("pairs", lambda page: page.find("[role=grid]").first.press("ArrowDown")),
    "steering, adding": ("steertwo", lambda page: page.action("add").click()),
    "steering, code": ("steertwo", lambda page: page.find(".cotlens-codebutton").click()),
    "features, a latent": ("features", lambda page: page.find(".cotlens-table-body [data-row]").first.click()),
    "features, a sentence": ("features", lambda page: page.find("[data-block]").nth(3).click()),
}


def faults(gallery: Gallery, only: list[str] | None = None) -> list[str]:
    """What axe objects to, one line for each element."""
    if not gallery.page.evaluate("'axe' in window"):
        gallery.page.add_script_tag(path=AXE)
    return gallery.page.evaluate(RUN, [PAGE_RULES, only])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_state_has_a_fault(gallery: Gallery, theme: str) -> None:
    gallery.show("first", theme=theme, width=900)
    only = ["color-contrast"] if theme == "dark" else None  # the rest is the same in both
    for state in gallery.page.evaluate("window.__cotlens.states"):
        gallery.turn(state)
        assert faults(gallery, only) == [], state


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_that_is_opened_has_a_fault(gallery: Gallery, theme: str) -> None:
    gallery.show("first", theme=theme, width=1100)
    for what, (state, act) in AT_WORK.items():
        gallery.turn(state)
        act(gallery)
        gallery.settle()
        assert faults(gallery) == [], what
