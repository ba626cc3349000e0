"""Views that were written as a page: opened from disk, with no kernel, they still answer what was measured."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from ipywidgets import Widget
from ipywidgets.embed import embed_data
from nbconvert import HTMLExporter
from playwright.sync_api import Page, expect
from traitlets.config import Config

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.export import STATE, WIDGET, to_html
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.part import Part
from cotlens.widgets.page.page import NO_KERNEL
from cotlens.widgets.page.recording import Recording, State
from cotlens.workbench.editor.recording import REFUSAL, UNMEASURED
from tests.gallery.page import Pages

PROMPT = "Tom has 3 apples. He buys 4 more. How many apples does Tom have?"
HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"


@pytest.fixture(scope="module")
def editor() -> cl.CoTEditor:
    """Two branches: one of them measured in three ways, the other in one."""
    model = cl.load("abacus")
    editor = cl.CoTEditor(model, model.reason(PROMPT), measure="occlusion-direct")
    assert editor.wait(60)
    asked = {"request_id": 1, "document": editor.trace.id}
    editor._on_message(None, {**asked, "kind": "measure", "measure": "early-answer", "unit": "sentence"})
    assert editor.wait(60)
    at = editor.trace.text.index("7")
    editor._on_message(None, {**asked, "kind": "edit", "start": at, "end": at + 1, "text": "9"})
    assert editor.wait(60)
    return editor


@pytest.fixture
def page(pages: Pages) -> Iterator[Page]:
    """A page that may fetch nothing and say no error."""
    page, wrong = pages.page(), list[str]()
    listeners = {
        "pageerror": lambda error: wrong.append(str(error)),
        "console": lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None,
        "request": lambda sent: None if sent.url.startswith(("file:", "blob:", "data:")) else wrong.append(sent.url),
    }
    for event, listener in listeners.items():
        page.on(event, listener)  # type: ignore[call-overload]
    yield page
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    assert wrong == []


def opened(page: Page, path: Path) -> Page:
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-drawn]")
    return page


def test_an_editor_is_read_without_a_kernel(page, editor, tmp_path):
    path = editor.to_html(tmp_path / "editor.html", "What a wrong digit does")
    opened(page, path)
    expect(page.locator("h1")).to_have_text("What a wrong digit does")
    expect(page.locator(".cotlens-answer")).to_contain_text("9")
    page.get_by_role("button", name=re.compile("original")).click()
    expect(page.locator(".cotlens-answer")).to_contain_text("7")

    page.locator(".cotlens-measure").first.click()
    early = page.locator('[data-measure="early-answer"]')
    expect(page.locator('[data-measure="suppression"]')).to_contain_text(UNMEASURED)
    early.click()
    expect(page.locator(".cotlens-wordline")).to_contain_text("Early answer")

    page.locator("[data-token]").nth(5).click()
    expect(page.locator(".cotlens-root")).to_contain_text("nats")
    for action in ("rerun", "truncate", "edit"):
        expect(page.locator(f'[data-action="{action}"]')).to_have_attribute("title", re.compile(re.escape(NO_KERNEL)))
    page.locator("summary", has_text="Occlusion").first.click()
    expect(page.locator("footer")).to_contain_text("model: abacus")


def test_of_a_transcript_every_part_is_read_without_a_kernel(page, tmp_path):
    said = [("user", "How many?"), ("thought", "I look."), ("answer", "Wait."), ("user", "And now?")]
    said += [("thought", "It was 7."), ("answer", "7"), ("user", "Sure?"), ("thought", "Yes."), ("answer", "Sure, 7.")]
    turns = [0, 1, 1, 2, 3, 3, 4, 5, 5]
    trace = from_parts(cl.Trace, [Part(kind, text, turn) for (kind, text), turn in zip(said, turns, strict=True)])
    editor = cl.CoTEditor(None, trace)
    editor._on_message(None, {"request_id": 1, "kind": "focus", "thought": 1})
    opened(page, editor.to_html(tmp_path / "editor.html"))
    thought = page.locator(".cotlens-thought .cotlens-text")
    expect(thought).to_have_text("It was 7.")
    page.locator('[data-part="7"]').click()  # it was looked at, so the page holds it
    expect(thought).to_have_text("Yes.")
    page.locator('[data-part="1"]').click()
    expect(page.locator(".cotlens-notice")).to_contain_text(REFUSAL)
    expect(page.locator(".cotlens-prompt .cotlens-text")).to_have_text("I look.")


def test_what_was_not_measured_cannot_be_chosen(page, editor, tmp_path):
    opened(page, editor.to_html(tmp_path / "editor.html"))
    shown = page.locator(".cotlens-wordline")
    expect(shown).to_contain_text("Early answer per sentence")
    page.locator(".cotlens-measure").first.click()
    page.locator('[data-measure="suppression"]').click(force=True)
    page.keyboard.press("Escape")
    page.locator('[data-unit="paragraph"]').click(force=True)
    expect(shown).to_contain_text("Early answer per sentence")
    expect(page.locator('[data-unit="paragraph"]')).to_have_attribute("title", re.compile(UNMEASURED))


def test_a_message_that_was_not_recorded_is_refused_in_words(page, tmp_path):
    """The table of a page holds what it was shown; which message the view sends is its own business."""
    editor = cl.CoTEditor(None, cl.Trace.from_text("q", "a thought."))
    recorded = Recording([State({"head": {}})], {}, REFUSAL)
    opened(page, editor.view.to_html(tmp_path / "page.html", recording=recorded))
    page.locator("[data-token]").nth(1).click()
    page.keyboard.press("t")
    expect(page.locator(".cotlens-root")).to_contain_text(REFUSAL)


def test_text_of_a_model_stays_text(page, tmp_path):
    trace = cl.Trace.from_text(f"q {HOSTILE}", f"a thought. {HOSTILE}", HOSTILE)
    path = cl.CoTEditor(None, trace).to_html(tmp_path / "page.html", HOSTILE)
    opened(page, path)
    expect(page.locator("h1")).to_have_text(HOSTILE)
    expect(page.locator(".cotlens-root")).to_contain_text("onerror")
    assert page.title() == HOSTILE
    expect(page.locator("img")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_map_follows_the_readers_theme(page, editor, tmp_path, scheme):
    page.emulate_media(color_scheme=scheme)
    view = cl.ImportanceMap(editor.result, trace=editor.trace)
    opened(page, view.to_html(tmp_path / "map.html"))
    expect(page.locator(".cotlens-importance")).to_have_attribute("data-cotlens-theme", scheme)
    expect(page.locator("footer")).to_contain_text("provenance")
    page.emulate_media(color_scheme=None)


def with_a_map(editor: cl.CoTEditor) -> nbformat.NotebookNode:
    """A notebook that keeps the state of a map, and of another widget nothing."""
    view = cl.ImportanceMap(editor.result, trace=editor.trace)
    shown = {"text/plain": repr(view), WIDGET: {"model_id": view.model_id}}
    lost = {"text/plain": "<another widget>", WIDGET: {"model_id": "none"}}
    outputs = [nbformat.v4.new_output("display_data", data=data) for data in (shown, lost)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("cl.show(result)", outputs=outputs)])
    notebook.metadata["widgets"] = {STATE: Widget.get_manager_state(widgets=[view, view._held])}
    return notebook


def test_html_of_nbconvert_shows_what_a_notebook_keeps_where_there_is_no_network(pages, editor, tmp_path):
    """As `cotlens lab` lets it be exported. What else nbconvert asks the network for is missing, and not missed."""
    settings = Config(HTMLExporter={"preprocessors": ["cotlens.export.exporters.StaticViews"]})
    (tmp_path / "finding.html").write_text(HTMLExporter(config=settings).from_notebook_node(with_a_map(editor))[0])
    page = pages.page()
    page.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    page.goto((tmp_path / "finding.html").as_uri())
    expect(page.frame_locator("iframe").locator(".cotlens-importance")).to_contain_text("Early answer")
    expect(page.locator("body")).to_contain_text("<another widget>")
    page.unroute_all()


def test_a_notebook_with_saved_widgets_is_exported_with_them(page, editor, tmp_path):
    """What a notebook keeps of a view is drawn, in a frame that can't reach the page; a lone id is a line of text."""
    nbformat.write(with_a_map(editor), tmp_path / "finding.ipynb")
    page.goto(to_html(tmp_path / "finding.ipynb").as_uri())
    frame = page.frame_locator("iframe")
    expect(frame.locator(".cotlens-importance")).to_contain_text("Early answer")
    expect(frame.locator("body")).not_to_contain_text("Written by")
    expect(page.locator("body")).to_contain_text("<another widget>")


