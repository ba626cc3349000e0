"""The steering panel: dials that ask, texts side by side, and words that tell a change from damage."""

import pytest
from playwright.sync_api import expect

from tests.gallery.every_view.test_fits import CONTRAST
from tests.gallery.page import Gallery

# All of its text is drawn, inside the trail.
WHOLE = """(each) => each.scrollWidth <= each.clientWidth && each.getBoundingClientRect().right <=
  each.closest('.cotlens-chips').getBoundingClientRect().right"""


def test_a_hand_on_the_slider_asks_at_once_and_last_wins(gallery: Gallery) -> None:
    gallery.show_stopped("steertwo")
    slider = gallery.find("[data-dial='0']")
    assert slider.get_attribute("aria-valuetext") == "+1.20 times the mean residual norm, raw 14.8"
    slider.focus()
    gallery.page.keyboard.press("ArrowRight")
    assert gallery.sent("steer")[0]["dials"][0]["coefficient"] == 1.25
    for _ in range(6):
        gallery.page.keyboard.press("ArrowRight")
    gallery.pass_time(100)
    assert [each["dials"][0]["coefficient"] for each in gallery.sent("steer")] == [1.25, 1.55]
    assert gallery.find("[data-box='0']").input_value() == "+1.55"
    assert gallery.sent("steer")[-1]["dials"][1] == {
        "coefficient": 0, "layer": 1, "place": "thought", "start": 0, "end": 0,
    }  # fmt: skip


def test_the_range_follows_the_vector_and_only_grows_under_a_hand(gallery: Gallery) -> None:
    """It went from -3 to 3 where a vector works below .5."""
    gallery.show("steertwo")
    ends = [[gallery.find(f"[data-dial='{i}']").get_attribute(name) for name in ("min", "max")] for i in (0, 1)]
    assert ends == [["-2", "2"], ["-0.5", "0.5"]]  # the first stands at 1.2
    box = gallery.find("[data-box='1']")
    box.fill("0.8")
    box.press("Tab")
    assert gallery.find("[data-dial='1']").get_attribute("max") == "1"
    gallery.find("[data-dial='1']").focus()
    gallery.page.keyboard.press("Home")
    gallery.page.keyboard.press("ArrowRight")
    assert gallery.find("[data-dial='1']").get_attribute("max") == "1"
    assert gallery.find("[data-vector='1'] .cotlens-ticks").inner_text().split() == ["−1", "0", "+1"]


def test_the_unsteered_rewrite_stands_beside_and_each_figure_with_its_region(gallery: Gallery) -> None:
    gallery.show("steercontrol")
    columns = ("baseline", "unsteered", "steered", "control")
    cells = {
        name: [gallery.find(f"[data-cell={name}-{column}]").inner_text() for column in columns]
        for name in ("perplexity", "from", "unsteered", "baseline")
    }
    assert cells == {
        "perplexity": ["1.08", "1.11", "1.31", "1.22"], "from": ["74", "74", "74", "91"],
        "unsteered": ["—", "—", "1.11", "1.06"], "baseline": ["—", "1.08", "1.08", "1.05"],
    }  # fmt: skip
    left = gallery.find("[data-region=baseline]")
    expect(left).not_to_contain_text("That makes 7")
    gallery.find("[data-which=unsteered]").click()
    expect(left).to_contain_text("That makes 7")
    expect(left).to_contain_text("from the same token without vectors")
    assert "That makes" in "".join(gallery.find("[data-region=baseline] .cotlens-gone").all_text_contents())
    left.locator("[data-token='80']").click()
    gallery.action("rerun").click()
    assert gallery.sent("rerun") == [{"kind": "rerun", "document": "u", "token": 80}]
    gallery.set("{ unsteered: {} }")  # until the next is written, the baseline stands there
    expect(left).not_to_contain_text("That makes 7")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_pressed_button_keeps_its_label_under_the_pointer(gallery: Gallery, theme: str) -> None:
    for state in ("steercontrol", "pairs", "features", "map"):
        gallery.show(state, theme=theme)
        for pressed in gallery.find("[aria-pressed=true]:visible").all():
            pressed.hover()
            assert gallery.root.evaluate(CONTRAST) == [], (state, pressed.inner_text())


