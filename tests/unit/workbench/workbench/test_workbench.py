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
from cotlens.results import Provenance, Result
from cotlens.widgets.patch_grid import PatchGridView
from cotlens.workbench.workbench.charts import Charts
from cotlens.workbench.workbench.panels import PANELS
from tests.unit.widgets.shapes import check_view
from tests.unit.widgets.test_grids import result as grid

pytestmark = pytest.mark.usefixtures("unhurried")

WIDGETS = {
    "text": cl.CoTEditor, "importance": cl.ImportanceMap, "steering": cl.SteeringPanel, "features": cl.FeatureTable,
    "branches": cl.BranchTree, "findings": cl.MonitorPanel, "lens": cl.LensGrid, "patches": PatchGridView,
    "rollouts": cl.RolloutMap, "probes": Charts, "details": ipywidgets.HTML,
}  # fmt: skip


def probed():
    """What a probe found, with a name that is no HTML."""
    columns = {"layer": [0, 1], "estimate": [0.5, 0.9], "low": [0.4, 0.8], "high": [0.6, 1.0], "n": [9, 9]}
    columns |= {"status": ["ok", "ok"], "accuracy": [0.5, 0.9], "majority": [0.3, 0.3], "text": ["", ""]}
    columns |= {"start": [0, 0], "end": [1, 1]}
    words = "accuracy on <img src=x>", "layer", columns, "the higher, the better", "never right", "share of examples"
    return Result("probe", "Probe", *words, Provenance("Probe"), {})


@pytest.fixture
def bench(front, given, abacus):
    """A workbench on an editor with a measure of each sentence."""
    editor = front(given, measure="early-answer", unit="sentence").editor
    made = cl.Workbench(abacus, editor)
    yield made
    made.close()
    assert made.wait(600)


@pytest.fixture(scope="module")
def whole(abacus, given, unhurried):
    """A workbench with every panel open; what would take long to measure is given."""
    grids = [grid([[0.1, 2.0], [1.0, 3.0]], trace=given.id), grid([[1.0, 2.0]], kind="patch", method="PatchGrid")]
    rollouts = [given, given.replace("= 44", "= 54")]
    made = cl.Workbench(abacus, given, results=[*grids, probed()], rollouts=rollouts)
    assert made.wait(600)
    for name in PANELS:
        made.open(name)
    assert made.wait(600)
    yield made
    made.close()
    assert made.wait(600)


def test_each_panel_is_the_widget_of_that_name(whole):
    assert all(issubclass(type(whole[name]), kind) for name, kind in WIDGETS.items())
    assert list(whole.panels) == list(WIDGETS) and set(whole.panels.values()) == {"half", "full"}
    assert whole.open("features") is whole["features"] and len(whole.children) == 1 + len(PANELS)
    check_view(whole.children[0])
    assert cl.show(whole) is whole


def test_panels_stand_in_their_order_and_are_shown_whole(whole):
    """The map of rollouts with the editor that opens below it, too."""
    assert [child.layout.order for child in whole.children[1:]] == [
        str(list(PANELS).index(name)) for name in whole.made
    ]
    assert whole["rollouts"] in whole.children and whole["rollouts"].view not in whole.children


def test_what_is_picked_in_one_is_picked_in_all(whole, given):
    whole["importance"].selected = {"trace": given.id, "span": (60, 64), "unit": "sentence"}
    others = [whole[name] for name in PANELS if name not in ("details", "probes")]
    assert [each.selected["span"] for each in [whole, *others]] == [(60, 64)] * 10
    assert whole["features"].selection == (60, 64)


def test_a_panel_is_hidden_and_goes_on(bench):
    table = bench.open("features", "full")
    assert table.layout.display is None and table.layout.flex.endswith("100%")
    bench.close("features")
    assert table.layout.display == "none" and "features" not in bench.panels
    assert table.view.comm is not None and table.view in bench.children
    assert bench.wait(600) and table.view.job["state"] == "done", "it was not stopped"
    bench.panels = {"features": ""}
    assert bench.panels == {"features": "full"}, "it is as wide as it was"
    assert bench.editor.layout.display == "none" and table.layout.display is None


