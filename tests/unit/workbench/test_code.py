"""The code that every view gives: it runs as it stands, and what it makes is what is shown."""

import numpy as np
import pytest

import cotlens as cl
from cotlens.measure.calling import call_of
from cotlens.measure.monitors import Pattern, Rules
from cotlens.results import Provenance
from cotlens.results.code import making, opening_of
from tests.contract.test_importance import CASES
from tests.unit.widgets.results import importance, pairs

pytestmark = pytest.mark.usefixtures("unhurried")


@pytest.fixture
def run(abacus, monkeypatch):
    """Runs a script, in which the model needn't be loaded again; the names that it made, and the view it ends with."""
    monkeypatch.setattr(cl, "load", lambda name: abacus, raising=False)

    def run(code):
        *lines, last = code.splitlines()
        names = {}
        exec("\n".join(lines), names)
        names["shown"] = eval(last, names)
        return names

    return run


@pytest.fixture(scope="module")
def edited(given):
    """A text that was edited in every way, and goes on from there by no model."""
    return given.replace("= 44", "= 54").insert("Then", "So, <b>'well'</b> \\ “🍐”. ").delete("So 29 - 12 = 17.")


def test_a_map_of_results_measures_them_again(run, edited, abacus):
    results = [
        cl.importance.EarlyAnswer(unit="sentence", metric="probability").run(edited, abacus),
        cl.importance.Resampling(n=4, max_new_tokens=60).run(edited, abacus, seed=3),
    ]
    shown = run(cl.ImportanceMap(*results, trace=edited).code)["shown"]
    assert shown.trace.id == edited.id
    for one, other in zip(results, shown.results, strict=True):
        assert one.method == other.method
        for name in ("estimate", "low", "high"):
            np.testing.assert_allclose(one.columns[name], other.columns[name], atol=1e-5)


def test_a_matrix_is_made_of_its_importance_again(run, given, abacus):
    matrix = cl.importance.Suppression.pairs(cl.importance.Suppression().run(given, abacus))
    shown = run(cl.PairMatrix(matrix, given).code)["shown"]
    np.testing.assert_allclose(shown.result.columns["estimate"], matrix.columns["estimate"], atol=1e-5)


def test_a_lens_on_two_traces_is_read_again(run, given, abacus):
    traces = [given, given.replace("= 44", "= 54")]
    results = [cl.lenses.AnswerLens(rival="29").run(trace, abacus) for trace in traces]
    shown = run(cl.LensGrid(*results, traces=traces).code)["shown"]
    assert [one.provenance.trace_id for one in shown.results] == [trace.id for trace in traces]
    for one, other in zip(results, shown.results, strict=True):
        np.testing.assert_allclose(one.columns["estimate"], other.columns["estimate"], atol=1e-4)


def test_a_grid_of_patches_is_measured_again(run, given, abacus):
    other = given.replace("= 44", "= 54")
    found = cl.patching.PatchGrid(layers=(1, 2), controls=()).run(given, other, abacus, answers=("17", "27"))
    grid = cl.PatchGrid(found, model=abacus, base=given, source=other)
    made = run(grid.code)
    np.testing.assert_allclose(made["result"].columns["estimate"], found.columns["estimate"], atol=1e-4)
    assert made["shown"].wait(60)
    for each in (grid, made["shown"]):
        each.close()
    assert "# base, source: the two runs that this was measured on" in cl.PatchGrid(found).code


def test_thoughts_are_read_again_by_the_same_rules_beside_the_same_labels(run, given, edited):
    rules = Rules([Pattern("sums", r"\d+ \+ '?\d+", 2, "asks")], equations=True, view="thought+answer", name="my rules")
    panel = cl.MonitorPanel(rules.run([given, edited]), Rules(equations=True).run([given, edited]))
    before = panel.code
    panel.labels = {given.id: "clean"}
    assert before != panel.code
    shown = run(panel.code)["shown"]
    assert shown.panel == panel.panel and shown.labels == panel.labels


def test_rollouts_are_written_again_in_one_call(run, abacus):
    traces = abacus.reason("Mia has 12 pears and buys 7 more. How many pears does she have?", n=3, seed=5)
    rollouts = cl.RolloutMap(traces, abacus, seed=2)
    assert "n=3" in rollouts.code and rollouts.code.count("model.reason(") == 1
    shown = run(rollouts.code)["shown"]
    assert [trace.id for trace in shown.traces] == [trace.id for trace in traces]
    assert shown.view.prompts == rollouts.view.prompts


