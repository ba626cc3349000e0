"""Scrubbing through the thought."""

from playwright.sync_api import expect

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


def test_a_point_that_was_left_out_says_so_and_names_the_measured_one(gallery: Gallery) -> None:
    gallery.show("refined")
    assert "thin lines: interpolated" in gallery.find(".cotlens-strip").inner_text()
    handle = gallery.find("[role=slider]")
    handle.focus()
    gallery.page.keyboard.press("Home")
    assert ": stopped here it would answer" in (handle.get_attribute("aria-valuetext") or "")
    gallery.page.keyboard.press("ArrowRight")
    gallery.page.keyboard.press("ArrowRight")
    said = handle.get_attribute("aria-valuetext") or ""
    assert ": not measured here; 2 tokens before it would answer 9 (." in said


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
    expect(gallery.find(".cotlens-dim")).to_have_count(0)


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


def test_the_likeliest_answer_is_drawn_and_can_be_followed(gallery: Gallery) -> None:
    gallery.show("hidden")
    key = gallery.find(".cotlens-key").inner_text()
    assert "p(2) " in key and "p(12) .9" in key, "that which leads at the end stands there, not only the trace's own"
    assert gallery.find("[data-answer='2']").get_attribute("aria-pressed") == "true"
    gallery.find("[data-answer='12']").click()
    assert gallery.sent("measure")[-1]["target"] == "12"
    gallery.set(
        "{ strip: { ...model.get('strip'), target: 1 }, selection: { ...model.get('selection'), target: '12' } }"
    )
    assert gallery.find("[data-answer='12']").get_attribute("aria-pressed") == "true"
    gallery.find("[data-answer='2']").click()
    assert gallery.sent("measure")[-1]["target"] == "", "the trace's own answer needs no name"


def test_reader_and_target_are_chosen_in_the_head(gallery: Gallery) -> None:
    gallery.show("shaded")
    opener = gallery.action("choices")
    assert opener.inner_text() == "answer 7 · read by final"
    opener.click()
    assert "looks for words such as" in gallery.find(".cotlens-choicepanel").inner_text()
    gallery.page.get_by_label("reader of answers").select_option("boxed")
    assert gallery.sent("reader") == [{"kind": "reader", "reader": "boxed"}]
    gallery.page.get_by_label("answer that is followed").select_option("9")
    assert gallery.sent("measure")[-1]["target"] == "9"


def test_answers_that_cannot_be_read_are_said_with_a_way_out(gallery: Gallery) -> None:
    gallery.show("unread")
    advice = gallery.find(".cotlens-advice")
    assert "0 of 12 answers could be read." in advice.inner_text() and "max_new_tokens" in advice.inner_text()
    assert "rollouts, 0 of 12 answers read · 12 of 180" in gallery.find(".cotlens-status").inner_text()
    gallery.action("force").click()
    wish = gallery.sent("measure")[-1]
    assert (wish["measure"], wish["unit"], wish["confirmed"]) == ("early-answer", "sentence", True)
    assert advice.is_hidden()
    gallery.turn("unread")
    gallery.action("another-reader").click()
    assert gallery.page.get_by_label("reader of answers").is_visible()
    gallery.turn("sampling")
    assert gallery.find(".cotlens-advice").is_hidden(), "177 of 180 is well"
