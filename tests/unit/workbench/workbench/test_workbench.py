"""A workbench opens the widgets of an investigation in one place, links them, and is kept, told and shared as one."""

import html
import re

import ipywidgets
import nbformat
import pytest
from ipywidgets.embed import embed_data

import cotlens as cl
from cotlens._core.errors import CotLensError, InputError
from cotlens.export import to_html
from cotlens.workbench.workbench.panels import PANELS
from tests.unit.widgets.shapes import check_view

WIDGETS = {
    "text": cl.CoTEditor, "importance": cl.ImportanceMap, "steering": cl.SteeringPanel, "features": cl.FeatureTable,
    "branches": cl.BranchTree, "findings": cl.MonitorPanel, "details": ipywidgets.HTML,
}  # fmt: skip


@pytest.fixture
def bench(front, given, abacus):
    """A workbench on an editor with a measure of each sentence."""
    editor = front(given, measure="early-answer", unit="sentence").editor
    made = cl.Workbench(abacus, editor)
    yield made
    made.close()
    assert made.wait(60)


@pytest.fixture(scope="module")
def whole(abacus, given):
    """A workbench with every panel open."""
    made = cl.Workbench(abacus, given)
    assert made.wait(60)
    for name in PANELS:
        made.open(name)
    assert made.wait(60)
    yield made
    made.close()
    assert made.wait(60)


def test_each_panel_is_the_widget_of_that_name(whole):
    assert all(issubclass(type(whole[name]), kind) for name, kind in WIDGETS.items())
    assert list(whole.panels) == list(WIDGETS) and set(whole.panels.values()) == {"half", "full"}
    assert whole.open("features") is whole["features"] and len(whole.children) == 1 + len(PANELS)
    check_view(whole.children[0])
    assert cl.show(whole) is whole


def test_what_is_picked_in_one_is_picked_in_all(whole, given):
    whole["importance"].selected = {"trace": given.id, "span": (60, 64), "unit": "sentence"}
    others = [whole[name] for name in PANELS if name != "details"]
    assert [each.selected["span"] for each in [whole, *others]] == [(60, 64)] * 7
    assert whole["features"].selection == (60, 64)


def test_a_panel_is_hidden_and_goes_on(bench):
    table = bench.open("features", "full")
    assert table.layout.display is None and table.layout.flex.endswith("100%")
    bench.close("features")
    assert table.layout.display == "none" and "features" not in bench.panels
    assert table.view.comm is not None and table.view in bench.children
    assert bench.wait(60) and table.view.job["state"] == "done", "it was not stopped"
    bench.panels = {"features": ""}
    assert bench.panels == {"features": "full"}, "it is as wide as it was"
    assert bench.editor.layout.display == "none" and table.layout.display is None


def test_the_page_opens_closes_and_widens(bench):
    bar, seen = bench.children[0], []
    bench.observe(lambda change: seen.append(change.new), "panels")
    bar.set_state({"panels": {"text": "full", "branches": ""}})
    bar.set_state({"panels": {"text": "half", "branches": "half"}})
    assert seen == [{"text": "full", "branches": "half"}, {"text": "half", "branches": "half"}]
    assert bar.panels == bench.panels and "max(420px" in bench.editor.layout.flex
    bar.set_state({"panels": {"nothing": ""}})
    assert bar.panels == bench.panels == seen[-1] and "no panel 'nothing'" in bar.notice
    bar.set_state({"panels": {"text": "full"}})
    assert bar.notice == "" and bench["branches"].layout.display == "none"


def test_importance_branches_and_details_keep_to_the_editor(bench, given):
    first, tree, details = (bench.open(name) for name in ("importance", "branches", "details"))
    before = first.results[0]
    bench.editor.walk(lambda: bench.editor.tree.add(given.replace("= 44", "= 54"), "b0", "44 → 54", "trace = ..."))
    assert bench.wait(60)
    assert first.results == (bench.editor.result,) != (before,) and first.trace.id == bench.trace.id != given.id
    assert first.scores[0]["trace"] == bench.trace.id and len(tree.branches) == 2
    assert bench.trace.id in details.summary() and given.id not in dict(details.facts)["trace"]


