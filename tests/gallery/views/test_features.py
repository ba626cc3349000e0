"""The feature table without a kernel: painting, selecting, sorting, searching, pinning, and what it asks Python."""

import pytest
from playwright.sync_api import expect

from tests.gallery.page import Gallery


def rows(gallery: Gallery, column: str) -> list[str]:
    return gallery.find(f".cotlens-table-body [data-row] .cotlens-cell-{column}").all_inner_texts()


def test_picking_paints_and_asks_for_the_exact_effect(gallery: Gallery) -> None:
    gallery.show("features", width=1400)
    row = rows(gallery, "exact").index("not asked")
    gallery.find(".cotlens-table-body [data-row]").nth(row).click()
    latent = int(rows(gallery, "latent")[row])
    assert gallery.find("[class*='cotlens-amount']").count() > 0
    assert f"latent {latent}" in gallery.find(".cotlens-caption").inner_text()
    assert gallery.sent("exact") == [{"kind": "exact", "document": "t0", "latents": [latent]}]
    hatched = gallery.find(".cotlens-t.cotlens-none")
    expect(hatched).to_have_count(2)
    assert "misses more than half" in (hatched.first.get_attribute("title") or "")
    gallery.action("blank").click()
    expect(gallery.find(".cotlens-t.cotlens-none")).to_have_count(0)


def test_selecting_text_filters_and_tells_python(gallery: Gallery) -> None:
    gallery.show("features", width=1400)
    everything = int(gallery.find("[data-region=table]").get_attribute("data-count") or 0)
    gallery.find("[data-block]").nth(3).click()
    assert gallery.action("part").inner_text() == "sentence 2"
    listed = int(gallery.find("[data-region=table]").get_attribute("data-count") or 0)
    assert 0 < listed < everything
    gallery.find("[data-sort=here]").click()
    values = [float(each) for each in rows(gallery, "here") if "not told" not in each]
    assert values == sorted(values, reverse=True)
    sent = gallery.sent("select")[-1]
    assert sent["document"] == "t0" and sent["first"] < sent["last"]
    gallery.action("whole").click()
    assert gallery.sent("select")[-1] == {"kind": "select", "document": "t0", "first": 0, "last": 0}
    gallery.find("[data-region=text]").focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"):
        gallery.page.keyboard.press(key)
    expect(gallery.find(".cotlens-chosen")).to_have_count(3)
    gallery.page.keyboard.press("Escape")
    expect(gallery.find(".cotlens-chosen")).to_have_count(0)


def test_it_opens_by_effect_and_folds_what_is_active_in_the_template_only(gallery: Gallery) -> None:
    """Raw activation put latents of the template on top."""
    gallery.show("featurestemplate", width=1400)
    sizes = [abs(float(each.replace("−", "-"))) for each in rows(gallery, "estimate")]
    assert (
        sizes == sorted(sizes, reverse=True)
        and gallery.find("[aria-sort=descending]").inner_text() == "effect, estimate"
    )
    listed = int(gallery.find("[data-region=table]").get_attribute("data-count") or 0)
    line = gallery.action("template")
    assert line.inner_text() == "5 latents active at template tokens only: show"
    line.click()
    assert int(gallery.find("[data-region=table]").get_attribute("data-count") or 0) == listed + 5
    line.click()
    gallery.find("input[type=search]").fill("template")
    expect(gallery.find(".cotlens-table-body [data-row]")).to_have_count(5)  # whoever asks for them gets them
    gallery.show("featuresnoanswer", width=1400)
    assert "sorted by mean activation on what was written" in gallery.find(".cotlens-foldline").inner_text()
    expect(gallery.find("[aria-sort]")).to_have_count(0)


