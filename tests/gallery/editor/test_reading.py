"""Reading, moving, and pointing."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from cotlens.trace import Trace
from cotlens.workbench.shared import stream as streams
from tests.gallery.page import Gallery


def picked(gallery: Gallery) -> int | None:
    token = gallery.find(".cotlens-cur, .cotlens-in").first
    return int(token.get_attribute("data-token") or -1) if token.count() else None


def test_keys_move_and_announce(gallery: Gallery) -> None:
    gallery.show("shaded")
    text = gallery.find("[data-region=text]")
    text.focus()
    gallery.page.keyboard.press("Home")
    first = picked(gallery)
    assert first is not None
    for key, expected in [("ArrowRight", first + 1), ("ArrowRight", first + 2), ("ArrowLeft", first + 1)]:
        gallery.page.keyboard.press(key)
        assert picked(gallery) == expected
    gallery.page.keyboard.press("ArrowDown")
    assert "sentence 1" in gallery.find(".cotlens-side").inner_text()
    gallery.page.keyboard.press("ArrowUp")
    assert picked(gallery) == first
    gallery.page.keyboard.press("End")
    last = picked(gallery)
    gallery.page.keyboard.press("ArrowRight")
    answer = gallery.find(".cotlens-answer [data-token]").first.get_attribute("data-token")
    assert picked(gallery) == int(answer or 0) > (last or 0) + 1, "the marks between the parts are skipped"
    active = text.get_attribute("aria-activedescendant")
    assert gallery.page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    assert "probability" in (gallery.page.locator(f"#{active}").get_attribute("aria-label") or "")
    expect(gallery.find("[data-region=text] [tabindex='0']"), "the text is one tab stop").to_have_count(0)


def test_hover_previews_and_click_keeps(gallery: Gallery) -> None:
    gallery.show("shaded")
    side = gallery.find(".cotlens-side")
    gallery.token(60).click()
    gallery.token(70).hover()
    expect(side).to_have_attribute("data-subject", "70")
    gallery.until("sent.some((each) => each.kind === 'inspect' && each.document === 'd0' && each.token === 70)")
    gallery.find(".cotlens-foot").hover()  # over the side the preview stays: the way to its buttons leads there
    expect(side).to_have_attribute("data-subject", "60")


def test_a_resting_pointer_leaves_the_choice_to_the_keys(gallery: Gallery) -> None:
    gallery.show("long1k")
    side, text = gallery.find(".cotlens-side"), gallery.find("[data-region=text]")
    box = gallery.box(".cotlens-reading")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    under = f"document.elementFromPoint({x}, {y}).closest('[data-token]')?.dataset.token"
    pointed = gallery.page.evaluate(under)
    gallery.page.mouse.move(x, y)
    expect(side).to_have_attribute("data-subject", pointed)
    text.focus()
    gallery.page.keyboard.press("Home")
    for _ in range(60):
        gallery.page.keyboard.press("ArrowDown")
        if gallery.page.evaluate(under) not in (None, pointed):
            break
    gallery.page.wait_for_timeout(400)  # what lies under the pointer would be shown by then
    assert gallery.page.evaluate(under) not in (None, pointed), "another token has moved under the pointer"
    chosen = picked(gallery)
    assert side.get_attribute("data-subject") == str(chosen)
    gallery.token((chosen or 0) + 1).hover()
    expect(side, "the last movement wins").to_have_attribute("data-subject", str((chosen or 0) + 1))


def test_an_alternative_branches(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.token(69).click()
    row = gallery.find(".cotlens-choice:not(.cotlens-chosen):visible").nth(1)
    row.wait_for()
    gallery.page.wait_for_function("document.querySelectorAll('.cotlens-chosen').length === 1")
    row.click()
    (message,) = gallery.sent("branch")
    assert message["token"] == 69
    assert message["token_id"] != 99


def test_fast_moving_asks_once(gallery: Gallery) -> None:
    gallery.show_stopped("shaded")
    gallery.find("[data-region=text]").focus()
    for _ in range(20):
        gallery.page.keyboard.press("ArrowRight")
        gallery.pass_time(30)
    assert gallery.sent("inspect") == []
    gallery.pass_time(100)
    assert [message["token"] for message in gallery.sent("inspect")] == [picked(gallery)]


def test_a_sentence_and_a_stretch_can_be_picked(gallery: Gallery) -> None:
    gallery.show("sentence")
    gallery.find('[data-sentence="4"]').click()
    side = gallery.find(".cotlens-side")
    assert "Sentence 4" in side.inner_text()
    assert "to +" in side.inner_text(), "the interval"
    gallery.find('[data-sentence="5"]').click()
    assert "not measured: the answer could not be read in 3 of 20 rollouts" in (
        gallery.find(".cotlens-fact-effect").text_content() or ""
    )
    first = picked(gallery)
    gallery.page.keyboard.press("Shift+ArrowRight")
    gallery.page.keyboard.press("Shift+ArrowRight")
    expect(gallery.find(".cotlens-in")).to_have_count(3)
    gallery.action("delete").click()
    (message,) = gallery.sent("edit")
    assert message["text"] == ""
    pieces = [(gallery.token((first or 0) + i).text_content() or "").strip() for i in range(3)]
    removed = gallery.model("model.get('document').text")[message["start"] : message["end"]]
    assert removed.replace(" ", "") == "".join(pieces)


def test_recolouring_keeps_the_elements(gallery: Gallery) -> None:
    gallery.show("shaded")
    gallery.page.evaluate("window.kept = document.querySelector('[data-token=\"69\"]'); window.before = kept.className")
    gallery.set("{ shading_values: floats(Array(model.get('document').n_tokens).fill(-2.1)) }")
    assert gallery.page.evaluate("kept.isConnected && kept.className !== before && /cotlens-down/.test(kept.className)")
    gallery.page.evaluate("window.before = kept.className")
    gallery.find(".cotlens-range").fill("1")
    assert gallery.page.evaluate("kept.isConnected && kept.className === before"), "intensity is a custom property"


def test_a_long_thought_is_drawn_in_part(gallery: Gallery) -> None:
    gallery.show("long50k")
    assert gallery.find("[data-token]").count() < 3000
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("End")
    gallery.settle()
    last = gallery.model("model.get('document').sentences.length - 1")
    number = gallery.find(f'[data-sentence="{last}"]')
    assert number.is_visible()
    frame, box = gallery.box(".cotlens-reading"), number.bounding_box()
    assert box and frame["y"] <= box["y"] <= frame["y"] + frame["height"]
    track = gallery.box(".cotlens-track")
    gallery.page.mouse.click(track["x"] + track["width"] / 2, track["y"] + 60)
    gallery.settle()
    visible = gallery.find("[data-sentence]:visible").first.get_attribute("data-sentence")
    assert last * 0.4 < int(visible or 0) < last * 0.6
    assert gallery.find("[data-token]").count() < 3000


def test_the_prompt_folds(gallery: Gallery) -> None:
    gallery.show("longprompt")
    folded = gallery.box(".cotlens-prompt")["height"]
    assert folded < 60
    gallery.action("fold").click()
    assert gallery.box(".cotlens-prompt")["height"] > folded
    gallery.find("[data-region=text]").evaluate("(each) => { each.scrollTop = 0 }")
    gallery.action("fold").click()
    assert gallery.box(".cotlens-prompt")["height"] == folded


def test_an_edit_shows_what_was_there(gallery: Gallery) -> None:
    gallery.show("branch")
    assert gallery.find(".cotlens-content .cotlens-del").inner_text() == "14"
    assert "".join(gallery.find(".cotlens-content .cotlens-ins").all_inner_texts()).strip() == "15"
    rows = gallery.find(".cotlens-pair").all_inner_texts()
    assert [row.split("\n")[-1] for row in rows] == [".97 → .06", ".02 → .91", ".01 → .03"]


def test_what_was_asked_for_last_is_in_view(gallery: Gallery) -> None:
    gallery.show("branch")
    side = gallery.find(".cotlens-side-body")
    assert side.evaluate("(each) => each.scrollTop") > 0, "the answers before and after"
    gallery.token(69).click()
    assert side.evaluate("(each) => each.scrollTop") == 0, "the token's own facts"


def test_streamed_text_grows_in_place(gallery: Gallery) -> None:
    gallery.show("streaming")
    gallery.page.evaluate("window.node = document.querySelector('.cotlens-streaming p').firstChild")
    text = " Wait, let me check: 10 is right. He loses 2, so 10"
    from_ = gallery.model("model.get('stream').from")
    gallery.set(f"{{ stream: {{ ...model.get('stream'), from: {from_}, at: {len(text)}, text: ' - 2 = 8.' }} }}")
    assert gallery.page.evaluate("node.isConnected && node.data.endsWith('- 2 = 8.')")
    gallery.set("{ stream: {} }")
    expect(gallery.find(".cotlens-streaming")).to_have_count(0)


def test_a_view_that_came_late_asks_for_what_was_written(gallery: Gallery) -> None:
    gallery.show("streaming")
    gallery.model("model.answering = false")
    gallery.set("{ stream: { ...model.get('stream'), id: 7, at: 900, text: ' so 10 - 2', tokens: 40 } }")
    text = gallery.find(".cotlens-streaming p")
    expect(text).to_have_text("…  so 10 - 2")
    assert gallery.awaited("stream") == [{"kind": "stream", "of": 7}]
    gallery.set("{ stream: { ...model.get('stream'), at: 910, text: ' = 8', tokens: 41 } }")
    whole = gallery.model(
        "({ ...model.get('stream'), at: 0, text: 'He checks: '.repeat(82).slice(0, 900) + ' so 10 - 2 = 8' })"
    )
    gallery.reply({"request_id": gallery.asked("stream"), "kind": "reply", "status": "ok", "stream": whole})
    expect(text).to_have_text(whole["text"])
    gallery.set("{ stream: { ...model.get('stream'), at: 914, text: '.', tokens: 42 } }")
    expect(text).to_have_text(whole["text"] + ".")
    assert len(gallery.sent("stream")) == 1


def test_the_text_that_is_shown_is_the_text_that_was_written(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FLUSH_S", 0)
    pieces: list[dict[str, Any]] = []
    stream = streams.Stream(pieces.append)
    trace = Trace.from_text("How many?", "One, two.", "Two.")
    stream.begin(trace, 12, " Edited 👩‍👧:", limit=200)
    for at, token in enumerate(["1", " +", " é", " 👩‍", "👧", "\n", "So", " it", " is", " 7", "."] * 12):
        stream.add(at, token)
    gallery.show("streaming")
    from_ = gallery.model("model.get('stream').from")
    shown = gallery.find(".cotlens-streaming p")
    for piece in pieces:
        gallery.page.evaluate("(piece) => window.__cotlens.model.set({ stream: piece })", {**piece, "from": from_})
    gallery.settle()
    assert shown.evaluate("(each) => each.textContent") == stream.whole()["text"].lstrip()
    assert gallery.sent("stream") == [], "nothing was missed"


def test_what_is_written_is_counted_and_notes_are_of_the_text_that_is_shown(gallery: Gallery) -> None:
    gallery.show("unclosed")
    gallery.set("{ document: { ...model.get('document'), notes: ['The model ended its turn.'] } }")
    expect(gallery.find(".cotlens-note.cotlens-warn").last).to_have_text("The model ended its turn.")
    from_ = gallery.model("model.get('document').roles[1].end")
    gallery.set(
        "{ job: { id: 3, state: 'running', label: 'writing', done: 37, total: null, eta: null }, stream: "
        f"{{ id: 1, source: 'd0', from: {from_}, at: 0, text: ' So', tokens: 37, limit: 200 }} }}"
    )
    expect(gallery.find(".cotlens-status")).to_have_text("writing · 37 of 200 tokens")
    expect(gallery.find(".cotlens-side .cotlens-title").first).to_have_text("The text before")
    expect(gallery.find(".cotlens-note")).to_have_count(0)


def test_the_limit_of_writing_is_shown_and_changed_in_the_head(gallery: Gallery) -> None:
    gallery.show("shaded")
    opener = gallery.find(".cotlens-limits")
    expect(opener).to_have_text("≤ 200 tokens · T 1")
    opener.click()
    field = gallery.find("[data-limit=tokens]")
    expect(field).to_be_focused()
    gallery.page.keyboard.type("64")
    gallery.page.keyboard.press("Enter")
    expect(opener).to_be_focused()
    assert gallery.awaited("limits") == [{"kind": "limits", "max_new_tokens": 64, "temperature": 1}]
    gallery.set("{ limits: { max_new_tokens: 64, temperature: 0.5 } }")
    expect(opener).to_have_text("≤ 64 tokens · T 0.5")
    opener.click()
    field.fill("0")
    gallery.page.keyboard.press("Enter")
    expect(field).to_have_value("64")
    assert len(gallery.sent("limits")) == 1, "a limit of 0 is none"
    expect(gallery.find(".cotlens-notice")).to_contain_text("give a whole number of tokens, at least 1")


def test_an_edit_that_was_not_rerun_says_so_everywhere_and_offers_the_rerun(gallery: Gallery) -> None:
    gallery.show("unrun")
    text = gallery.find("[data-region=text]").inner_text()
    assert "still" not in text and "the model wrote again" not in text
    assert "from here on: the text before the edit" in text and "of the text before the edit" in text
    expect(gallery.find(".cotlens-chip[aria-current]")).to_have_text("14 → 15 · not rerun")
    expect(gallery.action("choices")).to_have_text("answer 7 before the edit · read by final")
    assert "edit not rerun" in gallery.find(".cotlens-status").inner_text()
    assert "edited text, not rerun" in gallery.find(".cotlens-key").inner_text()
    assert "the edit was not rerun" in gallery.find(".cotlens-facts").first.inner_text()
    gallery.action("rerun-edit").click()
    at = gallery.model("model.get('document').rerun_at")
    assert gallery.awaited("rerun") == [{"kind": "rerun", "token": at, "document": "d1"}]


def test_the_whole_thought_can_be_closed(gallery: Gallery) -> None:
    gallery.show("unclosed")
    end = gallery.model("model.get('document').sentences.at(-1).last")
    gallery.find("[data-region=text]").focus()
    gallery.page.keyboard.press("End")
    gallery.page.keyboard.press("t")
    gallery.page.keyboard.press("Escape")
    gallery.action("truncate").click()
    gallery.token(end - 2).click()
    gallery.action("truncate").click()
    assert [each["token"] for each in gallery.awaited("truncate", 3)] == [end, end, end - 2]


def test_places_outside_the_thought_are_named(gallery: Gallery) -> None:
    gallery.show("sentence")
    title = gallery.find(".cotlens-side .cotlens-title").first
    prompt, answer = gallery.find(".cotlens-prompt [data-token]").first, gallery.find(".cotlens-answer [data-token]")
    gallery.find("[data-sentence='7']").click()
    assert "Sentence 7" in title.inner_text()
    number = int(answer.first.get_attribute("data-token") or 0)
    answer.first.click()
    assert title.inner_text() == f"Token {number} · answer"
    prompt.click()
    assert title.inner_text().endswith("· prompt")
    # a branch that is shorter: what was picked as a sentence lies in its answer, or its template
    gallery.find("[data-sentence='5']").click()
    token = gallery.find(".cotlens-in").first.get_attribute("data-token")
    gallery.set(
        "(() => { const it = model.get('document'), cut = it.sentences[4].end; return { document: { ...it, id: 'd9', "
        "sentences: it.sentences.slice(0, 5), roles: it.roles.map((each) => each.role === 'thought' ? { ...each, "
        "end: cut } : each.role === 'answer' ? { ...each, start: cut } : each) } }; })()"
    )
    expect(title).to_have_text(f"Token {token} · answer")


def test_a_branch_is_resampled_with_and_without_its_edit(gallery: Gallery) -> None:
    gallery.show("branch")
    shown = gallery.find(".cotlens-resampled")
    expect(shown.locator("[data-arm=after]")).to_have_text(
        "with the edit: 20 of 20 written; 2 unread, 1 of them cut off by the limit"
    )
    expect(shown.locator("[data-arm=before]")).to_have_text("without it: 20 of 20 written")
    expect(shown.locator(".cotlens-groove").first).to_have_attribute(
        "aria-label", "answer 7, with the edit: 2 times, .11 (.03–.33)"
    )
    times = gallery.find("[aria-label='how many times']")
    times.fill("50")
    expect(gallery.action("resample")).to_have_text("Resample × 50")
    gallery.action("resample").click()
    assert gallery.awaited("resample") == [{"kind": "resample", "n": 50, "document": "d1"}]
    times.fill("")
    times.press("Enter")
    expect(gallery.find(".cotlens-notice")).to_contain_text("give a whole number of times, 1 to 1,000")
    assert len(gallery.sent("resample")) == 1


def silent(advice: str, **arm: int) -> str:
    """Counts of rollouts of which none answered by itself."""
    counts = json.dumps({"done": 13, "unread": 0, "cut": 0, "forced": 0, **arm})
    words = json.dumps(advice)
    return f"{{ resampled: {{ n: 20, rows: [], advice: {words}, arms: {{ before: {counts}, after: {counts} }} }} }}"


def test_a_branch_whose_answers_cannot_be_read_offers_a_way_out(gallery: Gallery) -> None:
    gallery.show("branch")
    out = gallery.find(".cotlens-way-out")
    expect(out).to_be_hidden()
    gallery.set(silent("26 were cut off by the limit", unread=13, cut=13))
    expect(out).to_contain_text("No answer could be read: 26 were cut off by the limit.")
    gallery.action("force-resampled").click()
    assert gallery.awaited("resample") == [{"kind": "resample", "n": 20, "force": True, "document": "d1"}]
    gallery.action("read-resampled").click()
    expect(gallery.page.get_by_label("reader of answers")).to_be_visible()
    gallery.set(silent("", forced=13))
    expect(out).to_be_hidden()
    expect(gallery.find("[data-arm=after]")).to_contain_text(
        "13 of 20 written; 13 answered once the thought was closed"
    )


def test_without_a_model_one_reads_searches_inspects_and_walks(gallery: Gallery) -> None:
    why = "No model was given."
    gallery.show("branch")
    gallery.set(f"{{ head: {{ model: 'no model', where: 'read only', note: '', off: '{why}' }}, limits: {{}} }}")
    gallery.token(20).click()
    for action in ("rerun", "truncate", "resample"):
        button = gallery.action(action).first
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_have_attribute("title", why)
    gallery.page.keyboard.press("Enter")
    expect(gallery.find(".cotlens-notice")).to_contain_text(why)
    expect(gallery.find(".cm-content")).to_have_count(0)
    assert gallery.awaited("inspect"), "what the trace knows of its tokens is asked for"
    gallery.page.keyboard.press("Control+f")
    gallery.page.keyboard.type("shells")
    expect(gallery.find(".cotlens-find-count")).to_contain_text("1 of")
    gallery.page.keyboard.press("Escape")
    gallery.page.keyboard.press("[")
    assert len(gallery.awaited("goto")) == 1
    gallery.action("choices").click()
    expect(gallery.page.get_by_label("reader of answers")).to_be_enabled()
    expect(gallery.page.get_by_label("answer that is followed")).to_be_disabled()
    gallery.page.keyboard.press("Escape")
    unneeded = {"inspect", "goto", "reader", "cancel", "stream"}
    assert {each["kind"] for each in gallery.sent()} <= unneeded