def test_what_cannot_be_opened_says_why_and_changes_nothing(bench, abacus, given):
    for act, why in (
        (lambda: bench.open("feature"), "no panel 'feature'. Did you mean 'features'"),
        (lambda: bench.close("texts"), "Did you mean 'text'"),
        (lambda: bench["findings"], "was not opened yet"),
        (lambda: bench.open("findings", "third"), "'half' or 'full'"),
        (lambda: cl.Workbench(cl.load("abacus-flip"), bench.editor), "of another model"),
        (lambda: cl.Workbench(abacus, "a text"), "shows a Trace"),
    ):
        with pytest.raises(InputError, match=re.escape(why)):
            act()
    assert bench.panels == {"text": "full"} and len(bench.children) == 2


def test_what_a_model_cannot_do_is_said(given):
    reading = cl.Workbench(None, given)
    for name, why in {
        "steering": "needs a model", "features": "needs a model", "importance": "needs a model",
    }.items():  # fmt: skip
        with pytest.raises(CotLensError, match=why):
            reading.open(name)
    for name in ("branches", "findings", "details"):
        reading.open(name)
    assert reading.model is None and set(reading.panels) == {"text", "branches", "findings", "details"}
    other = cl.load("abacus-flip")
    bench = cl.Workbench(other, cl.Trace.from_text(given.prompt, given.thought, given.answer, model=other))
    with pytest.raises(InputError, match="No autoencoder is known for 'abacus-flip'"):
        bench.open("features")
    with pytest.raises(InputError, match="no answer to make one of"):
        cl.Workbench(other, cl.Trace.from_text("How?", "So.", "No idea.", model=other)).open("steering")
    bench.close()
    assert bench.wait(60)


def test_it_is_told_in_words(whole):
    said, bundle = whole.summary(), whole._repr_mimebundle_()
    assert len(said) <= 2000 and all(f"{name}: " in said for name in PANELS)
    assert "print(workbench['text'].summary())" in said
    shown = bundle[0] if isinstance(bundle, tuple) else bundle
    assert shown["text/plain"] == said and shown["text/markdown"] == whole.summary(markdown=True)


def test_its_page_holds_the_pages_of_its_panels(whole, tmp_path):
    page = whole.to_html(tmp_path / "bench.html", "<b>a finding</b>").read_text("utf-8")
    frames = [html.unescape(each) for each in re.findall(r'srcdoc="([^"]*)"', page)]
    around = re.sub(r'srcdoc="[^"]*"', "", page)
    assert len(frames) == len(PANELS) and "<b>" not in around and "src=" not in around and "href=" not in around
    assert all(f"<title>{name}</title>" in frame for name, frame in zip(PANELS, frames[:-1], strict=False))
    assert whole.trace.id in frames[-1], "details are text"


def test_a_saved_notebook_shows_its_panels(whole, tmp_path):
    """Also beside the details, which are a widget of another's and no view."""
    shown = {"application/vnd.jupyter.widget-view+json": {"model_id": whole.model_id}, "text/plain": repr(whole)}
    cell = nbformat.v4.new_code_cell("bench", outputs=[nbformat.v4.new_output("display_data", data=shown)])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    state = embed_data([whole], drop_defaults=False)["manager_state"]
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    nbformat.write(notebook, tmp_path / "bench.ipynb")
    page = to_html(tmp_path / "bench.ipynb").read_text("utf-8")
    assert page.count("<iframe") == len(PANELS), "the bar, and all panels but the details"


def test_text_of_details_is_never_html(abacus):
    trace = cl.Trace.from_text("<img src=x>", "So.", "17", model=abacus)
    bench = cl.Workbench(None, trace)
    bench.editor.view.code = "<script>"
    shown = bench.open("details")
    shown.show([("<b>", "<img src=x>")])
    assert "<img" not in shown.value and "&lt;img" in shown.value and "&lt;b&gt;" in shown.value


def test_a_session_keeps_which_panels_are_open(bench, abacus, given, tmp_path):
    path = tmp_path / "study.cotlens"
    session = cl.Session(path, abacus)
    assert session.keep(bench) is bench and bench.session is session and session["editor"] is bench.editor
    for name in ("importance", "branches", "features"):
        bench.open(name)
    bench.close("text")
    assert bench.wait(60)
    with pytest.raises(InputError, match="keeps a workbench, 'workbench'"):
        session.keep(cl.Workbench(None, given))
    assert len(session.widgets) == 2, "nothing of the second"
    session.close()
    again = cl.Session.load(path)
    back = again["workbench"]
    assert again.problems == [] and back.editor is again["editor"] and back.session is again
    assert back.model.asleep, "nothing was asked of it"
    assert back.panels == {"importance": "half", "branches": "half"}
    assert back.children[0].notice == "Not kept, and begun anew when opened: features."
    assert back["importance"].results[0].data() == bench["importance"].results[0].data()
    again.close()
