"""What was typed is lost to nothing: no late branch, no refusal, no kernel that is gone, no second view."""

import pytest
from playwright.sync_api import Locator, expect

from tests.gallery.page import Gallery

BRANCH = "{ document: { ...model.get('document'), id: 'late' } }"


def typing(gallery: Gallery, text: str = "perhaps ") -> Locator:
    """An open editor in which a person has typed."""
    gallery.token(87).dblclick()
    content = gallery.find(".cm-content")
    expect(content).to_be_focused()
    gallery.page.keyboard.type(text)
    return content


def answer(gallery: Gallery, status: str, message: str = "") -> None:
    error = {"error": {"message": message, "remedy": None}} if message else {}
    gallery.reply({"kind": "reply", "request_id": gallery.asked("edit"), "status": status, **error})


def test_a_branch_that_arrives_leaves_the_editor_open(gallery: Gallery) -> None:
    gallery.show("shaded")
    content = typing(gallery, "first ")
    gallery.set(BRANCH)
    gallery.settle()
    expect(content).to_be_focused()
    gallery.page.keyboard.type("then ")
    expect(content).to_contain_text("first then ")
    expect(gallery.find(".cotlens-edit-line")).to_contain_text("Another branch is shown by now")
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    (sent,) = gallery.sent("edit")
    assert (sent["document"], sent["text"]) == ("d0", "first then "), "it is an edit of the text that was opened"
    expect(content).to_have_count(0)


def test_an_editor_that_was_only_opened_stays_too(gallery: Gallery) -> None:
    """A person who types next would otherwise give orders."""
    gallery.show("shaded")
    content = typing(gallery, "")
    gallery.set(BRANCH)
    gallery.page.keyboard.type("truncate")
    expect(content).to_contain_text("truncate")
    assert gallery.sent("truncate") == gallery.sent("rerun") == []


