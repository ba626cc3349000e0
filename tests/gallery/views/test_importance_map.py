"""The importance map: read, ranked, found by keys, and honest about what is not clear or not measured."""

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def facts(gallery: Gallery) -> dict[str, str]:
    names = gallery.find(".cotlens-facts dt").all_text_contents()
    return dict(zip(names, gallery.find(".cotlens-facts dd").all_text_contents(), strict=True))


def test_clicking_a_sentence_gives_its_text_and_numbers(gallery: Gallery) -> None:
    gallery.show("map")
    gallery.find('.cotlens-t[data-unit="4"]').click()
    assert gallery.find(".cotlens-quote").inner_text() == "72 - 12 = 60."
    shown = facts(gallery)
    assert shown["effect"] == "+0.340 probability"
    assert shown["interval"] == "+0.227 to +0.453"
    assert shown["certainty"] == "interval excludes 0"
    assert shown["samples"] == "100"
    assert shown["kind of edit"].startswith("on-policy")
    assert shown["q value"] == "0.0126"
    gallery.find('[data-row="7"]').click()
    assert gallery.find(".cotlens-picked .cotlens-num").inner_text() == "7"


def test_the_keys_move_and_announce(gallery: Gallery) -> None:
    gallery.show("map")
    text = gallery.find("[data-region=text]")
    text.focus()
    keys = [("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("End", 14), ("Home", 0), ("]", 2), ("]", 4), ("[", 2)]
    for key, unit in keys:
        gallery.page.keyboard.press(key)
        assert gallery.find(".cotlens-picked .cotlens-num").inner_text() == str(unit), key
    active = gallery.page.locator(f"#{text.get_attribute('aria-activedescendant')}")
    said = active.get_attribute("aria-label") or ""
    assert "effect +0.210 probability, interval" in said
    assert gallery.find("[role=status]").text_content() == said
    gallery.page.keyboard.press("Enter")
    assert gallery.page.evaluate("document.activeElement.className") == "cotlens-quote"
    gallery.page.keyboard.press("Escape")
    expect(gallery.find(".cotlens-picked")).to_have_count(0)
    gallery.until("document.activeElement.dataset.region === 'text'")


def test_what_may_be_nothing_looks_so_without_colour(gallery: Gallery) -> None:
    gallery.show("map")
    bars = gallery.find(".cotlens-block .cotlens-effect")
    hollow = bars.nth(0).locator("rect")
    assert hollow.evaluate("(each) => getComputedStyle(each).fill") == "none"
    assert bars.nth(4).locator("rect").evaluate("(each) => getComputedStyle(each).fill") != "none"
    assert gallery.find('.cotlens-t[data-unit="0"]').get_attribute("class") == "cotlens-t"
    assert "3 of 14" in gallery.find("[data-note=clear]").inner_text()
    gallery.action("all").click()
    assert "cotlens-ns" in (gallery.find('.cotlens-t[data-unit="0"]').get_attribute("class") or "")
    assert "underline" in gallery.find('.cotlens-t[data-unit="0"]').evaluate(
        "(e) => getComputedStyle(e).textDecoration"
    )
    assert gallery.find(".cotlens-table-body [data-row]").count() > 3
    gallery.page.emulate_media(forced_colors="active")
    assert hollow.evaluate("(each) => getComputedStyle(each).fill") == "none"


def test_not_measured_is_hatched_and_says_why(gallery: Gallery) -> None:
    gallery.show("map")
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("End")
    unit = gallery.find('.cotlens-t[data-unit="14"]')
    assert "repeating-linear-gradient" in unit.evaluate("(each) => getComputedStyle(each).backgroundImage")
    shown = facts(gallery)
    assert shown["effect"] == "not measured"
    assert shown["certainty"] == "there is no next sentence to compare with"
    expect(gallery.find(".cotlens-block .cotlens-effect").last.locator("rect")).to_have_count(0)
    gallery.turn("mapunmeasured")
    assert "0 of 15 sentences" in gallery.find(".cotlens-side").inner_text()


def test_the_ranking_sorts(gallery: Gallery) -> None:
    gallery.show("map")
    gallery.action("all").click()

    def first() -> str | None:
        return gallery.find(".cotlens-table-body [data-row]").first.get_attribute("data-row")

    assert first() == "4"
    gallery.find("[data-sort=effect]").click()
    assert first() == "4"
    gallery.find("[data-sort=effect]").click()
    assert first() == "5"
    assert gallery.find("[role=columnheader][aria-sort]").get_attribute("aria-sort") == "ascending"
    gallery.find("[data-sort=place]").click()
    assert first() == "0"
    gallery.find("[data-region=table]").focus()
    gallery.page.keyboard.press("End")
    assert gallery.find(".cotlens-picked .cotlens-num").inner_text() == "14"


def test_scores_can_be_switched(gallery: Gallery) -> None:
    gallery.show("mapmany")
    select = gallery.page.get_by_label("score", exact=True)
    expect(select.locator("option")).to_have_count(3)
    select.select_option("1")
    assert "exact: deterministic" in gallery.find(".cotlens-meaning").inner_text()
    assert gallery.find("[data-action=all]").is_hidden(), "an exact score has nothing to leave out"
    assert gallery.find(".cotlens-t[data-unit]").count() > 100
    select.select_option("2")
    assert gallery.find("[data-note=nothing]").is_visible()
    assert gallery.find(".cotlens-up, .cotlens-down").count() == 0 and gallery.find(".cotlens-ns").count() > 0


def test_the_strip_leads_to_its_units(gallery: Gallery) -> None:
    gallery.show("maplong")
    track = gallery.box(".cotlens-track")
    gallery.page.mouse.click(track["x"] + track["width"] * 0.7, track["y"] + 20)
    gallery.settle()
    number = int(gallery.find(".cotlens-picked .cotlens-num").inner_text())
    assert 360 < number < 480
    assert gallery.find(".cotlens-t[data-unit]").count() < 200, "a long text is drawn in part"
    frame = gallery.box(".cotlens-window")
    assert abs(frame["x"] + frame["width"] / 2 - (track["x"] + track["width"] * 0.7)) < 40


def test_hostile_text_stays_text(gallery: Gallery) -> None:
    gallery.show("maphostile")
    gallery.find(".cotlens-num").nth(1).click()
    gallery.page.wait_for_timeout(80)  # what may run would have run by then
    assert gallery.page.evaluate("window.hacked") is None
    expect(gallery.find("script, img, a, iframe, svg[onload]")).to_have_count(0)
    assert "<script>window.hacked = 1</script>" in gallery.find(".cotlens-content").inner_text()


def test_new_results_redraw_and_closing_leaves_nothing(gallery: Gallery) -> None:
    gallery.show("map")
    gallery.page.evaluate(
        """() => { const { model, show } = window.__cotlens; show('maptokens');
        const tokens = window.__cotlens.model.get('scores'); window.kept = model; model.set({ scores: tokens }); }"""
    )
    assert "Occlusion, per token" in gallery.find(".cotlens-head").inner_text()
    gallery.page.evaluate("window.__cotlens.close()")
    expect(gallery.page.locator(".cotlens-root")).to_have_count(0)
    assert gallery.page.evaluate("window.__cotlens.model.listeners()") == 0


def test_a_token_has_the_number_of_the_trace_wherever_it_stands(gallery: Gallery) -> None:
    gallery.show("maptokens")
    row = gallery.find(".cotlens-table-body [data-row]").first
    index, number = row.get_attribute("data-row"), row.locator(".cotlens-cell-place").inner_text()
    assert number != index
    row.click()
    assert gallery.find(".cotlens-detail .cotlens-title").inner_text() == f"Token {number} of the trace"
    assert facts(gallery)["row of the table"] == index