def test_a_chip_keeps_its_answer(gallery: Gallery) -> None:
    """Short of room the name of a try is cut; its answer never is."""
    for width in (480, 900, 1400):
        gallery.page.set_viewport_size({"width": width + 30, "height": 900})
        for state in ("steermany", "branches"):
            gallery.show(state, width=width)
            for answer in gallery.find(".cotlens-chip-answer:visible").all():
                assert answer.evaluate(WHOLE), (state, width)


def test_a_strength_that_is_no_number_asks_nothing(gallery: Gallery) -> None:
    gallery.show("steertwo")
    box = gallery.find("[data-box='0']")
    box.fill("NaN")
    box.press("Tab")
    assert box.get_attribute("aria-invalid") == "true"
    assert "is no number" in gallery.find(".cotlens-notice").inner_text()
    assert gallery.sent("steer") == []
    box.fill("−0,5")
    box.press("Tab")
    assert gallery.sent("steer")[0]["dials"][0]["coefficient"] == -0.5
    assert gallery.find(".cotlens-notice").is_hidden()


def test_layer_and_place_are_part_of_what_is_asked(gallery: Gallery) -> None:
    gallery.show("steertwo")
    gallery.find("[data-layer='0']").select_option("3")
    assert gallery.find(".cotlens-raw").first.inner_text() == "raw 19.6"  # in units of the other layer's norm
    pane = gallery.find("[data-region=baseline]")
    pane.locator("[data-token]").nth(60).click()
    pane.locator("[data-token]").nth(63).click(modifiers=["Shift"])
    first = int(pane.locator("[data-token]").nth(60).get_attribute("data-token") or "")
    gallery.action("span").click()
    gallery.until("sent.at(-1).dials?.[0].place === 'span'")
    dial = gallery.sent("steer")[-1]["dials"][0]
    assert (dial["layer"], dial["place"], dial["start"], dial["end"]) == (3, "span", first, first + 4)
    gallery.action("here").click()
    gallery.until("sent.at(-1).dials?.[0].place === 'here'")
    gallery.action("rerun").click()
    assert gallery.sent("rerun") == [{"kind": "rerun", "document": "b", "token": first}]


def test_differences_are_marked_on_both_sides(gallery: Gallery) -> None:
    gallery.show("steeranswer")
    gone = "".join(gallery.find("[data-region=baseline] .cotlens-gone").all_text_contents())
    come = "".join(gallery.find("[data-region=steered] .cotlens-come").all_text_contents())
    assert "9" in gone and "7" in gone and "10" in come and "8" in come
    assert "Okay" not in gone + come
    assert gallery.find("[data-region=baseline] .cotlens-gone").first.evaluate(
        "(each) => getComputedStyle(each).textDecorationLine"
    ) == "line-through"  # fmt: skip
    gallery.turn("steersame")
    expect(gallery.find(".cotlens-gone, .cotlens-come")).to_have_count(0)


def test_text_is_shown_as_it_comes(gallery: Gallery) -> None:
    gallery.show("steerstream")
    tail = gallery.find(".cotlens-tail-text")
    assert tail.text_content() == " Let me check that: 14 - 8 = 6, right. He gives"
    gallery.set("{ stream: { ...model.get('stream'), at: 31, text: ' Then' } }")
    assert tail.text_content() == " Let me check that: 14 - 8 = 6, Then"
    assert gallery.find(".cotlens-status").inner_text() == "steering · 18 of 200 tokens"
    gallery.action("cancel").click()
    assert gallery.sent("cancel") == [{"kind": "cancel", "job": 3}]
    gallery.set("{ stream: {} }")
    expect(gallery.find(".cotlens-tail-text")).to_have_count(0)


def test_the_verdict_tells_a_change_from_damage_without_colour(gallery: Gallery) -> None:
    gallery.show("steeranswer")
    said = gallery.find(".cotlens-verdict")
    assert said.get_attribute("data-kind") == "answer" and "changed from 7 to 8" in said.inner_text()
    gallery.turn("steerdamage")
    assert "may be damage" in gallery.find(".cotlens-verdict").inner_text()
    assert gallery.find("[data-cell=p-steered]").inner_text() == "not measured"