def test_a_tree_makes_every_branch_again(run, front, given):
    page = front(given, measure="early-answer", unit="sentence")
    page.act("edit", **page.place("44"), text="54")
    page.act("resample", n=6, force=False)
    page.act("goto", branch="b0")
    page.act("truncate", token=given.spans("sentence")[2].start)
    tree = cl.BranchTree(page.editor)
    tree.annotate("b1", "a note\nof two lines")
    texts = {node.id: node.trace.id for node in tree.tree.nodes.values() if node.kind != "resample"}
    made = run(tree.code)
    assert {name: trace.id for name, trace in made["traces"].items()} == texts
    (drawn,) = [node for node in tree.tree.nodes.values() if node.kind == "resample"]
    assert {name: fan["rows"] for name, fan in made["fans"].items()} == {drawn.id: drawn.fan["rows"]}
    pruned = max(texts)
    tree.prune(pruned)
    assert pruned not in run(tree.code)["traces"]


def test_of_a_branch_that_cannot_be_measured_the_editors_code_says_why_and_runs(run, front, given):
    page = front(given.truncate(given.spans("sentence")[2].start), measure="occlusion-direct")
    assert "# no result: Occlusion, direct effect can't be measured here: there is no answer yet" in page.editor.code
    assert page.view.code == page.editor.code
    assert run(f"{page.editor.code}\ntrace")["shown"].id == page.editor.trace.id


def test_a_tree_of_traces_makes_them_again(run, given, edited, abacus):
    written = abacus.resume(given.replace("= 44", "= 54"))
    tree = cl.BranchTree([edited, written])
    made = run(tree.code)
    assert {node.trace.text for node in tree.tree.nodes.values()} == {each.text for each in made["traces"].values()}
    assert {node.trace.id for node in tree.tree.nodes.values()} - {each.id for each in made["traces"].values()} == {
        written.id
    }, "how a model went on isn't known to a text, so that it is given as it is"


def test_a_transcript_without_a_model_is_text(run):
    trace = cl.Trace.from_text("q", "One. Two.", "a")
    for view in (
        cl.BranchTree(trace),
        cl.RolloutMap([trace]).view,
        cl.MonitorPanel(Rules(equations=True).run([trace])),
    ):
        assert "cl.load" not in view.code and "model" not in view.code
        run(view.code)


def test_a_result_of_elsewhere_says_so(given):
    view = cl.ImportanceMap(importance([0.5], texts=["One."]))
    assert "with the settings of its provenance" in view.code and "trace=" not in view.code
    compile(view.code, "code", "exec")
    assert "cl.load_result(path)" in cl.PairMatrix(pairs({(0, 1): 0.5})).code


def test_a_view_is_given_what_its_results_were_measured_on(given, edited, abacus):
    found = cl.lenses.AnswerLens(rival="29").run(given, abacus)
    with pytest.raises(cl.CotLensError, match="None of these results was measured on the trace"):
        cl.LensGrid(found, traces=[edited])
    with pytest.raises(cl.CotLensError, match="LensGrid takes traces; a int was given"):
        cl.LensGrid(found, traces=[3])
    assert "this view was not given it" in cl.LensGrid(found).code


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_method_says_how_it_is_called(case):
    """With the settings of its case; where one of them is a function, no literal says how."""
    method = case.make()
    call = call_of(method, 7)
    if any(map(callable, vars(method).values())):
        assert call == ""
        return
    assert call.startswith(f"cl.importance.{case.name}(") and call.endswith(").run(trace, model, seed=7)")
    assert eval(call.removesuffix(".run(trace, model, seed=7)"), {"cl": cl}) == method


def test_results_of_before_are_read(given):
    data = Provenance("Occlusion").data()
    del data["call"]
    assert Provenance(**data).call == ""
    assert making(given)


def test_a_model_is_loaded_as_it_was(given):
    model = cl.load("abacus", dtype="float64", system=None)
    editor = cl.CoTEditor(model, given, measure=None)
    editor.close()
    codes = [editor.code, cl.BranchTree(editor).code]
    for code in codes:
        assert "model = cl.load('abacus', dtype='float64')" in code, code
    assert opening_of(cl.load("abacus")) == "cl.load('abacus')"