@pytest.mark.parametrize("width", [420, 480, 900, 1000, 1400])
def test_no_heading_is_cut_whatever_it_is_sorted_by(gallery: Gallery, width: int) -> None:
    """It said "ffect, exact"."""
    gallery.page.set_viewport_size({"width": width + 30, "height": 900})
    gallery.show("features", width=width)
    cut = []
    for heading in gallery.find(".cotlens-table-head .cotlens-sort:visible").all():
        heading.click()
        cut += gallery.root.evaluate(
            "(root) => [...root.querySelectorAll('.cotlens-table-head .cotlens-cell')].filter((each) => {"
            " const button = each.firstElementChild; if (!button || each.offsetWidth === 0) return false;"
            " const [a, b] = [each.getBoundingClientRect(), button.getBoundingClientRect()];"
            " return b.left < a.left - 5 || b.right > a.right + 5; }).map((each) => [each.textContent,"
            " each.clientWidth, each.firstElementChild.offsetWidth])"
        )
    assert cut == []


def test_sorting_searching_pinning_hiding(gallery: Gallery) -> None:
    gallery.show("features", width=1400)
    gallery.find("[data-sort=estimate]").click()
    sizes = [abs(float(each.replace("−", "-"))) for each in rows(gallery, "estimate")]
    assert sizes == sorted(sizes, reverse=True)
    gallery.find("[data-region=table]").focus()
    gallery.page.keyboard.press("End")
    last = gallery.find("[aria-selected=true] .cotlens-cell-latent").inner_text()
    gallery.page.keyboard.press("p")
    gallery.page.keyboard.press("Home")
    assert rows(gallery, "latent")[0] == last
    gallery.page.keyboard.press("h")
    assert last not in rows(gallery, "latent")
    gallery.find("select[aria-label='which latents are listed']").select_option("hidden")
    assert rows(gallery, "latent") == [last]
    gallery.find("select[aria-label='which latents are listed']").select_option("all")
    gallery.page.keyboard.press("/")
    gallery.find("[data-region=table]").focus()
    gallery.page.keyboard.press("/")
    gallery.page.keyboard.type("subtraction")
    labels = gallery.find(".cotlens-table-body [data-row] .cotlens-cell-label")
    expect(labels).to_have_text(["subtraction"])
    gallery.page.keyboard.press("Escape")
    expect(labels.nth(5)).to_be_attached()


def test_escape_takes_back_what_was_typed_a_moment_ago(gallery: Gallery) -> None:
    gallery.show_stopped("features")
    search = gallery.find("input[type=search]")
    search.press_sequentially("no such label")
    search.press("Escape")
    gallery.pass_time(100)
    expect(search).to_have_value("")
    expect(gallery.find(".cotlens-table-body [data-row] .cotlens-cell-label").nth(5)).to_be_attached()


def test_quick_steps_add_up_while_the_kernel_is_busy(gallery: Gallery) -> None:
    gallery.show("featureschanged")
    gallery.model("model.answering = false")
    gallery.find("[data-region=table]").focus()
    for key in "[]":
        gallery.page.keyboard.press(key)
    names = gallery.find("[data-branch]").evaluate_all("all => all.map((each) => each.dataset.branch)")
    assert [message["branch"] for message in gallery.sent("goto")] == names


def test_a_change_is_asked_for_with_its_place(gallery: Gallery) -> None:
    gallery.show("features", width=1400)
    gallery.find(".cotlens-table-body [data-row]").first.click()
    latent = int(rows(gallery, "latent")[0])
    assert gallery.action("rerun").get_attribute("aria-disabled") == "true"
    gallery.find("[data-block]").nth(3).click()
    gallery.find("[data-mode=clamp]").click()
    gallery.find(".cotlens-value").fill("6.5")
    gallery.find(".cotlens-value").press("Tab")
    gallery.action("rerun").click()
    (sent,) = gallery.sent("change")
    assert sent | {"first": 0, "last": 0} == {
        "kind": "change", "document": "t0", "latent": latent, "mode": "clamp", "value": 6.5, "where": "selection",
        "first": 0, "last": 0,
    }  # fmt: skip
    assert sent["last"] > sent["first"] > 0


