"""Scrubbing through the thought."""

from tests.gallery.page import Gallery


def drag(gallery: Gallery, by: float) -> None:
    box = gallery.box(".cotlens-handle")
    x, y = box["x"] + box["width"] / 2, box["y"] + 40
    gallery.page.mouse.move(x, y)
    gallery.page.mouse.down()
    gallery.page.mouse.move(x + by / 2, y)
    gallery.page.mouse.move(x + by, y)
    gallery.page.mouse.up()


def test_dragging_says_the_answer_and_asks_nothing(gallery: Gallery) -> None:
    gallery.show("shaded")
    drag(gallery, -500)
    said = gallery.find(".cotlens-said").inner_text()
    assert said.startswith("stopped here it would answer 9 (.")
    assert gallery.find(".cotlens-dim, .cotlens-dimmed").count() > 3
    assert gallery.sent() == []
    value = int(gallery.find("[role=slider]").get_attribute("aria-valuenow") or 0)
    assert gallery.find(".cotlens-dimmed").first.get_attribute("data-token") == str(value)
    gallery.action("truncate-stop").click()
    assert gallery.sent("truncate") == [{"kind": "truncate", "document": "d0", "token": value}]


def test_the_handle_is_a_slider_for_the_keyboard(gallery: Gallery) -> None:
    gallery.show("shaded")
    handle = gallery.find("[role=slider]")
    handle.focus()
    end = int(handle.get_attribute("aria-valuemax") or 0)
    gallery.page.keyboard.press("ArrowLeft")
    gallery.page.keyboard.press("ArrowLeft")
    assert handle.get_attribute("aria-valuenow") == str(end - 2)
    assert "would answer" in (handle.get_attribute("aria-valuetext") or "")
    gallery.page.keyboard.press("ArrowDown")
    starts = gallery.model("model.get('document').sentences.map((s) => s.first)")
    assert int(handle.get_attribute("aria-valuenow") or 0) in starts
    gallery.page.keyboard.press("Home")
    assert handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
    gallery.page.keyboard.press("Escape")
    assert handle.get_attribute("aria-valuenow") == str(end)
    assert gallery.find(".cotlens-dim").count() == 0


def test_grabbing_does_not_move_it(gallery: Gallery) -> None:
    gallery.show("shaded")
    drag(gallery, -300)
    before = gallery.box(".cotlens-handle")
    gallery.page.mouse.move(before["x"] + 3, before["y"] + 50)
    gallery.page.mouse.down()
    gallery.page.mouse.move(before["x"] + 4, before["y"] + 50)
    gallery.page.mouse.up()
    assert abs(gallery.box(".cotlens-handle")["x"] - before["x"]) < 12


def test_the_label_stays_inside(gallery: Gallery) -> None:
    gallery.show("shaded", width=480)
    for by in (-30, -120, -200):
        drag(gallery, by)
        flag, strip = gallery.box(".cotlens-flag"), gallery.box(".cotlens-strip")
        assert strip["x"] <= flag["x"]
        assert flag["x"] + flag["width"] <= strip["x"] + strip["width"]


def test_without_measured_answers_it_says_so(gallery: Gallery) -> None:
    gallery.show("first")
    drag(gallery, -200)
    assert gallery.find(".cotlens-said").inner_text() == "stopped here: answer not measured"
