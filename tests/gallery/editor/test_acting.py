"""Editing, branching, measuring, and what happens when the kernel does not answer."""

import json
import re
from itertools import accumulate

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_editing_in_place_sends_one_replacement(gallery: Gallery) -> None:
    gallery.show("shaded")
    text = gallery.model("model.get('document').text")
    token = gallery.token(87)
    token.dblclick()
    line = gallery.find(".cotlens-edit-line")
    expect(gallery.find(".cm-content")).to_be_focused()
    expect(line).to_contain_text("Change the text")
    gallery.page.keyboard.press("ArrowRight")
    gallery.page.keyboard.press("Delete")
    gallery.page.keyboard.type("77")
    expect(line).to_have_text(re.compile(r"replaced by \d tokens?; .* after it will be written again$"))
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    (message,) = gallery.sent("edit")
    start = gallery.model("model.get('token_offsets').getUint32(4 * 87, true)")
    assert message == {"kind": "edit", "document": "d0", "start": start + 1, "end": start + 2, "text": "77"}
    assert text[message["start"] - 1] == " "
    expect(gallery.find(".cm-editor")).to_have_count(0)
    gallery.until("document.activeElement.dataset.region === 'text'")


def test_tokens_are_counted_when_typing_rests(gallery: Gallery) -> None:
    gallery.show_stopped("shaded")
    gallery.token(87).dblclick()
    expect(gallery.find(".cm-content")).to_be_focused()
    for key in "1234":
        gallery.page.keyboard.press(key)
        gallery.pass_time(100)
    assert gallery.sent("count") == []
    gallery.pass_time(150)
    assert gallery.sent("count") == [{"kind": "count", "text": "1234"}]