def test_the_control_is_one_click_away(gallery: Gallery) -> None:
    gallery.show("steertwo")
    gallery.action("control").click()
    assert gallery.sent("control") == [{"kind": "control", "on": True, "seed": 0}]
    gallery.turn("steercontrol")
    gallery.find("[data-which=control]").click()
    expect(gallery.find("[data-region=steered]")).to_contain_text("Then 2 are lost")
    assert gallery.find("[data-cell=perplexity-control]").inner_text() == "1.22"
    gallery.action("seed").click()
    assert gallery.sent("control")[-1]["seed"] == 1


def test_the_keys(gallery: Gallery) -> None:
    gallery.show("steertwo")
    gallery.page.evaluate("window.leaked = []; document.addEventListener('keydown', (e) => leaked.push(e.key))")
    pane = gallery.find("[data-region=baseline]")
    pane.focus()
    gallery.page.keyboard.press("ArrowRight")
    gallery.page.keyboard.press("ArrowRight")
    expect(gallery.find("[data-region=baseline] .cotlens-cur")).to_have_count(1)
    gallery.page.keyboard.press("Shift+ArrowRight")
    expect(gallery.find("[data-region=baseline] .cotlens-cur")).to_have_count(2)
    gallery.page.keyboard.press("r")
    gallery.page.keyboard.press("k")
    gallery.page.keyboard.press("[")
    assert len(gallery.sent("rerun")) == 1 and gallery.sent("control")[0]["on"] is True
    assert gallery.sent("goto") == [{"kind": "goto", "to": "t0"}]
    gallery.page.keyboard.press("0")
    (sent,) = gallery.awaited("steer")
    assert [each["coefficient"] for each in sent["dials"]] == [0, 0]
    gallery.page.keyboard.press("Escape")
    expect(gallery.find(".cotlens-cur")).to_have_count(0)
    assert gallery.page.evaluate("leaked.filter((key) => key !== 'Shift')") == []


def test_with_the_kernel_gone_everything_stays_readable(gallery: Gallery) -> None:
    gallery.show("steergone")
    assert gallery.find(".cotlens-status").inner_text() == "kernel gone: reading still works"
    assert gallery.find("[data-dial='0']").is_disabled()
    assert "kernel is gone" in (gallery.action("control").get_attribute("title") or "")
    gallery.action("control").dispatch_event("click")
    assert gallery.sent() == []
    gallery.action("code").click()
    assert "cl.steering.steer" in gallery.find(".cotlens-code").inner_text()


def test_text_of_a_model_is_never_markup(gallery: Gallery) -> None:
    gallery.show("steerhostile")
    assert gallery.page.evaluate("window.hacked") is None
    expect(gallery.find("img, script, svg[onload]")).to_have_count(0)


def test_closing_leaves_no_listeners(gallery: Gallery) -> None:
    gallery.show("steertwo")
    gallery.page.evaluate("window.__cotlens.close()")
    assert gallery.page.evaluate("window.__cotlens.model.listeners()") == 0
    expect(gallery.root).to_have_count(0)


def test_a_vector_is_added_from_what_is_picked(gallery: Gallery) -> None:
    gallery.show("steertwo")
    add = gallery.action("add")
    add.click()
    assert gallery.action("add-token").get_attribute("aria-disabled") == "true"
    add.click()
    first = gallery.find("[data-region=baseline] [data-token='40']")
    first.click()
    gallery.find("[data-region=baseline] [data-token='43']").click(modifiers=["Shift"])
    add.click()
    gallery.action("add-stretch").click()
    add.click()
    gallery.action("add-token").click()
    assert gallery.sent("stretch") == [{"kind": "stretch", "document": "b", "token": 40, "last": 44}]
    assert gallery.sent("token") == [{"kind": "token", "document": "b", "token": 40}]


