"""The pair matrix: point at a cell or go there by keys, and read both sentences."""

import pytest
from playwright.sync_api import expect

from tests.gallery.page import Gallery

PIXEL = """(canvas, [x, y]) => { const ratio = canvas.width / canvas.clientWidth;
  return [...canvas.getContext('2d').getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data]; }"""


# The texts that a matrix writes along its edges when it is drawn again.
WRITTEN = """async (each) => {
  const paper = each.querySelector('canvas').getContext('2d'), write = paper.fillText, said = [];
  paper.fillText = (text, ...at) => { said.push(text); write.call(paper, text, ...at); };
  each.dispatchEvent(new PointerEvent('pointermove', { clientX: -1, clientY: -1 }));
  each.dispatchEvent(new Event('scroll'));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return said; }"""


def cell(gallery: Gallery, source: int, target: int) -> tuple[float, float]:
    """The middle of a cell on the canvas of the state "pairs": rows up to 36 px, columns what the beginnings leave."""
    assert gallery.model("model.get('matrix').texts.length") == 15
    width, height = gallery.find("[data-region=matrix]").evaluate("(each) => [each.clientWidth, each.clientHeight]")
    left = int(min(220, 0.35 * width))
    wide, tall = (width - left - 2) / 15, min(36, (height - 26) / 15)
    return left + (source + 0.5) * wide, 24 + (target + 0.5) * tall


def test_pointing_reads_both_sentences_and_a_click_keeps_them(gallery: Gallery) -> None:
    gallery.show("pairs")
    grid = gallery.find("[data-region=matrix]")
    title = gallery.find(".cotlens-detail .cotlens-title")
    x, y = cell(gallery, 2, 8)
    grid.hover(position={"x": x, "y": y})
    expect(title).to_have_text("2 → 8")
    assert gallery.find(".cotlens-quote").all_text_contents() == [
        "First, the total: 3 * 24 = 72 pencils.", "So 60 pencils are left for the classes.",
    ]  # fmt: skip
    assert gallery.find(".cotlens-facts dd").first.inner_text() == "+0.484 nats"
    grid.click(position={"x": x, "y": y})
    x, y = cell(gallery, 0, 5)
    grid.hover(position={"x": x, "y": y})
    expect(title).to_have_text("0 → 5")
    gallery.find(".cotlens-side").hover(position={"x": 5, "y": 5})
    expect(title).to_have_text("2 → 8")


@pytest.mark.parametrize("width", [480, 900, 1400])
def test_few_sentences_fill_the_width_and_their_beginnings_are_read(gallery: Gallery, width: int) -> None:
    """Five took 220 of 750 pixels, as numbers without a word."""
    gallery.page.set_viewport_size({"width": width + 30, "height": 1300})
    for state in ("pairs", "pairshostile", "pairsone"):
        gallery.show(state, width=width)
        grid = gallery.find("[data-region=matrix]")
        used, room, scrolled = grid.evaluate(
            "(each) => [each.querySelector('.cotlens-room').offsetWidth, each.clientWidth, each.scrollWidth]"
        )
        assert room - 4 < used <= room and scrolled <= room, state
    gallery.show("pairs", width=width)
    written = gallery.find("[data-region=matrix]").evaluate(WRITTEN)
    texts = gallery.model("model.get('matrix').texts")
    begun = [text for text in written if not text.isdigit()]
    assert len(begun) >= 15
    assert all(text.strip().startswith(shown.rstrip("…").rstrip()) for text, shown in zip(texts, begun, strict=False))


def test_the_arrow_keys_go_from_cell_to_cell(gallery: Gallery) -> None:
    gallery.show("pairs")
    grid = gallery.find("[data-region=matrix]")
    grid.focus()
    gallery.page.evaluate("window.leaked = []; document.addEventListener('keydown', (e) => leaked.push(e.key))")
    title = gallery.find(".cotlens-detail .cotlens-title")
    for key, where in [
        ("ArrowDown", "0 → 1"), ("ArrowDown", "0 → 2"), ("ArrowRight", "1 → 2"), ("Shift+ArrowDown", "1 → 12"),
        ("End", "11 → 12"), ("Home", "0 → 12"), ("ArrowLeft", "0 → 12"), ("ArrowUp", "0 → 11"),
    ]:  # fmt: skip
        gallery.page.keyboard.press(key)
        assert title.inner_text() == where, key
    said = gallery.page.locator(f"#{grid.get_attribute('aria-activedescendant')}")
    assert (said.get_attribute("aria-label") or "").startswith("source 0 to target 11, effect ")
    assert said.get_attribute("aria-colindex") == "1"
    gallery.page.keyboard.press("Escape")
    assert title.inner_text() == "All pairs"
    assert [key for key in gallery.page.evaluate("leaked") if key != "Shift"] == []


