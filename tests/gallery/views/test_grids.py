"""The grids of lenses and patches: read by pointer and by keys, opened into tokens, and patched by hand and by keys."""

import re

from playwright.sync_api import Locator, expect

from tests.gallery.page import Gallery
from tests.gallery.views.test_pair_matrix import PIXEL, WRITTEN

GAP, TOP, LEFT = 24, 24, 40


def title(gallery: Gallery) -> Locator:
    return gallery.find(".cotlens-detail .cotlens-title")


def layers(gallery: Gallery) -> Locator:
    return gallery.find("[data-region=layers]")


def cell(gallery: Gallery, band: int, row: int, column: int) -> tuple[float, float]:
    """The middle of a cell on the canvas, at fit; columns are too narrow here for the beginnings of sentences."""
    grid = gallery.model("model.get('grid')")
    panels = grid["levels"][0]["panels"]
    bands, rows, columns = len(panels), len(grid["rows"]), len(panels[0]["texts"])
    width, height = layers(gallery).evaluate("(each) => [each.clientWidth, each.clientHeight]")
    wide = min(150, (width - LEFT - 2) / columns)
    top = TOP + (14 if wide >= 44 else 0)
    tall = max(3, min(30, (height - top - 4) / bands / rows - GAP / rows))
    return LEFT + (column + 0.5) * wide, top + band * (GAP + rows * tall) + GAP + (row + 0.5) * tall


def test_pointing_reads_both_runs_and_a_click_picks_the_sentence_for_linked_views(gallery: Gallery) -> None:
    gallery.show("lenstwo", width=900)
    x, y = cell(gallery, 1, 0, 2)
    layers(gallery).hover(position={"x": x, "y": y})
    expect(title(gallery)).to_have_text("sentence 2 · after layer 12, the last: the model itself")
    expect(gallery.find(".cotlens-facts dt")).to_have_text(["first trace", "second trace", "second − first", "floor"])
    layers(gallery).click(position={"x": x, "y": y})
    picked = gallery.model("model.get('selected')")
    assert [picked["trace"], picked["unit"], picked["layer"]] == ["t8", "sentence", 12]
    assert picked["span"][1] > picked["span"][0] > 20
    first = gallery.model("model.get('grid').levels[0].panels[0].first.getUint32(4 * 5, true)")
    gallery.set(f"{{ selected: {{ trace: 't7', span: [{first}, {first + 1}] }} }}")
    gallery.find(".cotlens-head").first.hover()
    expect(title(gallery)).to_contain_text("sentence 5 · ")


def test_arrow_keys_cross_runs_and_enter_opens_the_tokens(gallery: Gallery) -> None:
    gallery.show("lenswords", width=900)
    layers(gallery).focus()
    press = gallery.page.keyboard.press
    gallery.page.evaluate("window.leaked = []; document.addEventListener('keydown', (e) => leaked.push(e.key))")
    deep = "after layer 30, the last: the model itself"
    for key, where in [
        ("ArrowDown", f"sentence 0 · {deep}"), ("ArrowDown", "sentence 0 · after layer 29"),
        ("ArrowRight", "sentence 1 · after layer 29"), ("Shift+ArrowDown", "sentence 1 · after layer 19"),
        ("End", "sentence 14 · after layer 19"), ("Home", "sentence 0 · after layer 19"),
        ("Enter", "token 0 of sentence 0 · after layer 19"), ("ArrowRight", "token 1 of sentence 0 · after layer 19"),
    ]:  # fmt: skip
        press(key)
        expect(title(gallery)).to_have_text(where)
    expect(gallery.find(".cotlens-inside")).to_contain_text("sentence 0: Okay, so the school buys")
    expect(gallery.find(".cotlens-leads")).to_contain_text("leading")
    said = gallery.page.locator(f"#{layers(gallery).get_attribute('aria-activedescendant')}")
    expect(said).to_have_attribute("aria-colindex", "2")
    assert (said.get_attribute("aria-label") or "").startswith("answer 60, token 1 of sentence 0, after layer 19, −")
    written = layers(gallery).evaluate(WRITTEN)
    assert "30" in written and "·so" in written, "the last layer has its number, and tokens stand above"
    press("Escape")
    expect(title(gallery)).to_have_text("sentence 0 · after layer 19")
    press("Escape")
    expect(title(gallery)).to_have_text("All cells")
    assert [key for key in gallery.page.evaluate("leaked") if key != "Shift"] == []