def test_a_commit_stays_open_until_it_is_taken(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.model("model.answering = false")
    content = typing(gallery)
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    expect(gallery.find(".cotlens-edit-line")).to_contain_text("on its way to the kernel")
    expect(gallery.action("commit")).to_have_attribute("aria-disabled", "true")
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    assert len(gallery.sent("edit")) == 1, "it is sent once"
    answer(gallery, "error", "With this edit the text has 3,000 tokens and the context holds 1,024.")
    expect(gallery.find(".cotlens-notice")).to_contain_text("3,000 tokens")
    expect(content).to_contain_text("perhaps ")
    expect(gallery.action("commit")).not_to_have_attribute("aria-disabled", "true")
    content.focus()
    gallery.page.keyboard.type("not ")
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    answer(gallery, "ok")
    expect(content).to_have_count(0)
    expect(gallery.find("[data-region=text]")).to_be_focused()


def test_what_is_typed_while_a_commit_is_on_its_way_stays(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.model("model.answering = false")
    content = typing(gallery)
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    gallery.page.keyboard.type("and more ")
    answer(gallery, "ok")
    gallery.settle()
    expect(content).to_contain_text("perhaps and more ")


def test_a_text_that_was_taken_and_not_written_can_be_had_back(gallery: Gallery) -> None:
    gallery.show("shaded")
    typing(gallery)
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    expect(gallery.find(".cm-editor")).to_have_count(0)
    gallery.set(
        "{ job: { ...model.get('job'), state: 'error', label: 'writing', message: 'NaN logits.', remedy: null } }"
    )
    gallery.action("restore-committed").click()
    expect(gallery.find(".cm-content")).to_contain_text("perhaps ")


def test_without_a_comm_nothing_is_committed_and_the_text_stays(gallery: Gallery) -> None:
    """A notebook that was opened again with saved widgets has models that reach no kernel, and that say so."""
    gallery.show("shaded")
    gallery.set("{ layout: { comm_live: false } }")
    gallery.page.evaluate("window.__cotlens.twin()")
    twin = gallery.page.locator(".cotlens-editor").last
    expect(twin.locator(".cotlens-status")).to_contain_text("kernel gone")
    expect(gallery.find(".cotlens-status")).not_to_contain_text("kernel gone")
    gallery.model("model.emit('comm_live_update')")
    expect(gallery.find(".cotlens-status")).to_contain_text("kernel gone")
    assert gallery.action("edit").get_attribute("aria-disabled") == "true"
    gallery.set("{ layout: { comm_live: true } }")
    gallery.model("model.emit('comm_live_update')")
    content = typing(gallery)
    gallery.set("{ layout: { comm_live: false } }")
    gallery.model("model.emit('comm_live_update')")
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    expect(gallery.find(".cotlens-notice")).to_contain_text("Your text stays here.")
    expect(content).to_contain_text("perhaps ")
    assert gallery.sent("edit") == []


def test_a_kernel_that_goes_in_the_middle_leaves_the_text(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.model("model.answering = false")
    content = typing(gallery)
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    gallery.model("model.emit('comm_live_update')")
    expect(gallery.find(".cotlens-edit-line")).to_contain_text("The kernel that ran this widget is gone")
    expect(content).to_contain_text("perhaps ")


@pytest.mark.parametrize("state", ["running", "streaming", "steerstream", "featuresreading"])
def test_with_the_kernel_gone_nothing_is_running(gallery: Gallery, state: str) -> None:
    gallery.show(state)
    expect(gallery.action("cancel").or_(gallery.action("stop"))).to_be_visible()
    gallery.model("model.emit('comm_live_update')")
    expect(gallery.action("cancel").or_(gallery.action("stop"))).to_be_hidden()
    expect(gallery.find("progress")).to_be_hidden()
    expect(gallery.find(".cotlens-streaming")).to_have_count(0)
    assert "the model is writing" not in gallery.root.inner_text()


def test_two_views_have_each_their_own_state(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.page.evaluate("window.__cotlens.twin()")
    views = gallery.page.locator(".cotlens-editor")
    content = typing(gallery, "mine ")
    expect(views.nth(1).locator(".cm-editor")).to_have_count(0)
    views.nth(1).locator("[data-region=text]").focus()
    gallery.page.keyboard.press("Escape")
    expect(content).to_contain_text("mine ")
    views.nth(1).locator('[data-token="69"]').click()
    expect(views.nth(1).locator(".cotlens-side")).to_have_attribute("data-subject", "69")
    # What is picked is one for all views; the text that is being typed stays where it is.
    expect(gallery.find(".cotlens-side")).to_have_attribute("data-subject", "69")
    expect(content).to_contain_text("mine ")


def test_answers_go_to_the_view_that_asked(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.page.evaluate("window.__cotlens.twin()")
    for view, token in ((0, 87), (1, 69)):
        gallery.page.locator(".cotlens-editor").nth(view).locator(f'[data-token="{token}"]').click()
    gallery.awaited("inspect", 2)
    ids = [each["request_id"] for each in gallery.sent() if each["kind"] == "inspect"]
    assert len(set(ids)) == len(ids)


def test_a_name_is_typed_in_one_view(gallery: Gallery) -> None:
    gallery.show("features", width=1400)
    gallery.page.evaluate("window.__cotlens.twin()")
    gallery.find(".cotlens-table-body [data-row]").first.click()
    gallery.action("name").click()
    field = gallery.find(".cotlens-namefield")
    expect(field).to_be_focused()
    gallery.page.keyboard.type("checks")
    gallery.set("{ code: 'late', words: {} }")
    gallery.settle()
    expect(field).to_be_focused()
    expect(field).to_have_value("checks")
    assert gallery.page.locator(".cotlens-namefield").nth(1).is_hidden()


@pytest.mark.parametrize("state", ["shaded", "steertwo", "features"])
def test_copying_works_where_there_is_no_clipboard(gallery: Gallery, state: str) -> None:
    """Browsers have none on plain http."""
    gallery.show(state, width=1400)
    gallery.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    gallery.find(".cotlens-codebutton, [data-action=code]").first.click()
    gallery.action("copy").click()
    expect(gallery.find(".cotlens-codepanel [role=status]")).to_contain_text("selected")
    selected = gallery.page.evaluate("getSelection().toString().trim()")
    assert selected == gallery.find(".cotlens-code").inner_text().strip() != ""


def test_an_elements_name_never_comes_from_python(gallery: Gallery) -> None:
    gallery.show("branch")
    diff = "[{ op: 'iframe', text: 'x' }, { op: '<b>', text: 'y' }]"
    gallery.set(f"{{ comparison: {{ ...model.get('comparison'), diff: {diff} }} }}")
    expect(gallery.find(".cotlens-diff ins")).to_have_text(["x", "y"])
    expect(gallery.find("iframe")).to_have_count(0)