def test_a_tree_is_walked_without_a_kernel(page, editor, tmp_path):
    tree = cl.BranchTree(editor)
    tree.rename("b1", HOSTILE[:190])
    opened(page, tree.to_html(tmp_path / "tree.html"))
    page.locator("[data-region=branches]").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-region=detail] h4").first).to_contain_text("b1 · </script>")
    expect(page.locator(".cotlens-facts").first).to_contain_text("from its parent")
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]")).to_contain_text("There is no kernel behind this tree")
    expect(page.locator("img")).to_have_count(0)
    tree.undo()


def test_the_page_of_a_session_walks_its_branches(page, editor, tmp_path):
    session = cl.Session(tmp_path / "study.cotlens")
    session.keep(editor)
    session.keep(cl.BranchTree(editor))
    session.note("9 is where it goes wrong")
    page.goto(session.to_html(tmp_path / "session.html").as_uri())
    expect(page.frame_locator("iframe").nth(0).locator("pre")).to_have_text("9 is where it goes wrong")
    view = page.frame_locator("iframe").nth(1)
    page.locator("iframe").nth(1).scroll_into_view_if_needed()
    before = view.locator(".cotlens-content").inner_text()
    view.locator(".cotlens-chip:not([aria-current=true])").click()
    expect(view.locator(".cotlens-content")).not_to_have_text(before)
    session.close()


