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