def test_the_page_opens_closes_and_widens(bench):
    bar, seen, sent = bench.children[0], [], []
    bar.send = lambda content, buffers=None: sent.append(content)
    bench.observe(lambda change: seen.append(change.new), "panels")
    asked = [("open", "branches"), ("widen", "text"), ("open", "nothing"), ("close", "branches"), ("widen", "branches")]
    for number, (kind, panel) in enumerate(asked):
        bar._handle_custom_msg({"request_id": number, "kind": kind, "panel": panel}, [])
        assert bar.panels == bench.panels
        assert ("no panel 'nothing'" in bar.notice) == (panel == "nothing")
    assert seen == [
        {"text": "full", "branches": "half"}, {"text": "half", "branches": "half"}, {"text": "half"},
    ]  # fmt: skip
    assert "max(420px" in bench.editor.layout.flex and bench["branches"].layout.display == "none"
    assert [each["status"] for each in sent] == ["ok", "ok", "error", "ok", "ok"]
    bar._handle_custom_msg({"request_id": 9, "kind": "open", "panel": 3}, [])
    assert sent[-1]["status"] == "error" and bar.notice
    bar._handle_custom_msg("nothing", [])


def test_importance_branches_and_details_keep_to_the_editor(bench, given):
    first, tree, details = (bench.open(name) for name in ("importance", "branches", "details"))
    before = first.results[0]
    bench.editor.walk(lambda: bench.editor.tree.add(given.replace("= 44", "= 54"), "b0", "44 → 54", "trace = ..."))
    assert bench.wait(600)
    assert first.results == (bench.editor.result,) != (before,) and first.trace.id == bench.trace.id != given.id
    assert first.scores[0]["trace"] == bench.trace.id and len(tree.branches) == 2
    assert bench.trace.id in details.summary() and given.id not in dict(details.facts)["trace"]


def test_features_keep_to_the_branch_that_is_shown_unless_nobody_looks(bench, given):
    table = bench.open("features")
    assert bench.wait(600)
    bench.editor.walk(lambda: bench.editor.tree.add(given.replace("= 44", "= 54"), "b0", "44 → 54", "trace = ..."))
    assert bench.wait(600) and table.trace is bench.trace and table.view.document["id"] == bench.trace.id
    assert table._readings.known(bench.trace) is not None and len(table.view.latents)
    bench.close("features")
    bench.editor.walk(lambda: bench.editor.tree.add(given.replace("= 29", "= 30"), "b0", "29 → 30", "trace = ..."))
    assert bench.wait(600) and table.trace is bench.trace and table._readings.known(bench.trace) is None
    bench.open("features")
    assert bench.wait(600) and table._readings.known(bench.trace) is not None
    table.undo()
    assert bench.trace.id == table.view.document["id"] == bench.editor.view.document["id"] != given.id, "one tree"
    bench.editor.tree.annotate("b1", "noted")
    assert [row["label"] for row in table.view.branches] == ["original", "44 → 54", "29 → 30"]


def test_lenses_patches_and_rollouts_are_panels_that_say_what_they_need(bench, abacus, given):
    lens = bench.open("lens")
    assert isinstance(lens, cl.LensGrid) and [one.kind for one in lens.results] == ["lens"]
    for name, why in (
        ("patches", "give the other one, cl.Workbench(model, trace, other="),
        ("rollouts", "compares two or more"),
        ("probes", "No probe was fitted"),
    ):
        with pytest.raises(InputError, match=re.escape(why)):
            bench.open(name)
    with pytest.raises(InputError, match="shows results of lenses, patches and probes; a importance was given"):
        cl.Workbench(abacus, given, results=[bench.editor.result])
    other = cl.Workbench(None, bench.editor, other=given.replace("= 44", "= 54"))
    grid = other.open("patches")
    grid.cancel()
    assert type(grid) is cl.PatchGrid and grid.wait(600) and other.selected == grid.selected
    other.close()


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
        "lens": "needs a model",
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
    assert bench.wait(600)


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
    assert "<img src=x" not in page.replace(html.escape("<img src=x"), "")
    assert [name == "details" for name in PANELS] == ["<title>" not in frame for frame in frames]
    assert all(
        f"<title>{name}</title>" in frame for name, frame in zip(PANELS, frames, strict=True) if "<title>" in frame
    )
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
    assert page.count("<iframe") == len(PANELS) - 1, "the bar, and all panels but the details and the charts"


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
    for name in ("importance", "branches", "features", "lens"):
        bench.open(name)
    bench.close("text")
    assert bench.wait(600)
    with pytest.raises(InputError, match="keeps a workbench, 'workbench'"):
        session.keep(cl.Workbench(None, given))
    assert list(session.widgets) == ["editor", "workbench", "map", "features", "lens"], "nothing of the second"
    session.close()
    again = cl.Session.load(path)
    back = again["workbench"]
    assert again.problems == [] and back.editor is again["editor"] and back.session is again
    assert back.model.asleep, "nothing was asked of it"
    assert back.panels == {"importance": "half", "features": "half", "branches": "half", "lens": "full"}
    assert back.children[0].notice == "" and back["lens"].grid == bench["lens"].grid
    assert back["importance"].results[0].data() == bench["importance"].results[0].data()
    again.close()
