"""Choosing what to shade by: the menu of measures, units, long work that waits, and what a sampled effect rests on."""

from typing import Any

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def opened(gallery: Gallery, state: str, **options: Any) -> None:
    gallery.show(state, **options)
    gallery.find(".cotlens-measure").click()


def focused(gallery: Gallery) -> str | None:
    return gallery.page.evaluate("document.activeElement.dataset.measure ?? null")


def facts(gallery: Gallery) -> dict[str, str]:
    names, words = (gallery.find(f".cotlens-more {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(names, words, strict=True))


def test_the_menu_is_grouped_and_says_question_and_cost(gallery: Gallery) -> None:
    opened(gallery, "shaded")
    groups = gallery.find(".cotlens-group").evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
    cheap = ["One pass, exact", "Sampled on-policy", "Rewritten, then continued", "Attention"]
    assert groups == [*cheap, "Faithfulness", "Inside the model (white-box)"]
    resampling = gallery.find('[data-measure="resampling"]')
    assert "up to 180 rollouts of about 60 tokens, about 8 s" in resampling.inner_text()
    assert "how often would it reach the same answer?" in resampling.inner_text()
    assert gallery.find('[aria-checked="true"]').get_attribute("data-measure") == "occlusion_direct"
    resampling.click()
    assert gallery.find(".cotlens-measures").is_hidden()
    wish = {
        "measure": "resampling",
        "unit": "sentence",
        "metric": "probability",
        "n": 20,
        "spans": None,
        "target": "",
        "confirmed": False,
    }
    assert gallery.sent("measure") == [{"kind": "measure", "document": "d0", **wish}]


def test_a_measure_that_cannot_be_had_is_off_with_its_reason(gallery: Gallery) -> None:
    opened(gallery, "shaded")
    gradient = gallery.find('[data-measure="gradient"]')
    assert gradient.get_attribute("aria-disabled") == "true"
    for text in (gradient.inner_text(), gradient.get_attribute("title") or ""):
        assert 'load the model with backend="local"' in text
    gradient.click(force=True)
    assert gallery.sent("measure") == [] and gallery.find(".cotlens-measures").is_visible()


def test_the_menu_goes_by_keyboard(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.find(".cotlens-measure").focus()
    keyboard = gallery.page.keyboard
    keyboard.press("Enter")
    assert focused(gallery) == "occlusion_direct"
    keyboard.press("ArrowDown")
    assert focused(gallery) == "occlusion_total"
    keyboard.press("End")
    assert focused(gallery) == "probe"
    keyboard.press("ArrowDown")
    assert focused(gallery) == "early-answer"
    gallery.set("{ measures: model.get('measures').map((each) => ({ ...each, cost: 'at most 7 tokens' })) }")
    assert focused(gallery) == "early-answer", "costs that become known don't move the focus"
    assert "at most 7 tokens" in gallery.find('[data-measure="early-answer"]').inner_text()
    keyboard.press("Escape")
    assert gallery.find(".cotlens-measures").is_hidden()
    assert gallery.page.evaluate("document.activeElement.className").endswith("cotlens-measure")
    keyboard.press("Enter")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    assert gallery.sent("measure")[-1]["measure"] == "occlusion_total"


def test_quick_choices_add_up_while_the_kernel_is_busy(gallery: Gallery) -> None:
    opened(gallery, "shaded")
    gallery.model("model.answering = false")
    gallery.find('[data-measure="occlusion_total"]').click()
    gallery.find('[data-unit="sentence"]').click()
    gallery.page.get_by_label("metric", exact=True).select_option("probability")
    wishes = [(each["measure"], each["unit"], each["metric"]) for each in gallery.sent("measure")]
    assert [wish[0] for wish in wishes] == ["occlusion_total"] * 3
    assert wishes[1][1:] == ("sentence", wishes[0][2]) and wishes[2][1:] == ("sentence", "probability")
    assert gallery.find('[data-unit="token"]').get_attribute("aria-pressed") == "true", "nothing was answered yet"
    error = {"message": "Not now."}
    gallery.reply({"kind": "reply", "request_id": gallery.asked("measure"), "status": "error", "error": error})
    gallery.find('[data-unit="paragraph"]').click()
    assert gallery.sent("measure")[-1]["measure"] == "occlusion_direct", "what failed is not what is meant"


def test_the_menu_stays_inside_narrow_cells(gallery: Gallery) -> None:
    for width in (480, 900, 1400):
        opened(gallery, "shaded", width=width)
        root, panel = gallery.box(".cotlens-head"), gallery.box(".cotlens-measures")
        assert panel["x"] >= root["x"] and panel["x"] + panel["width"] <= root["x"] + root["width"] + 1
        wide = gallery.find(".cotlens-measures").evaluate("panel => panel.scrollWidth > panel.clientWidth")
        assert not wide, "everything can be read"


def test_a_unit_that_makes_no_sense_is_off_with_its_reason(gallery: Gallery) -> None:
    gallery.show("sentence")
    token = gallery.find('[data-unit="token"]')
    assert token.get_attribute("aria-disabled") == "true"
    assert "rollouts begin where sentences do" in (token.get_attribute("title") or "")
    token.click(force=True)
    assert gallery.sent("measure") == []
    gallery.find('[data-unit="paragraph"]').click()
    assert gallery.sent("measure")[-1]["unit"] == "paragraph"
    gallery.find("select[aria-label='rollouts from each place']").select_option("100")
    assert gallery.sent("measure")[-1]["n"] == 100


def test_long_work_waits_with_its_cost(gallery: Gallery) -> None:
    gallery.show("asking")
    words = gallery.find(".cotlens-words").inner_text()
    assert "3,520 rollouts" in words and "about 3 min" in words and "waits until you start it" in words
    gallery.action("measure").click()
    (sent,) = gallery.sent("measure")
    assert sent["measure"] == "resilience" and sent["confirmed"] is True


def test_what_has_come_is_shown_and_the_rest_is_offered(gallery: Gallery) -> None:
    gallery.show("sampling")
    assert gallery.find(".cotlens-amount, .cotlens-up, .cotlens-down").count() > 0
    assert "not complete" in gallery.find(".cotlens-words").inner_text()
    assert gallery.action("measure").is_hidden() and gallery.action("cancel").is_visible()
    gallery.set("{ job: { ...model.get('job'), state: 'cancelled' } }")
    assert "64 of 180 kept" in gallery.find(".cotlens-status").inner_text()
    assert gallery.action("measure").inner_text() == "Measure the rest"
    assert gallery.find(".cotlens-legend").is_visible()
    gallery.action("measure").click()
    assert gallery.sent("measure")[-1]["confirmed"] is True


def test_the_inspector_says_what_a_sampled_effect_rests_on(gallery: Gallery) -> None:
    gallery.show("sentence")
    gallery.find('[data-sentence="4"]').click()
    assert "to +" in gallery.find(".cotlens-fact-certainty").inner_text()
    assert gallery.find(".cotlens-fact-kind").inner_text() == "on-policy"
    assert facts(gallery) == {
        "reading": "interval excludes 0",
        "rollouts": "20 with it, 20 without",
        "gave the answer": ".95 with it, .62 without",
        "corrected": "not significant over all 8 (q = .231)",
    }
    gallery.find('[data-sentence="0"]').click()
    assert facts(gallery)["reading"] == "interval includes 0"
    expect(gallery.find(".cotlens-block:has([data-sentence='0']) .cotlens-effect-hollow")).to_have_count(1)
    gallery.find('[data-sentence="5"]').click()
    said = gallery.find(".cotlens-fact-effect").inner_text()
    assert said == "not measured: the answer could not be read in 3 of 20 rollouts"
    assert facts(gallery) == {"rollouts": "20 with it, 17 without; 3 gave no answer"}
    words = gallery.find(".cotlens-words").get_attribute("title") or ""
    for part in ("Resampling per sentence, 20 rollouts from each place", "p('7')", "on-policy", "0 = no effect", "+ ="):
        assert part in words


def test_a_selected_stretch_becomes_a_unit(gallery: Gallery) -> None:
    gallery.show("shaded")
    first, last = (gallery.token(index).bounding_box() for index in (50, 53))
    assert first is not None and last is not None
    mouse = gallery.page.mouse
    mouse.move(first["x"] + 2, first["y"] + 8)
    mouse.down()
    mouse.move(last["x"] + last["width"] - 2, last["y"] + 8, steps=4)
    mouse.up()
    button = gallery.action("span")
    assert button.inner_text() == "Measure this stretch"
    button.click()
    (sent,) = gallery.sent("measure")
    ((start, end),) = sent["spans"]
    assert sent["unit"] == "span" and start < end
    gallery.set(f"{{ selection: {{ ...model.get('selection'), unit: 'span', spans: [[{start}, {end}], [2, 4]] }} }}")
    gallery.token(60).click()  # elsewhere first: a click on selected text keeps the selection
    assert button.is_hidden()
    gallery.token(51).click()
    assert button.inner_text() == "Drop this stretch"
    button.click()
    assert gallery.sent("measure")[-1]["spans"] == [[2, 4]]


def test_an_effect_says_whose_it_is_and_where_it_stands_in_the_table(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(69).click()
    assert gallery.find("dt:has(+ .cotlens-fact-effect)").inner_text() == "effect on answer"
    row = gallery.model("model.get('shading_rows').getUint32(4 * 69, true)")
    assert row != 69 and facts(gallery)["row of the table"] == str(row)
    gallery.show("sentence")
    gallery.token(69).click()
    sentence = gallery.find(".cotlens-picked").get_attribute("aria-label")
    assert gallery.find(".cotlens-title").first.inner_text().startswith("Token 69")
    assert gallery.find("dt:has(+ .cotlens-fact-effect)").inner_text() == f"effect of {sentence}"


def test_what_is_told_of_the_whole_thought_stands_above_it_and_shades_nothing(gallery: Gallery) -> None:
    gallery.show("whole")
    told = gallery.find(".cotlens-whole")
    expect(told).to_contain_text("does the answer change with it?")
    assert told.locator("dd").all_inner_texts() == [
        "0.900 (0.596 to 0.995), 10 edits",
        "0 (0 to 0.299), 9 edits; 1 of 10 edits gave no answer that could be read",
        "not measured: there is no other value to put in the place of 'blue'",
        "1.00, exact",
    ]
    assert told.locator("[data-control] dt").all_inner_texts() == [
        "conclusion untouched: the same answer comes back (control)"
    ]
    expect(gallery.find(".cotlens-words")).to_contain_text("nothing in it is shaded")
    assert gallery.find(".cotlens-legend").is_hidden() and gallery.find('[data-action="measure"]').is_hidden()
    assert not gallery.root.locator("[class*='cotlens-up'], [class*='cotlens-down']").count()
    gallery.set("{ whole: {} }")
    expect(told).to_be_hidden()
    expect(gallery.find('[data-action="measure"]')).to_be_visible()
