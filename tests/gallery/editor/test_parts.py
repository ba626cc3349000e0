"""A trace of many parts: the others are lines that unfold, and another thought is one key or one click away."""

from playwright.sync_api import Locator, expect

from tests.gallery.page import Gallery

SENT = "window.__cotlens.model.sent.filter((each) => each.kind === 'focus').map((each) => each.thought)"


def lines(gallery: Gallery) -> list[str]:
    """The lines in sight, as they are read."""
    return gallery.find(".cotlens-part-line").evaluate_all(
        "(all) => all.map((e) => [...e.children].slice(1, 4).map((c) => c.textContent).join(' | '))"
    )


def line(gallery: Gallery, at: int) -> Locator:
    return gallery.find(f'[data-part="{at}"]')


def test_what_stands_around_a_thought_is_one_line_each(gallery: Gallery) -> None:
    gallery.show("parts", width=900)
    assert lines(gallery)[:5] == [
        "system | turn 0 | You are a careful assistant. Count shells only.",
        "user | turn 1 | " + gallery.model("model.get('document').text.split('\\n\\n')[1]"),
        "thought 1 | turn 2 | I should look up how many he has.",
        'tool call | turn 2 | look({"who": "Ravi"})',
        "tool result | turn 3 | " + ("6 shells. " + "Nothing else is known of him. " * 20)[:200].strip(),
    ]
    assert {gallery.find(".cotlens-part-line").nth(i).bounding_box()["height"] for i in range(5)} == {28}
    labels = gallery.find(".cotlens-role").all_inner_texts()
    assert [label.split()[0].lower() for label in labels] == ["thought", "answer", "later"]
    assert "2 of 4" in labels[0]
    expect(gallery.find(".cotlens-foot")).to_contain_text("P N thought")
    gallery.turn("shaded")
    expect(gallery.find(".cotlens-foot")).not_to_contain_text("P N thought")


def test_a_part_unfolds_by_click_and_by_enter_and_can_be_searched(gallery: Gallery) -> None:
    gallery.show("parts", width=900)
    line(gallery, 0).click()
    expect(line(gallery, 0)).to_have_attribute("aria-expanded", "true")
    expect(line(gallery, 0)).to_be_focused()
    assert "careful assistant" in gallery.find(".cotlens-prompt .cotlens-text").first.inner_text()
    gallery.page.keyboard.press("Enter")
    expect(line(gallery, 0)).to_have_attribute("aria-expanded", "false")
    expect(gallery.find(".cotlens-prompt")).to_have_count(0)
    line(gallery, 7).click()
    expect(gallery.find("p.cotlens-text").filter(has_text="And how many had he at first?")).to_be_visible()
    gallery.page.keyboard.press("Control+f")
    gallery.page.keyboard.type("known of him")
    expect(line(gallery, 4)).to_have_attribute("aria-expanded", "true")
    assert gallery.sent("focus") == []


def test_another_thought_is_a_key_or_a_click_away(gallery: Gallery) -> None:
    gallery.show("parts", width=900)
    gallery.find("[data-region=text]").focus()
    gallery.page.evaluate("window.__cotlens.model.answering = false")
    for key in ("n", "n", "n", "p"):  # quick steps are as many steps, and there is no fifth thought
        gallery.page.keyboard.press(key)
    line(gallery, 2).click()
    assert gallery.page.evaluate(SENT) == [2, 3, 2, 0]


def test_what_is_folded_is_stepped_over(gallery: Gallery) -> None:
    gallery.show("parts", width=900)
    gallery.find("[data-region=text]").focus()
    for key in ("Home", "ArrowLeft"):
        gallery.page.keyboard.press(key)
    first = gallery.find(".cotlens-cur").get_attribute("data-token")
    line(gallery, 1).click()
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("ArrowLeft")
    assert int(gallery.find(".cotlens-cur").get_attribute("data-token") or 0) < int(first or 0)
    expect(gallery.find(".cotlens-cur")).to_be_visible()


def test_a_summary_can_be_read_and_says_why_it_is_not_measured(gallery: Gallery) -> None:
    gallery.show("partsummary", width=900)
    why = "This thought is a summary that the provider wrote"
    expect(gallery.find(".cotlens-note").first).to_contain_text(why)
    for action in ("rerun", "truncate", "edit", "measure"):
        expect(gallery.action(action).first).to_have_attribute("aria-disabled", "true")
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("Enter")
    expect(gallery.find(".cotlens-notice")).to_contain_text(why)
    expect(gallery.find(".cm-editor")).to_have_count(0)


def test_without_a_kernel_every_part_is_read_and_a_thought_unfolds(gallery: Gallery) -> None:
    gallery.show("partsgone", width=900)
    line(gallery, 2).click()
    expect(line(gallery, 2)).to_have_attribute("aria-expanded", "true")
    expect(gallery.find(".cotlens-prompt .cotlens-text").first).to_contain_text("I should look up")
    line(gallery, 9).click()
    expect(gallery.find(".cotlens-note").filter(has_text="came encrypted")).to_be_visible()
    gallery.page.keyboard.press("n")
    expect(gallery.find(".cotlens-notice")).to_contain_text("The kernel that ran this widget is gone")
    assert gallery.sent("focus") == []


def test_lines_are_drawn_in_forced_colours(gallery: Gallery) -> None:
    gallery.page.emulate_media(forced_colors="active")
    gallery.show("parts", width=480)
    ink, ground = line(gallery, 1).evaluate("(e) => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
    assert ink != ground
    expect(line(gallery, 1).locator(".cotlens-part-size")).to_be_in_viewport()