def test_colours_have_sign_and_the_empty_half_has_none(gallery: Gallery) -> None:
    gallery.show("pairs")
    canvas = gallery.find(".cotlens-canvas")
    red, green, blue, alpha = canvas.evaluate(PIXEL, list(cell(gallery, 2, 8)))
    assert alpha > 200 and red > green > blue, "orange raises"
    values = gallery.model("Array.from(new Float32Array(model.get('matrix').estimate.buffer))")
    lowest = min((i for i, value in enumerate(values) if value == value), key=lambda i: values[i])
    red, _, blue, alpha = canvas.evaluate(PIXEL, list(cell(gallery, lowest % 15, lowest // 15)))
    assert alpha > 0 and blue > red, "blue lowers"
    assert canvas.evaluate(PIXEL, list(cell(gallery, 9, 3)))[3] == 0


def test_not_measured_is_said(gallery: Gallery) -> None:
    gallery.show("pairssampled")
    gallery.find("[data-region=matrix]").focus()
    for key in ["ArrowDown", *["Shift+ArrowDown"] * 4]:
        gallery.page.keyboard.press(key)
    assert gallery.find(".cotlens-detail .cotlens-title").inner_text() == "0 → 41"
    assert gallery.find(".cotlens-facts").inner_text().split("\n")[1:2] == ["not measured"]
    assert "no rollout went on after this sentence" in gallery.find(".cotlens-facts").inner_text()


def test_only_clear_pairs_and_no_neighbours(gallery: Gallery) -> None:
    gallery.show("pairssampled")
    heading = gallery.find(".cotlens-ranking .cotlens-title")
    clear = int(heading.inner_text().split()[-1])
    gallery.action("all").click()
    everything = int(heading.inner_text().split()[-1].replace(",", ""))
    assert 0 < clear < everything
    before = gallery.find(".cotlens-legend .cotlens-number").last.inner_text()
    field = gallery.find(".cotlens-field")
    field.fill("5")
    field.press("Enter")
    field.blur()
    assert int(heading.inner_text().split()[-1].replace(",", "")) < everything
    assert gallery.find(".cotlens-legend .cotlens-number").last.inner_text() != before
    field.fill("900")
    field.blur()
    assert field.input_value() == "59"


def test_the_ranking_goes_to_the_cell(gallery: Gallery) -> None:
    gallery.show("pairs")
    first = gallery.find(".cotlens-table-body [data-row]").first
    assert first.inner_text().split("\n")[-1] == "+0.540"
    first.click()
    assert gallery.find(".cotlens-detail .cotlens-title").inner_text() == "1 → 4"


def test_three_hundred_sentences_are_drawn_once_a_frame(gallery: Gallery) -> None:
    gallery.show("pairslarge")
    gallery.page.locator("[data-zoom='2']").click()
    gallery.settle()
    grid = gallery.find("[data-region=matrix]")
    room = grid.evaluate("(each) => [each.scrollWidth / each.clientWidth, each.scrollHeight / each.clientHeight]")
    assert min(room) > 2
    drawn = grid.evaluate(
        """async (each) => { const frame = () => new Promise((done) => requestAnimationFrame(done));
        const paper = each.querySelector('canvas').getContext('2d'), draw = paper.drawImage; let drawn = 0;
        paper.drawImage = (...all) => { drawn += 1; draw.apply(paper, all); };
        const box = each.getBoundingClientRect();
        for (let i = 0; i < 20; i += 1) {
          const at = { clientX: box.left + 60 + 9 * i, clientY: box.top + 60 + 7 * i, bubbles: true };
          each.dispatchEvent(new PointerEvent('pointermove', at)); }
        await frame(); await frame();
        const pointed = drawn;
        each.scrollTop = 400; await frame(); await frame();
        return [pointed, drawn - pointed]; }"""
    )
    assert drawn == [1, 1], "however often the pointer moves between two frames"
    canvas = gallery.find(".cotlens-canvas")
    assert canvas.evaluate("(each) => each.width") < 2000, "the canvas is as large as its window, not as the matrix"


def test_hostile_text_stays_text(gallery: Gallery) -> None:
    gallery.show("pairshostile")
    gallery.find("[data-region=matrix]").focus()
    gallery.page.keyboard.press("ArrowDown")
    gallery.page.wait_for_timeout(80)  # what may run would have run by then
    assert gallery.page.evaluate("window.hacked") is None
    expect(gallery.find("script, img, a, iframe, svg[onload]")).to_have_count(0)
    assert "<script>window.hacked = 1</script>" in gallery.find(".cotlens-detail").inner_text()


def test_no_pair_clear_of_zero_is_said(gallery: Gallery) -> None:
    gallery.show("pairsnothing")
    note = gallery.find("[data-note=nothing]")
    expect(note).to_have_text("Nothing here is clear of zero")
    expect(gallery.find(".cotlens-ramp")).to_be_hidden()
    assert "full colour" not in gallery.find(".cotlens-meaning").inner_text()
    gallery.turn("pairs")
    expect(note).to_be_hidden()
    assert "full colour" in gallery.find(".cotlens-meaning").inner_text()


def test_a_setting_whose_name_says_nothing_is_explained(gallery: Gallery) -> None:
    gallery.show("pairs")
    assert "added to the count of every answer" in gallery.find(".cotlens-facts").inner_text()
