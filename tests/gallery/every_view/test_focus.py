"""After every action the focus is somewhere in the widget where its keys work; what comes late takes it from nobody."""

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def inside(gallery: Gallery) -> bool:
    return gallery.page.evaluate("document.querySelector('.cotlens-root').contains(document.activeElement)")


def test_after_choosing_an_alternative_the_keys_go_on(gallery: Gallery) -> None:
    gallery.show("branches")
    gallery.find(".cotlens-thought [data-token]").nth(9).click()
    gallery.find(".cotlens-choice:not(.cotlens-chosen):not(:disabled)").first.click()
    assert len(gallery.awaited("branch")) == 1
    # the branch comes, and with it another list
    gallery.set("{ document: { ...model.get('document'), id: 'late' } }")
    gallery.settle()
    assert inside(gallery)
    gallery.page.keyboard.press("[")
    assert len(gallery.awaited("goto")) == 1


def test_alternatives_stay_on_the_way_to_them(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(69).hover()
    row = gallery.find(".cotlens-choice:not(.cotlens-chosen):not(:disabled)").first
    expect(row).to_be_visible()
    gallery.page.mouse.move(5, 5)
    gallery.find(".cotlens-head").hover()
    row.click()
    assert gallery.awaited("branch")[0]["token"] == 69


def test_a_chip_that_is_drawn_anew_keeps_the_focus(gallery: Gallery) -> None:
    gallery.show("branches")
    chip = gallery.find(".cotlens-chip:not([aria-current])").first
    branch = chip.get_attribute("data-branch")
    chip.click()
    gallery.until(f"model.get('branches').some((each) => each.current && each.id === '{branch}')")
    gallery.settle()
    expect(gallery.find(f".cotlens-chip[data-branch='{branch}']")).to_be_focused()


def test_what_is_hidden_or_switched_off_hands_the_focus_on(gallery: Gallery) -> None:
    gallery.show("running")
    gallery.action("cancel").focus()
    gallery.set("{ job: { ...model.get('job'), state: 'done' } }")
    gallery.settle()
    expect(gallery.find("[data-region=text]")).to_be_focused()
    gallery.show("steertwo")
    gallery.find("[data-dial='0']").focus()
    gallery.model("model.emit('comm_live_update')")
    gallery.settle()
    assert inside(gallery) and gallery.page.evaluate("document.activeElement.matches(':not(:disabled)')")


def test_a_menu_that_closes_gives_the_focus_back(gallery: Gallery) -> None:
    gallery.show("steertwo")
    gallery.find("[data-region=baseline] [data-token]").last.click()
    gallery.action("add").click()
    gallery.action("add-token").click()
    gallery.settle()
    assert inside(gallery)


def test_what_comes_late_takes_the_focus_from_nobody(gallery: Gallery) -> None:
    gallery.show("branches")
    gallery.find("[data-region=text]").focus()
    gallery.page.evaluate("document.body.append(Object.assign(document.createElement('input'), { id: 'elsewhere' }))")
    elsewhere = gallery.page.locator("#elsewhere")
    elsewhere.focus()
    gallery.set("{ document: { ...model.get('document'), id: 'late' }, branches: [] }")
    gallery.settle()
    expect(elsewhere).to_be_focused()
    gallery.page.evaluate("document.getElementById('elsewhere').remove()")
    gallery.set("{ document: { ...model.get('document'), id: 'later' } }")
    gallery.settle()
    assert not inside(gallery)


def test_escape_lets_go_of_what_was_pointed_at(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(69).hover()
    expect(gallery.find(".cotlens-side")).to_have_attribute("data-subject", "69")
    gallery.find(".cotlens-head").hover()
    gallery.find(".cotlens-codebutton").focus()
    gallery.page.keyboard.press("Escape")
    expect(gallery.find(".cotlens-side")).not_to_have_attribute("data-subject", "69")


def test_the_list_of_what_is_pointed_at_stays_on_the_way_to_it(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(60).click()  # something is picked, so that there is something to go back to
    gallery.token(69).hover()
    side = gallery.find(".cotlens-side")
    expect(side).to_have_attribute("data-subject", "69")
    row = gallery.find(".cotlens-choice:not(.cotlens-chosen):not(:disabled)").first
    expect(row).to_be_visible()
    box = row.bounding_box()
    assert box is not None
    gallery.page.mouse.move(box["x"] + 20, box["y"] + 8, steps=12)
    gallery.page.wait_for_timeout(900)  # a slow hand
    expect(side).to_have_attribute("data-subject", "69")
    gallery.page.mouse.down()
    gallery.page.mouse.up()
    assert gallery.awaited("branch")[0]["token"] == 69
    expect(gallery.find("[data-region=text]")).to_be_focused()
    gallery.token(69).hover()
    expect(side).to_have_attribute("data-subject", "69")
    gallery.action("rerun").hover()
    expect(side).to_have_attribute("data-subject", "60")


def focused(gallery: Gallery) -> str:
    """What has the focus: a region of text, a control that works, or where it should not be."""
    return gallery.page.evaluate(
        """() => { const [now, root] = [document.activeElement, document.querySelector('.cotlens-root')];
        if (!root.contains(now)) return `outside: ${now.localName}`;
        if (now === root) return 'the root';
        const shown = now.getClientRects().length > 0 && getComputedStyle(now).visibility !== 'hidden';
        if (!shown || now.matches(':disabled')) return `gone: ${now.className}`;
        return now.dataset.region ?? 'control'; }"""
    )


CLICKS = [
    "[data-action=rerun]", "[data-action=truncate]", "[data-sentence='2']", ".cotlens-chip:not([aria-current])",
    ".cotlens-choice:not(.cotlens-chosen):not(:disabled)", "[data-unit=sentence]", "[data-scale=this]",
    "[data-action=lock]", ".cotlens-codebutton", "button[data-answer]:not([aria-pressed=true])", ".cotlens-codebutton",
]  # fmt: skip
MENUS = [
    (".cotlens-measure", "[data-measure=occlusion_total]"),
    (".cotlens-trail .cotlens-menu > button", "[role=treeitem] >> nth=0"),
]
KEYS = ["r", "t", "[", "]", "c", "ArrowRight", "ArrowDown", "Home", "End", "Shift+ArrowRight", "Escape", "Escape"]


def test_after_every_action_the_focus_is_somewhere_useful(gallery: Gallery) -> None:
    gallery.show("branch")
    gallery.token(60).click()
    for selector in CLICKS:
        gallery.find(selector).first.click()
        gallery.set("{ document: { ...model.get('document'), notes: [] }, branches: [...model.get('branches')] }")
        gallery.settle()
        assert focused(gallery) in ("text", "control"), selector
    for opener, entry in MENUS:
        gallery.find(opener).click()
        gallery.find(entry).click()
        gallery.settle()
        assert focused(gallery) in ("text", "control"), entry
        gallery.find(opener).click()
        gallery.page.keyboard.press("Escape")
        gallery.settle()
        assert focused(gallery) in ("text", "control"), f"Escape in {opener}"
    for chosen, value in (("reader of answers", "number"), ("answer that is followed", "7")):
        gallery.action("choices").click()
        gallery.page.get_by_label(chosen).select_option(value)
        gallery.set("{ readers: [...model.get('readers')], strip: { ...model.get('strip') } }")
        gallery.settle()
        assert focused(gallery) in ("text", "control"), chosen
        gallery.page.keyboard.press("Escape")
        gallery.settle()
        assert focused(gallery) in ("text", "control"), f"Escape after {chosen}"
    gallery.token(60).click()
    for key in KEYS:
        gallery.page.keyboard.press(key)
        gallery.settle()
        assert focused(gallery) == "text", key


def test_after_editing_and_messages_too(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(60).click()
    for end in ("Escape", "ControlOrMeta+Enter"):
        gallery.page.keyboard.press("Enter")
        expect(gallery.find(".cm-content")).to_be_focused()
        gallery.page.keyboard.type("1")
        gallery.page.keyboard.press(end)
        if end != "Escape":  # Python took it, and the branch comes
            gallery.until("sent.some((each) => each.kind === 'edit')")
            expect(gallery.find(".cm-content")).to_have_count(0)
        gallery.settle()
        assert focused(gallery) in ("text", "control"), end
    gallery.set(
        "{ job: { id: 1, state: 'error', label: 'x', done: 0, total: 1, message: 'It failed.', remedy: 'Do so.' } }"
    )
    gallery.action("dismiss").click()
    gallery.settle()
    assert focused(gallery) in ("text", "control")
    gallery.show("unread")
    for action in ("another-reader", "force", "go-on"):
        gallery.turn("unread")
        gallery.action(action).click()
        gallery.settle()
        assert focused(gallery) in ("text", "control"), action
    gallery.turn("longprompt")
    gallery.action("fold").click()
    gallery.settle()
    assert focused(gallery) in ("text", "control")
