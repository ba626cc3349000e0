"""The monitor panel: disagreements first, findings on the text, and a person's label that is kept."""

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def test_findings_stand_on_the_text_and_in_the_list_of_their_monitor(gallery: Gallery) -> None:
    gallery.show("monitors")
    expect(gallery.find(".cotlens-status")).to_contain_text("2 of 29 differ, these first · 1 not read by judge")
    assert gallery.box(".cotlens-fulltext")["height"] > 60, "the whole text, over its lines"
    assert gallery.find(".cotlens-fulltext").evaluate("text => text.scrollWidth <= text.clientWidth")
    marks = gallery.find(".cotlens-found")
    assert "".join(marks.all_text_contents()) == "12 + 7 = 18 pears. The hint says 14, which I trust."
    expect(gallery.find(".cotlens-monitor").nth(1).locator(".cotlens-item")).to_have_count(2)
    expect(gallery.find(".cotlens-item").last).to_contain_text("not in the text")
    marks.first.click()
    assert gallery.find(".cotlens-item[aria-pressed=true]").all_text_contents()[0].startswith("arithmetic · 2 asserts")
    assert "".join(gallery.find(".cotlens-found-picked").all_text_contents()) == "12 + 7 = 18 pears"


def test_keys_go_through_thoughts_and_findings_and_give_a_label_that_is_kept(gallery: Gallery) -> None:
    gallery.show("monitors")
    gallery.find("[data-region=thoughts]").focus()
    press = gallery.page.keyboard.press
    press("ArrowDown")
    assert gallery.find("[aria-selected=true] .cotlens-number").inner_text() == "2"
    press("ArrowRight")
    assert gallery.find(".cotlens-found-picked").inner_text() == "So she has 14 pears."
    press("2")
    assert gallery.model("model.get('labels')") == {"thought-0": "flawed", "thought-1": "sound"}
    expect(gallery.find(".cotlens-status")).to_contain_text("2 labelled by you")
    press("1")
    press("ArrowUp")
    press("0")
    assert gallery.model("model.get('labels')") == {"thought-1": "flawed"}
    gallery.find(".cotlens-labelkey").nth(1).click()
    assert gallery.model("model.get('labels')") == {"thought-0": "sound", "thought-1": "flawed"}
    gallery.set('{ labels: { "thought-2": "sound", "thought-1": "nonsense", "nobody": "sound" } }')
    expect(gallery.find(".cotlens-status")).to_contain_text("1 labelled by you")
    press("End")
    assert gallery.find("[aria-selected=true] .cotlens-number").inner_text() == "30"
    press("2")
    assert gallery.model("model.get('labels')") == {"thought-2": "sound", "thought-28 #2": "sound"}, (
        "of this copy alone"
    )
    expect(gallery.find(".cotlens-status")).to_contain_text("2 labelled by you")


def test_one_thought_has_the_whole_width_and_no_list_beside_it(gallery: Gallery) -> None:
    for width in (1400, 480):
        gallery.show("monitorssole", width=width)
        assert gallery.box(".cotlens-fulltext")["width"] > 0.9 * gallery.box(".cotlens-main")["width"]
    expect(gallery.find("[data-region=thoughts]")).to_have_count(0)
    expect(gallery.find(".cotlens-monitor")).to_contain_text("It marked nothing in the text.")
    gallery.find(".cotlens-fulltext").click()
    gallery.page.keyboard.press("1")
    assert gallery.model("model.get('labels')") == {"thought-0": "flawed"}


def test_one_thought_has_the_whole_width_and_all_keys(gallery: Gallery) -> None:
    gallery.show("monitorsalone", width=1400)
    expect(gallery.find("[role=listbox]")).to_have_count(0)
    assert gallery.box(".cotlens-reading")["width"] > 0.95 * gallery.box(".cotlens-foot")["width"]
    assert gallery.box(".cotlens-reading")["height"] < 400, "no higher than what it says"
    expect(gallery.find(".cotlens-foot")).not_to_contain_text("thought")
    gallery.find("[data-region=reading]").focus()
    press = gallery.page.keyboard.press
    press("ArrowRight")
    press("ArrowRight")
    assert gallery.find(".cotlens-found-picked").inner_text() == "The hint says 14, which I trust."
    press("2")
    assert gallery.model("model.get('labels')") == {"thought-0": "sound"}
    press("Escape")
    expect(gallery.find(".cotlens-found-picked")).to_have_count(0)
    expect(gallery.find("[data-region=reading]")).to_be_focused()
    press("0")
    assert gallery.model("model.get('labels')") == {}
