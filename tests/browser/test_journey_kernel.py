"""The editor while the kernel is busy, while work is long, and when the kernel goes."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.journey import PROMPT, WRITTEN, cell, editor, from_text, heat

# Cells that go on until `Held` lets them end.
AGAIN = """import asyncio, pathlib, time
texts = set()
while True:
    {work}
    if pathlib.Path({told!r}).exists():
        break
{last}"""
BLOCKING = ("time.sleep(0.01)", "'slept'")
AWAITING = ("await asyncio.sleep(0.01)", "'awaited'")
WRITING = (f"texts.add(model.reason({PROMPT!r}, seed=3).text)", "len(texts)")
LONG = "There are 16 shells in the box and 28 more on the beach. " * 110

# A click on another branch, and one on the text that is still shown.
LEAVE_AND_CUT = """root => {
  root.querySelector('.cotlens-chip').click(); root.querySelector('[data-action=truncate]').click() }"""


class Held:
    """Cells that run until they are told to end, however slow the clicks are that they wait for."""

    def __init__(self, told: Path) -> None:
        self.told = told

    def cell(self, work: str, last: str) -> str:
        return AGAIN.format(work=work, told=str(self.told), last=last)

    def start(self, nb, index: int) -> None:
        self.told.unlink(missing_ok=True)
        nb.run(index, wait=False)
        expect(nb.cell(index).locator(".jp-InputPrompt").first).to_contain_text("[*]")

    def end(self, nb) -> None:
        self.told.touch()
        nb.wait_idle()


@pytest.fixture
def held(tmp_path):
    return Held(tmp_path / "told")


def test_clicks_while_cells_run(notebook, held):
    nb = notebook([cell(WRITTEN), *(held.cell(*each) for each in (BLOCKING, AWAITING, WRITING))])
    nb.run(0)
    view = editor(nb, 0)
    first, third = view.sentence(1), view.sentence(3)
    view.token(first).click()  # one interaction while idle: afterwards messages may come on another thread
    expect(view.find(".cotlens-chosen")).to_be_visible()

    for index, said in ((1, "'slept'"), (2, "'awaited'"), (3, "1")):
        before = view.kernel("len(editor.branches)")
        held.start(nb, index)
        view.token(third).click()
        view.action("truncate").click()
        nb.page.wait_for_timeout(300)  # time for a first answer, where it doesn't wait for the cell
        view.token(first).click()
        view.action("rerun").click()  # the second interaction while the cell runs
        held.end(nb)
        nb.check_output(index)
        assert nb.text(index).strip().endswith(said), "the cell was not disturbed"
        view.settle()
        assert view.trait("job")["state"] == "done", view.trait("job")
        assert view.kernel("editor.error") == ""
        assert view.kernel("len(editor.branches)") > before, "what was asked for was done"
        kept = f"all(t.token_ids[:{first}] == editor.branches[0].token_ids[:{first}] for t in editor.branches)"
        assert view.kernel(kept) is True
        view.find(".cotlens-trail .cotlens-menu > button").click()
        view.find("[role=treeitem]").first.click()
        expect(view.find(".cotlens-chip[aria-current]")).to_have_attribute("data-branch", "b0")
        view.settle()
        expect(view.token(third)).to_be_visible()
        assert view.kernel("editor.trace.id == editor.branches[0].id")


def test_clicks_that_wait_for_a_cell_keep_their_meaning(notebook, held):
    nb = notebook([cell(WRITTEN), held.cell(*BLOCKING)])
    nb.run(0)
    view = editor(nb, 0)
    first = view.sentence(1)
    for count, token in ((2, view.sentence(3)), (3, view.sentence(2))):
        view.token(token).click()
        view.action("truncate").click()
        view.settle()
        expect(view.chips).to_have_count(count)
    seen = view.kernel("editor.trace.id")

    # two steps back are two, and a click after them is about the text it was made on
    held.start(nb, 1)
    view.reading.focus()
    nb.page.keyboard.press("[")
    nb.page.keyboard.press("[")
    held.end(nb)
    expect(view.chips.nth(0)).to_have_attribute("aria-current", "true")
    view.settle()
    view.chips.nth(2).click()
    expect(view.chips.nth(2)).to_have_attribute("aria-current", "true")
    view.settle()
    assert view.kernel("editor.trace.id") == seen

    held.start(nb, 1)
    view.token(first).click()
    view.root.evaluate(LEAVE_AND_CUT)
    held.end(nb)
    view.settle()
    expect(view.chips).to_have_count(4)
    assert view.kernel("editor.trace.parent.id") == seen
    expect(view.chips.nth(3)).to_have_attribute("aria-current", "true")


def test_long_work_shows_progress_and_stops_when_told(notebook):
    nb = notebook([cell(from_text(PROMPT, LONG, "The answer is 44."))])
    nb.run_all()
    view = editor(nb, 0, settled=False)
    if view.trait("job")["state"] in ("queued", "running"):
        view.kernel("editor.cancel()")
    view.settle()
    view.shade_by("occlusion-total")
    view.settle()
    expect(view.find(".cotlens-words")).to_contain_text("Long work waits")
    view.action("measure").click()
    expect(view.status).to_contain_text(" of ")
    # The first words of a thought may have no effect: then it is said that nothing so far is clear of zero.
    came = view.find("[data-note=nothing], [class*='cotlens-up'], [class*='cotlens-down']").filter(visible=True)
    expect(came.first).to_be_visible(timeout=120_000)
    view.find("[data-action=cancel]").click()
    expect(view.status).to_contain_text("cancelled")
    view.settle()
    assert view.trait("job")["state"] == "cancelled"
    expect(view.status).to_contain_text("kept")
    assert view.kernel("int((editor.result.columns['estimate'] == editor.result.columns['estimate']).sum())") > 0
    expect(view.find(".cotlens-words")).to_contain_text("not complete")
    other = view.find("[data-unit][aria-pressed=false]").first
    name = other.get_attribute("data-unit")
    other.click()  # and the next request is served
    expect(view.find(f"[data-unit={name}]")).to_have_attribute("aria-pressed", "true")
    view.kernel("editor.cancel()")


def test_when_the_kernel_goes_everything_stays_readable(notebook):
    nb = notebook([cell(WRITTEN)])
    nb.run_all()
    view = editor(nb, 0)
    token = view.sentence(1)
    view.token(token).click()
    expect(view.find(".cotlens-chosen")).to_be_visible()
    text = view.find(".cotlens-content").inner_text()
    nb.restart()
    expect(view.status).to_contain_text("kernel gone")
    assert view.find(".cotlens-content").inner_text() == text
    assert heat(view)
    for action in ("rerun", "truncate", "edit"):
        expect(view.action(action)).to_have_attribute("aria-disabled", "true")
        assert "kernel" in (view.action(action).get_attribute("title") or "")
    view.reading.focus()
    nb.page.keyboard.press("ArrowRight")
    expect(view.side).to_have_attribute("data-subject", str(token + 1))
    expect(view.find(".cotlens-fact-probability")).not_to_have_text("not measured")

    nb.run_all()  # the cell again, a new editor
    again = editor(nb, 0)
    expect(again.status).not_to_contain_text("kernel gone")
    assert again.find(".cotlens-content").inner_text() == text


def test_odd_texts_are_states_and_stay_text(notebook):
    hostile = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'> There are 3 shells now."
    cells = [
        cell(from_text("<b onclick='window.hacked=3'>How many?</b>", hostile, "The answer is 3.")),
        "unread = cl.CoTEditor(model, "
        + from_text("Ravi has 3 shells.", "There are 3 shells now.", "Many, I think.")
        + ")\nunread",
        "asked = 'Ravi has 3 shells. He finds 4 more. How many shells does Ravi have?'"
        "\nendless = cl.CoTEditor(model, model.reason(asked, seed=2, max_new_tokens=12))"
        "\nendless",
        "empty = cl.CoTEditor(model, " + from_text("Ravi has 3 shells.", "", "The answer is 3.") + ")\nempty",
    ]
    nb = notebook(cells)
    nb.run_all()
    assert nb.value("all(each.wait(60) for each in (editor, unread, endless, empty))") is True
    words = ["<script>window.hacked = 1</script>", "no answer could be read", "The thought was never closed", "empty"]
    views = [editor(nb, index, settled=False) for index in range(4)]
    for view, said in zip(views, words, strict=True):
        expect(view.root).to_contain_text(said)
        expect(view.status).not_to_contain_text("error")
        expect(view.find(".cotlens-failed")).to_have_count(0)
    assert nb.value("[each.error for each in (editor, unread, endless, empty)]") == [""] * 4
    hostile_view = views[0]
    hostile_view.token(nb.value("editor.trace.roles['thought'].start + 2")).click()
    expect(hostile_view.find(".cotlens-choice[data-token-text]").first).to_be_visible()
    expect(hostile_view.find("script, img, b[onclick]")).to_have_count(0)
    assert nb.page.evaluate("window.hacked") is None


MEASURE = """about = {"document": editor.trace.id, "measure": "occlusion-total", "unit": "token", "confirmed": True}
editor._do_measure(editor._request({"kind": "measure", **about}))"""


def test_interrupting_the_kernel_and_deleting_the_cell_stop_the_work(notebook):
    nb = notebook([cell(from_text(PROMPT, LONG, "The answer is 44.")), MEASURE])
    nb.run_all()
    view = editor(nb, 0, settled=False)
    assert view.trait("job")["state"] in ("queued", "running")
    nb.interrupt()
    nb.expect_value("editor.view.job['state']", "cancelled")
    expect(view.status).to_contain_text("cancelled")

    nb.run(1)
    assert view.trait("job")["state"] in ("queued", "running")
    nb._do("() => { panel().content.deselectAll(); panel().content.activeCellIndex = 0 }")
    nb.command("notebook:delete-cell")
    expect(view.root).to_have_count(0)
    nb.expect_value("editor.view.job['state']", "cancelled")