def test_a_label_is_typed(gallery: Gallery) -> None:
    gallery.show("features", width=1400)
    gallery.find("[data-region=table]").focus()
    gallery.page.keyboard.press("ArrowDown")
    gallery.page.keyboard.press("n")
    gallery.page.keyboard.type("mine")
    gallery.page.keyboard.press("Enter")
    assert gallery.sent("name")[-1]["label"] == "mine"


def test_hostile_text_stays_text(gallery: Gallery) -> None:
    gallery.show("featureshostile", width=1400)
    gallery.find(".cotlens-table-body [data-row]").first.click()
    gallery.page.wait_for_timeout(100)  # what may run would have run by then
    assert gallery.page.evaluate("window.hacked") is None
    expect(gallery.find("script, img, iframe")).to_have_count(0)
    assert "<img src=x" in gallery.find("[data-region=detail]").inner_text()


def test_twenty_thousand_latents_are_virtual(gallery: Gallery) -> None:
    gallery.show("featureslarge", width=1400)
    assert int(gallery.find("[data-region=table]").get_attribute("data-count") or 0) > 15_000
    assert gallery.find(".cotlens-table-body [data-row]").count() < 80
    gallery.find("[data-region=table]").focus()
    gallery.page.keyboard.press("End")
    expect(gallery.find("[aria-selected=true]")).to_have_count(1)


def test_text_that_is_written_is_put_together_from_its_pieces(gallery: Gallery) -> None:
    gallery.show("features")
    gallery.model("model.answering = false")
    piece = "{ id: 4, source: 'd0', from: 60, tokens: 3, limit: 200"
    gallery.set(f"{{ stream: {piece}, at: 0, text: 'Then 8' }} }}")
    gallery.set(f"{{ stream: {piece}, at: 6, text: ' - 5 = 3' }} }}")
    shown = gallery.find(".cotlens-outcome .cotlens-ins")
    expect(shown).to_have_text("Then 8 - 5 = 3")
    gallery.set(f"{{ stream: {piece}, at: 20, text: '.' }} }}")
    assert gallery.awaited("stream") == [{"kind": "stream", "of": 4}], "a piece was missed"
    whole = {"id": 4, "source": "d0", "from": 60, "at": 0, "text": "Then 8 - 5 = 3. So 3.", "tokens": 9, "limit": 200}
    gallery.reply({"request_id": gallery.asked("stream"), "kind": "reply", "status": "ok", "stream": whole})
    expect(shown).to_have_text("Then 8 - 5 = 3. So 3.")
    gallery.set("{ job: { ...model.get('job'), id: 3, state: 'running', label: '3 × 1', done: 0, total: null } }")
    expect(gallery.find(".cotlens-status")).to_have_text("3 × 1 · 9 of 200 tokens")
    gallery.set("{ stream: {} }")
    expect(gallery.find(".cotlens-status")).to_have_text("3 × 1")
    expect(gallery.find(".cotlens-outcome")).to_be_hidden()


def test_a_value_that_is_no_number_is_said_and_left(gallery: Gallery) -> None:
    gallery.show("features")
    gallery.find(".cotlens-table-body [data-row]").first.click()
    gallery.find("[data-mode=scale]").click()
    field = gallery.find(".cotlens-value")
    field.fill("")
    field.press("Tab")
    expect(gallery.find(".cotlens-notice")).to_contain_text("give a number")
    expect(field).to_have_value("2")


def test_a_text_that_awaits_its_rerun_says_so_over_it(gallery: Gallery) -> None:
    gallery.show("featuresunrun")
    line = gallery.find("[data-note=unrun]")
    expect(line).to_have_text(
        "Edited and not rerun: from token 64 on this is the text before the edit, and so is its answer."
    )
    gallery.set("{ document: { ...model.get('document'), id: 'rerun', rerun_at: null } }")
    expect(line).to_be_hidden()
