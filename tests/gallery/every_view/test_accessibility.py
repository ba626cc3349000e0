"""Everything that any view draws, as axe sees it, at rest and at work, in both themes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gallery.editor.test_findings import FOUND
from tests.gallery.every_view.test_fits import CONTRAST
from tests.gallery.page import Gallery

AXE = Path(__file__).resolve().parents[3] / "widgets" / "node_modules" / "axe-core" / "axe.min.js"

# What a fragment of a notebook's page can't have: landmarks, and the page's first heading.
PAGE_RULES = ["region", "landmark-one-main", "page-has-heading-one"]
# Without preloading: a page from disk may not read its own style sheets, which axe wants only for orientation locks.
RUN = """async ([off, only]) => {
  const rules = Object.fromEntries(off.map((rule) => [rule, { enabled: false }]))
  const options = { preload: false, resultTypes: ['violations'], selectors: false }
  const found = await axe.run('#stage', { ...options, ...(only ? { runOnly: only } : { rules }) })
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary.slice(0, 300)}`))
}"""


def pin_two(page: Gallery) -> None:
    """Two rollouts are pinned, a prefix is chosen, and others are open in the editor."""
    for key in ("ArrowDown", "p", "ArrowDown", "p", "]", "]"):
        page.find("[data-region=rows]").press(key)
    page.set("{ opened: [1, 2] }")


# What a state shows only once somebody has done something: state, what is done.
AT_WORK: dict[str, tuple[str, Callable[[Gallery], None]]] = {
    "editor, a token": ("shaded", lambda page: page.token(69).click()),
    "editor, a sentence": ("branch", lambda page: page.find("[data-sentence]").nth(2).click()),
    "editor, the text": ("shaded", lambda page: page.token(87).dblclick()),
    "editor, all branches": ("branches", lambda page: page.find(".cotlens-menu > button").first.click()),
    "editor, a stop": ("shaded", lambda page: page.find("[role=slider]").press("Home")),
    "editor, code": ("shaded", lambda page: page.find(".cotlens-codebutton").click()),
    "editor, a part": ("parts", lambda page: page.find("[data-part]").first.click()),
    "editor, findings": ("shaded", lambda page: page.set(f"{{ findings: {FOUND.format(69, 72)} }}")),
    "editor, the whole prompt": ("longprompt", lambda page: page.action("fold").click()),
    "map, a sentence": ("map", lambda page: page.find("[data-unit]").nth(4).click()),
    "map, all sentences": ("map", lambda page: page.action("all").click()),
    "matrix, a pair": ("pairs", lambda page: page.find("[role=grid]").first.press("ArrowDown")),
    "rollouts, a sentence": ("rollouts", lambda page: page.find("[data-region=rows]").press("ArrowDown")),
    "rollouts, two pinned": ("rollouts", lambda page: pin_two(page)),
    "rollouts, points": ("rollouts", lambda page: page.find("[data-tab=plane]").click()),
    "steering, adding": ("steertwo", lambda page: page.action("add").click()),
    "steering, code": ("steertwo", lambda page: page.find(".cotlens-codebutton").click()),
    "features, a latent": ("features", lambda page: page.find(".cotlens-table-body [data-row]").first.click()),
    "features, a sentence": ("features", lambda page: page.find("[data-block]").nth(3).click()),
}


# The costly rule. What it knows and `test_fits.CONTRAST` doesn't, which sees every state: what is drawn over what.
COLOURS = "color-contrast"


def faults(gallery: Gallery, *, off: tuple[str, ...] = (), only: str | None = None) -> list[str]:
    """What axe objects to, one line for each element."""
    if not gallery.page.evaluate("'axe' in window"):
        gallery.page.add_script_tag(path=AXE)
    return gallery.page.evaluate(RUN, [[*PAGE_RULES, *off], only and [only]])


# How many elements are of a kind that no state before had: by name, role, attributes and parent, with a text or none.
NEW = """(root) => {
  const known = (window.kinds ??= new Set()), before = known.size
  for (const each of [root, ...root.querySelectorAll('*')]) {
    const parent = [each.parentElement.localName, each.parentElement.role, each.textContent.trim() === '']
    known.add([each.localName, each.role, each.getAttribute('class'), ...each.getAttributeNames(), ...parent].join())
  }
  return known.size - before
}"""


def test_no_state_has_a_fault(gallery: Gallery) -> None:
    """Most states show again what another has shown, in other words: those axe would only read once more."""
    gallery.show("first", width=900)
    gallery.page.evaluate("window.kinds = new Set()")
    seen = []
    for state in gallery.page.evaluate("window.__cotlens.states"):
        gallery.turn(state)
        if gallery.root.evaluate(NEW):
            seen.append(state)
            assert faults(gallery, off=(COLOURS,)) == [], state
    assert {"first", "branch", "map", "pairs", "lens", "patch", "steer", "features", "rollouts"} <= {*seen}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_colour_of_a_view_has_a_fault(gallery: Gallery, theme: str) -> None:
    gallery.show("first", theme=theme, width=900)
    states = gallery.page.evaluate("window.__cotlens.states")
    for state in states[6 * (theme == "dark") :: 12]:  # colours are of a view, not of a state: a part shows them
        gallery.turn(state)
        assert faults(gallery, only=COLOURS) == [], state


def test_nothing_that_is_opened_has_a_fault(gallery: Gallery) -> None:
    for theme in ("light", "dark"):
        gallery.show("first", theme=theme, width=1100)
        for what, (state, act) in AT_WORK.items():
            gallery.turn(state)
            act(gallery)
            gallery.settle()
            # What is drawn over what is the same in the dark.
            found = faults(gallery) if theme == "light" else gallery.root.evaluate(CONTRAST)
            assert found == [], (what, theme)


def test_on_a_page_that_runs_to_the_left_everything_stays_in_its_place(gallery: Gallery) -> None:
    """What is placed along a time line, and what is drawn on a canvas, goes by pixels from the left."""
    parts = (
        ".cotlens-handle, .cotlens-window, .cotlens-pin, .cotlens-canvas, .cotlens-flag, .cotlens-axis, .cotlens-side"
    )
    places = """(root, parts) => {
      const left = root.getBoundingClientRect().left
      const shown = [...root.querySelectorAll(parts)].filter((each) => each.offsetParent)
      return shown.map((each) => Math.round(each.getBoundingClientRect().left - left))
    }"""
    for state in ("shaded", "map", "pairs", "steertwo", "features"):
        gallery.show(state, width=900)
        before = gallery.root.evaluate(places, parts)
        gallery.page.evaluate("document.documentElement.dir = 'rtl'")
        gallery.turn(state)
        assert gallery.root.evaluate(places, parts) == before, state
        box = gallery.root.bounding_box()
        assert box and all(-2 <= place <= box["width"] for place in before), state


# What a cell of a text is drawn with where colours are forced: the line below and the line above it.
LINES = """(root) => [...root.querySelectorAll('[role=gridcell][class*=cotlens-h]')].map((each) => {
  const [style, signs] = [getComputedStyle(each), each.classList]
  const line = (side) => style[`border${side}Style`] === 'none' ? 0 : parseFloat(style[`border${side}Width`])
  const level = Number([...signs].find((name) => /^cotlens-h\\d/.test(name)).slice(9))
  const dotted = style.borderBottomStyle === 'dotted' || style.borderTopStyle === 'dotted'
  return { level, dotted, down: signs.contains('cotlens-down'), below: line('Bottom'), above: line('Top') }
})"""


@pytest.mark.parametrize("state", ["shaded", "sentence", "unsigned", "map", "maptokens", "mapunsigned", "features"])
def test_in_forced_colours_every_effect_has_a_line_that_grows(gallery: Gallery, state: str) -> None:
    gallery.page.emulate_media(forced_colors="active")
    gallery.show(state)
    if state == "features":
        gallery.find(".cotlens-table-body [data-row]").first.click()
    cells = gallery.root.evaluate(LINES)
    assert len(cells) > 2
    for cell in cells:
        assert (cell["above"] > 0, cell["below"] > 0) == (cell["down"], not cell["down"]), cell
        assert cell["dotted"] == (cell["level"] < 10)
    sizes = [cell["above"] + cell["below"] for cell in sorted(cells, key=lambda cell: cell["level"])]
    assert sizes == sorted(sizes), "thicker with the size of the effect"
    assert sizes[-1] == 3, "the strongest is thick"


def test_in_forced_colours_what_is_picked_is_seen(gallery: Gallery) -> None:
    gallery.page.emulate_media(forced_colors="active")
    outline = "(each) => getComputedStyle(each).outlineStyle"
    gallery.show("map")
    gallery.find("[data-unit]").nth(4).click()
    for picked in (".cotlens-block.cotlens-picked", ".cotlens-table-row[aria-selected=true]"):
        assert gallery.find(picked).first.evaluate(outline) == "solid", picked
    gallery.show("shaded")
    gallery.find("[role=slider]").press("Home")
    grey, black = (
        gallery.find(part).last.evaluate("(each) => getComputedStyle(each).color")
        for part in (".cotlens-dim .cotlens-t", ".cotlens-prompt .cotlens-t")
    )
    assert grey != black, "what lies after the stop"


@pytest.mark.parametrize("state", ["shaded", "features"])
def test_a_token_without_letters_is_called_what_it_is(gallery: Gallery, state: str) -> None:
    """A mark that is drawn has its sign for a name; of an emoji in two tokens the first holds no character."""
    gallery.show(state)
    text, offsets = gallery.model(
        "(() => { const { text } = model.get('document'), cuts = model.get('token_offsets');"
        " return [text, Array.from({ length: cuts.byteLength / 4 }, (_, i) => cuts.getUint32(4 * i, true))]; })()"
    )
    begin = text.index(gallery.find(".cotlens-thought [data-token]").nth(0).inner_text().strip())
    first = max(token for token, offset in enumerate(offsets) if offset <= begin)
    offsets[first + 1 : first + 3] = [begin + 1, begin + 1]
    changed = {"id": "marked", "text": text[:begin] + "\ufeff" + text[begin + 1 :]}
    gallery.set(
        f"{{ document: {{ ...model.get('document'), ...{json.dumps(changed)} }}, token_offsets: words({offsets}) }}"
    )
    gallery.settle()
    mark, part = gallery.token(first), gallery.token(first + 1)
    assert (mark.inner_text(), mark.get_attribute("aria-label")) == ("[BOM]", None)
    assert part.get_attribute("aria-label") == "part of a character"
    mark.click()
    if state == "shaded":
        assert (mark.get_attribute("aria-label") or "").startswith("[BOM], token")
        gallery.page.keyboard.press("ArrowRight")
        assert (part.get_attribute("aria-label") or "").startswith("part of a character, token")
        gallery.page.keyboard.press("ArrowRight")
        assert part.get_attribute("aria-label") == "part of a character"