def test_escape_leaves_and_the_draft_can_be_restored(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(87).click()
    gallery.page.keyboard.press("Enter")
    expect(gallery.find(".cm-content")).to_be_focused()
    gallery.page.keyboard.type("maybe ")
    gallery.page.keyboard.press("Escape")
    assert gallery.sent("edit") == []
    expect(gallery.find(".cm-editor")).to_have_count(0)
    gallery.page.keyboard.press("Enter")
    gallery.action("restore").click()
    expect(gallery.find(".cm-content")).to_contain_text("maybe ")


def test_a_view_drawn_again_continues_the_draft(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(87).click()
    gallery.page.keyboard.press("Enter")
    expect(gallery.find(".cm-content")).to_be_focused()
    gallery.page.keyboard.type("kept ")
    gallery.page.evaluate("window.__cotlens.again()")
    expect(gallery.root).to_have_count(1)
    expect(gallery.find(".cm-content")).to_contain_text("kept ")
    gallery.action("commit").click()
    assert gallery.sent("edit")[0]["text"] == "kept "


def test_offsets_are_utf16_and_line_ends_survive(gallery: Gallery) -> None:
    gallery.show("first")
    text = "P|😀 a\r\nb 😀 c.|7"
    pieces = ["P", "|", "😀", " a", "\r\n", "b", " 😀", " c", ".", "|", "7"]
    cuts = [0, *accumulate(utf16(piece) for piece in pieces)]
    document = {
        "id": "u", "text": text, "n_tokens": len(pieces), "edit": None, "rewritten_from": None, "finish": "stop",
        "thought_closed": True, "notes": [], "sentences": [{"start": 2, "end": cuts[9], "first": 2, "last": 9}],
        "roles": [{"role": "prompt", "start": 0, "end": 1}, {"role": "thought", "start": 2, "end": cuts[9]}],
    }  # fmt: skip
    gallery.set(f"{{ document: {json.dumps(document)}, token_offsets: words({cuts}) }}")
    expect(gallery.find("[data-region=text]")).to_contain_text("😀 c")
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("End")
    gallery.page.keyboard.press("Enter")
    expect(gallery.find(".cm-content")).to_be_focused()
    gallery.page.keyboard.press("ControlOrMeta+End")
    gallery.page.keyboard.press("ArrowLeft")
    gallery.page.keyboard.press("Backspace")
    gallery.page.keyboard.type("d")
    gallery.page.keyboard.press("ControlOrMeta+Enter")
    (message,) = gallery.sent("edit")
    units = text.encode("utf-16-le")
    assert units[2 * message["start"] : 2 * message["end"]].decode("utf-16-le") == "c"
    assert message["text"] == "d"


def test_keys_act(gallery: Gallery) -> None:
    gallery.show("branch")
    gallery.token(69).click()
    for key, branch in [("t", "b1"), ("r", "b1"), ("]", "b2"), ("[", "b1")]:
        gallery.page.keyboard.press(key)
        expect(gallery.find(".cotlens-chip[aria-current]")).to_have_attribute("data-branch", branch)
    assert gallery.sent("truncate") == [{"kind": "truncate", "document": "d1", "token": 69}]
    assert gallery.sent("rerun") == [{"kind": "rerun", "document": "d1", "token": 69}]
    assert gallery.sent("goto") == [{"kind": "goto", "branch": "b2"}, {"kind": "goto", "branch": "b1"}]
    ids = [message["request_id"] for message in gallery.sent()]
    assert ids == sorted(set(ids))


def test_an_action_that_cannot_be_done_says_why(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(5).click()
    gallery.page.keyboard.press("t")
    assert gallery.sent("truncate") == []
    assert "inside the thought" in gallery.find(".cotlens-notice").inner_text()
    assert gallery.action("truncate").get_attribute("aria-disabled") == "true"


def test_choosing_what_to_shade_by(gallery: Gallery) -> None:
    gallery.show("first")
    gallery.action("measure").click()
    gallery.show("shaded")
    gallery.find('[data-unit="sentence"]').click()
    assert gallery.sent("measure") == [
        {
            "kind": "measure",
            "document": "d0",
            "measure": "occlusion_direct",
            "unit": "sentence",
            "metric": "log_probability",
            "n": 0,
            "spans": None,
            "target": "",
            "confirmed": False,
        }
    ]
    gallery.find(".cotlens-measure").click()
    gallery.find('[data-measure="early-answer"]').click()
    assert gallery.sent("measure")[-1]["measure"] == "early-answer"


def test_the_tree_goes_anywhere(gallery: Gallery) -> None:
    gallery.show("branches")
    expect(gallery.find(".cotlens-chip")).to_have_count(5)
    gallery.find(".cotlens-trail .cotlens-menu > button").click()
    expect(gallery.find("[role=treeitem]")).to_have_count(9)
    gallery.page.keyboard.press("ArrowUp")
    gallery.page.keyboard.press("Enter")
    assert gallery.sent("goto") == [{"kind": "goto", "branch": "b5"}]
    assert not gallery.find("[role=tree]").is_visible()


def test_quick_steps_add_up_while_the_kernel_is_busy(gallery: Gallery) -> None:
    gallery.show("branches")
    gallery.model("model.answering = false")
    gallery.find("[data-region=text]").focus()
    for key in ["[", "[", "]", "]", "]"]:
        gallery.page.keyboard.press(key)
    assert [message["branch"] for message in gallery.sent("goto")] == ["b5", "b4", "b5", "b6", "b7"]
    assert gallery.find(".cotlens-chip[aria-current]").get_attribute("data-branch") == "b6", "nothing was answered yet"
    error = {"message": "No such branch."}
    gallery.reply({"kind": "reply", "request_id": gallery.asked("goto"), "status": "error", "error": error})
    expect(gallery.find(".cotlens-notice")).to_contain_text("No such branch.")
    gallery.page.keyboard.press("[")
    assert gallery.sent("goto")[-1]["branch"] == "b5", "a step that failed leads nowhere"


def test_a_click_is_about_the_text_that_was_seen(gallery: Gallery) -> None:
    gallery.show("branch")
    gallery.model("model.answering = false")
    gallery.token(69).click()
    gallery.find('.cotlens-chip[data-branch="b0"]').click()
    gallery.action("truncate").click()
    assert gallery.sent("truncate") == [{"kind": "truncate", "document": "d1", "token": 69}]
    gallery.set("{ document: { ...model.get('document'), id: 'd0' } }")
    gallery.action("truncate").click()
    assert gallery.sent("truncate")[-1]["document"] == "d0"


def test_cancel(gallery: Gallery) -> None:
    gallery.show("running")
    gallery.action("cancel").click()
    assert gallery.sent("cancel") == [{"kind": "cancel", "job": 1}]


def test_an_error_reply_is_shown_with_its_remedy(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.model("model.answering = false")
    gallery.token(69).click()
    gallery.page.keyboard.press("r")
    request = gallery.asked("rerun")
    gallery.reply({"kind": "reply", "request_id": request - 1000, "status": "error", "error": {"message": "stale"}})
    expect(gallery.find(".cotlens-notice")).to_be_hidden()
    error = {"message": "The model is out of memory.", "remedy": "Load a smaller one."}
    gallery.reply({"kind": "reply", "request_id": request, "status": "error", "error": error})
    expect(gallery.find(".cotlens-notice")).to_contain_text("The model is out of memory. Load a smaller one.")
    gallery.action("dismiss").click()
    expect(gallery.find(".cotlens-notice")).to_be_hidden()


def test_a_silent_kernel_is_mentioned(gallery: Gallery) -> None:
    gallery.show_stopped("shaded")
    gallery.model("model.answering = false")
    gallery.token(69).click()
    gallery.pass_time(3000)
    expect(gallery.find(".cotlens-status")).not_to_contain_text("waiting")
    gallery.pass_time(600)
    expect(gallery.find(".cotlens-status")).to_contain_text("waiting for the kernel")
    gallery.set("{ code: 'heard' }")
    gallery.pass_time(500)
    expect(gallery.find(".cotlens-status")).not_to_contain_text("waiting")


def test_a_lost_kernel_leaves_everything_readable(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(69).click()
    gallery.model("model.emit('comm_live_update')")
    expect(gallery.find(".cotlens-status")).to_contain_text("kernel gone")
    for action in ["rerun", "truncate", "edit"]:
        button = gallery.action(action)
        assert button.get_attribute("aria-disabled") == "true"
        assert "kernel" in (button.get_attribute("title") or "")
    asked = len(gallery.sent())
    gallery.page.keyboard.press("ArrowRight")
    gallery.page.keyboard.press("r")
    gallery.page.wait_for_timeout(150)  # the alternatives of the next token would be asked for by then
    assert len(gallery.sent()) == asked
    gallery.model("model.emit('comm_live_update')")
    expect(gallery.action("rerun")).not_to_have_attribute("aria-disabled", "true")


def test_it_shows_that_an_answer_is_awaited(gallery: Gallery) -> None:
    gallery.show("branches")
    asking = re.compile(".*")
    expect(gallery.root).not_to_have_attribute("data-asking", asking)
    gallery.model("model.answering = false")
    gallery.find(".cotlens-chip").first.click()
    expect(gallery.root).to_have_attribute("data-asking", "")
    gallery.reply({"kind": "reply", "request_id": gallery.asked("goto"), "status": "ok"})
    expect(gallery.root).not_to_have_attribute("data-asking", asking)


def test_nothing_is_left_behind(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.page.evaluate("window.__cotlens.again(); window.__cotlens.again()")
    expect(gallery.page.locator(".cotlens-root")).to_have_count(1)
    gallery.page.evaluate("window.__cotlens.close()")
    expect(gallery.page.locator(".cotlens-root")).to_have_count(0)
    assert gallery.model("model.listeners()") == 0


def test_code_is_shown_and_copied(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    gallery.token(69).click()
    gallery.page.keyboard.press("c")
    expect(gallery.find(".cotlens-code")).to_contain_text('cl.importance.Occlusion(effect="direct"')
    expect(gallery.find(".cotlens-codepanel [role=status]")).to_have_text(re.compile("^(copied|selected)"))