def test_a_latent_is_added_by_its_number(gallery: Gallery) -> None:
    gallery.show("steertwo")
    gallery.action("add").click()
    box = gallery.action("latent")
    for wrong in ("", "1024", "1.5", "-1"):
        box.fill(wrong)
        box.press("Enter")
        assert box.get_attribute("aria-invalid") == "true"
    assert gallery.sent("latent") == []
    box.fill("412")
    box.press("Enter")
    assert gallery.sent("latent") == [{"kind": "latent", "latent": 412}]
    assert gallery.action("latent").is_hidden()
    gallery.set("{ head: { model: 'abacus', where: '', note: '', latents: 0 } }")
    gallery.action("add").click()
    assert gallery.action("latent").is_hidden() and gallery.action("add-token").is_visible()


def test_a_new_vector_gets_a_slider_and_the_others_stay(gallery: Gallery) -> None:
    gallery.show("steertwo")
    gallery.set("""(() => { const { vectors, current } = window.__cotlens.model.state;
        return { vectors: [...vectors, { ...vectors[0], name: "a third" }],
          current: { ...current, dials: [...current.dials, { ...current.dials[1] }] } } })()""")
    expect(gallery.find(".cotlens-vector")).to_have_count(3)
    assert gallery.find("[data-box='0']").input_value() == "+1.20"
    gallery.find("[data-dial='2']").focus()
    gallery.page.keyboard.press("ArrowRight")
    assert [dial["coefficient"] for dial in gallery.sent("steer")[-1]["dials"]] == [1.2, 0, 0.025]


def test_a_sweep_is_asked_for_and_drawn_beside_random_vectors(gallery: Gallery) -> None:
    gallery.show("steertwo")
    assert gallery.find(".cotlens-sweep").is_hidden()
    gallery.find("[data-box='1']").focus()
    gallery.action("sweep").click()
    assert gallery.sent("sweep") == []  # it says what it costs, and waits
    assert "72 rollouts of at most 190 tokens each" in gallery.find(".cotlens-sweep-cost").inner_text()
    assert gallery.action("sweep-strength").input_value() == "0.5"
    gallery.action("sweep-strength").fill("none")
    assert gallery.action("sweep-start").get_attribute("aria-disabled") == "true"
    gallery.action("sweep-strength").fill(".3")
    gallery.action("sweep-rollouts").fill("4")
    assert "36 rollouts" in gallery.find(".cotlens-sweep-cost").inner_text()
    gallery.action("sweep-start").click()
    assert gallery.sent("sweep") == [{"kind": "sweep", "vector": 1, "strength": 0.3, "rollouts": 4}]
    assert gallery.action("sweep-start").is_hidden()
    gallery.show("steersweep")
    assert "8 rollouts a point" in (gallery.find(".cotlens-sweep").text_content() or "")
    expect(gallery.find(".cotlens-sweep-point")).to_have_count(5)
    assert gallery.find(".cotlens-sweep-band").get_attribute("points").count(",") == 10  # the model itself stands at 0
    assert gallery.find(".cotlens-sweep-ring").count() == 1 and "Rings" in gallery.find(".cotlens-sweep").inner_text()
    assert "random, " in gallery.find(".cotlens-sweep svg").get_attribute("aria-label")
    gallery.show("steersweeping")
    expect(gallery.find(".cotlens-sweep-point")).to_have_count(3)
    assert "3 of 5 points were measured" in gallery.find(".cotlens-sweep").inner_text()


def test_the_limit_of_a_rerun_is_in_the_head(gallery: Gallery) -> None:
    gallery.show("steer")
    field = gallery.page.get_by_label("tokens of a rerun, at most")
    expect(field).to_have_value("")
    for typed, asked in (("40", 40), ("", 0)):
        field.fill(typed)
        field.press("Enter")
        assert gallery.sent("limits")[-1] == {"kind": "limits", "max_new_tokens": asked}
    gallery.set("{ head: { ...model.get('head'), limit: 40, most: 40 } }")
    expect(field).to_have_value("40")
    field.fill("-3")
    field.press("Enter")
    expect(field).to_have_value("40")
    assert len(gallery.sent("limits")) == 2