def test_colours_are_those_of_what_was_measured_and_nothing_else_is_filled(gallery: Gallery) -> None:
    gallery.show("lenstwo", width=900)
    canvas, panel = gallery.find(".cotlens-canvas"), "model.get('grid').levels[0].panels"
    apart = gallery.model(f"[...new Float32Array({panel}[2].estimate.buffer)]")
    row, column = divmod(max(range(len(apart)), key=lambda at: abs(apart[at] or 0)), 15)
    red, _, blue, alpha = canvas.evaluate(PIXEL, list(cell(gallery, 2, row, column)))
    assert alpha > 0 and (red > blue) == (apart[row * 15 + column] > 0)
    codes = gallery.model(f"[...new Uint8Array({panel}[0].code.buffer)]")
    for code in (2, 3):  # not measured, below the floor
        row, column = divmod(codes.index(code), 15)
        red, _, blue, _ = canvas.evaluate(PIXEL, list(cell(gallery, 0, row, column)))
        assert abs(red - blue) < 30, "a hatch at most"
    others = gallery.model(f"[...new Uint8Array({panel}[1].code.buffer)]")
    row, column = divmod([*zip(codes, others, strict=True)].index((3, 1)), 15)
    x, y = cell(gallery, 2, row, column)
    layers(gallery).hover(position={"x": x, "y": y})
    expect(gallery.find(".cotlens-caution")).to_have_text(re.compile("^first trace: below the floor: "))


def test_one_run_can_be_shown_alone_and_columns_wider(gallery: Gallery) -> None:
    gallery.show("lenslarge", width=900)
    gallery.find("[data-only='2']").click()
    expect(layers(gallery)).to_have_attribute("aria-rowcount", "40")
    gallery.find("[data-zoom='4']").click()
    scrolls = "(each) => [each.scrollWidth / each.clientWidth > 3, each.scrollHeight - each.clientHeight]"
    assert layers(gallery).evaluate(scrolls) == [True, 0], "all layers stay in view"


def patched(gallery: Gallery) -> dict:
    """The patch that was asked for, as layers and tokens of columns 7 and 8."""
    first = gallery.model("[7, 8].map((at) => model.get('grid').levels[0].panels[0].first.getUint32(4 * at, true))")
    (sent,) = gallery.awaited("patch")
    return {**sent, "columns": [first.index(sent["from_first"]), first.index(sent["first"])]}


def drag(gallery: Gallery) -> None:
    """From the second run over the first, with the button held."""
    box = layers(gallery).bounding_box()
    assert box
    (x, y), (u, v) = cell(gallery, 1, 2, 7), cell(gallery, 0, 3, 8)
    mouse = gallery.page.mouse
    mouse.move(box["x"] + x, box["y"] + y)
    mouse.down()
    mouse.move(box["x"] + u, box["y"] + v, steps=4)
    expect(layers(gallery)).to_have_attribute("data-carrying", "")


def test_a_cell_is_dragged_onto_the_other_run_also_while_tokens_come(gallery: Gallery) -> None:
    gallery.show("patchwaits", width=900)
    layers(gallery).focus()
    gallery.page.keyboard.press("ArrowRight")
    gallery.page.keyboard.press("Enter")
    drag(gallery)
    gallery.set("{ grid: window.__cotlens.more('patch').grid }")
    expect(layers(gallery)).to_have_attribute("data-carrying", "")
    gallery.page.mouse.up()
    sent = patched(gallery)
    assert [sent["side"], sent["from_layer"], sent["layer"], sent["columns"]] == ["base", 5, 4, [0, 1]]
    expect(title(gallery)).to_contain_text("token 0 of sentence 0")  # which was asked for before