def test_rollouts_are_read_without_a_kernel_and_enter_says_that_there_is_none(page, tmp_path):
    said = [cl.Trace.from_text("12 + 7?", f"Let me add. {HOSTILE} 12 + 7 = 19.", "19") for _ in range(3)]
    opened(page, cl.RolloutMap(said).to_html(tmp_path / "rollouts.html"))
    page.locator("[data-region=rows]").press("ArrowDown")
    expect(page.locator(".cotlens-raw")).to_contain_text(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]")).to_contain_text("There is no kernel behind this map")
    expect(page.locator("img")).to_have_count(0)


def test_what_a_box_shows_is_exported(page, editor, tmp_path):
    """A map of rollouts with two editors below it, of which one is hidden."""
    shown = cl.RolloutMap([cl.Trace.from_text("12 + 7?", "Let me add. 12 + 7 = 19.", "19") for _ in range(2)])
    shown.edit(0)
    shown.edit(1)
    data = {"text/plain": repr(shown), WIDGET: {"model_id": shown.model_id}}
    cell = nbformat.v4.new_code_cell("cl.show(traces)", outputs=[nbformat.v4.new_output("display_data", data=data)])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["widgets"] = {STATE: embed_data([shown])["manager_state"]}
    nbformat.write(notebook, tmp_path / "finding.ipynb")
    page.goto(to_html(tmp_path / "finding.ipynb").as_uri())
    expect(page.locator("iframe")).to_have_count(2)
    expect(page.frame_locator("iframe >> nth=0").locator(".cotlens-rollouts")).to_contain_text("2 rollouts")
    expect(page.frame_locator("iframe >> nth=1").locator(".cotlens-editor")).to_contain_text("12 + 7")


def test_a_page_that_cannot_be_written(editor, tmp_path):
    with pytest.raises(InputError, match="Nothing can be saved"):
        editor.to_html(tmp_path / "nowhere" / "page.html")