def test_escape_lets_a_carried_cell_go(gallery: Gallery) -> None:
    gallery.show("patch", width=900)
    drag(gallery)
    gallery.page.keyboard.press("Escape")
    gallery.page.mouse.up()
    drag(gallery)
    gallery.page.mouse.up()
    sent = patched(gallery)
    assert [sent["side"], sent["from_layer"], sent["layer"], sent["columns"]] == ["base", 5, 4, [0, 1]]
    expect(title(gallery)).to_have_text("sentence 8 · after layer 4")


def test_and_by_keys(gallery: Gallery) -> None:
    gallery.show("patch", width=900)
    layers(gallery).focus()
    press = gallery.page.keyboard.press
    for key in ["ArrowRight", *["ArrowRight"] * 7, "ArrowDown", "m"]:
        press(key)
    for key in ["Shift+ArrowDown", "ArrowUp", "ArrowRight"]:
        press(key)
    expect(title(gallery)).to_have_text("sentence 8 · after layer 5")
    press("Enter")
    sent = patched(gallery)
    assert [sent["side"], sent["from_layer"], sent["layer"], sent["columns"]] == ["source", 6, 5, [0, 1]]


def test_tokens_that_are_not_there_are_asked_for_and_shown_when_they_come(gallery: Gallery) -> None:
    gallery.show("patchwaits", width=900)
    layers(gallery).focus()
    gallery.page.keyboard.press("ArrowRight")
    gallery.page.keyboard.press("Enter")
    assert gallery.awaited("tokens") == [{"kind": "tokens", "column": 0}]
    gallery.set("{ grid: window.__cotlens.more('patch').grid }")
    expect(title(gallery)).to_contain_text("token 0 of sentence 0")
    expect(layers(gallery)).to_be_focused()


def test_without_a_model_it_is_read_and_says_why_nothing_is_patched(gallery: Gallery) -> None:
    gallery.show("patchgone", width=900)
    layers(gallery).focus()
    gallery.page.keyboard.press("ArrowRight")
    expect(gallery.find(".cotlens-status").last).to_have_text("read only")
    expect(gallery.action("mark")).to_have_attribute("title", gallery.model("model.get('why')"))
    gallery.show("patchrunning", width=900)
    expect(gallery.find(".cotlens-status").last).to_contain_text("layer 5: 72 - 12 = 60. · 12 of 80")
    gallery.action("cancel").click()
    assert gallery.awaited("cancel") == [{"kind": "cancel", "job": 3}]


def test_when_the_kernel_goes_the_grid_says_so_and_lets_nothing_be_carried(gallery: Gallery) -> None:
    gallery.show("patch", width=900)
    layers(gallery).focus()
    for key in ["ArrowRight", "m"]:
        gallery.page.keyboard.press(key)
    drag(gallery)
    gallery.page.evaluate("() => { window.__cotlens.model.send = () => { throw new Error('closed'); }; }")
    gallery.page.mouse.up()
    expect(gallery.find(".cotlens-notice-words")).to_contain_text("The kernel that ran this widget is gone.")
    expect(gallery.action("mark")).to_have_attribute("aria-disabled", "true")


def test_a_step_of_the_intensity_is_one_picture_in_a_frame(gallery: Gallery) -> None:
    """40 layers x 400 sentences, three runs: how long it takes is in the bench."""
    gallery.show("lenslarge", width=900)
    drawn = layers(gallery).evaluate(
        """async (each) => { const frame = () => new Promise((done) => requestAnimationFrame(done));
        const paper = each.querySelector('canvas').getContext('2d'), draw = paper.drawImage; let drawn = 0;
        paper.drawImage = (...all) => { drawn += 1; draw.apply(paper, all); };
        const range = each.closest('.cotlens-root').querySelector('input[type=range]');
        for (const value of [.2, .4, .6, .8]) { range.value = value; range.dispatchEvent(new Event('input')); }
        await frame(); await frame();
        return drawn; }"""
    )
    assert drawn == 6, (
        "colours and what lies below the floor, once for each run, however often the slider moves between two frames"
    )
