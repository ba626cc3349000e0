"""Steering, latents, rollouts and findings of an investigation: branches of one tree, in its script, and back."""

import dataclasses
import itertools
import json
import runpy

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.workbench.branches.script import rollouts
from cotlens.workbench.shared.document import CHANGED
from tests.unit.workbench.session.damage import changed
from tests.unit.workbench.workbench.test_workbench import probed

pytestmark = pytest.mark.usefixtures("unhurried")
TOLD = """
import json
counts = {name: {row["answer"]: row["after"]["count"] for row in fan["rows"]} for name, fan in fans.items()}
effects = {name: found.columns["effect"].tolist() for name, found in results.items() if name.endswith("latents")}
told = {name: found.columns["estimate"].tolist() for name, found in results.items() if not name.endswith("latents")}
read = {name: [one.label for one in found] for name, found in readings.items()}
print(json.dumps([different, {name: trace.id for name, trace in traces.items()}, counts, told, effects, read]))
"""


class Study:
    """A session of a workbench in which a latent was taken away, a vector turned up, and rollouts were drawn."""

    def __init__(self, model, trace, path):
        self._numbers = itertools.count(1)
        self.session = cl.Session(path, model)
        self.bench = self.session.keep(cl.Workbench(model, self.opened(model, trace)))
        self.editor = self.bench.editor
        self.table, self.panel, self.findings = map(self.bench.open, ("features", "steering", "findings"))
        self.settle()
        self.ask(self.editor, "resample", document=trace.id, n=6, force=False)
        self.stopped(trace)
        latent = int(np.frombuffer(self.table.view.latents, "<u4")[0])
        change = {"latent": latent, "mode": "ablate", "value": 0.0, "where": "onwards", "first": 40, "last": 46}
        self.ask(self.table, "change", document=trace.id, **change)
        self.clamped = self.table.trace
        self.panel.add(cl.steering.given(np.random.default_rng(3).standard_normal(128), 1, name="<b>push</b>\n"))
        self.panel.steer(0.0, 0.5)
        self.settle()
        self.editor.tree.rename("b0", 'say "hi" </script> 🍐')
        self.editor.tree.tag("b1", "one, two")
        self.findings.labels = {trace.id: self.findings.panel["labels"][0]}
        self.bench.close("findings")
        self.session.note("a note")

    @staticmethod
    def opened(model, trace):
        editor = cl.CoTEditor(model, trace, measure="early-answer", unit="sentence")
        assert editor.wait(900)
        return editor

    def ask(self, widget, kind, **fields):
        sent = []
        widget.view.send = lambda content, buffers=None: sent.append(content)
        widget.view._handle_custom_msg({"request_id": next(self._numbers), "kind": kind, **fields}, [])
        assert sent[-1]["status"] == "ok", sent
        self.settle()

    def stopped(self, trace):
        """An edit whose rerun is cancelled after a few tokens, and rollouts that are cancelled among them."""
        at = trace.text.index("44")
        stop = lambda change: self.editor.cancel() if change.new.get("tokens", bool(change.new)) else None  # noqa: E731
        for trait, kind, fields in (
            ("stream", "edit", {"start": at, "end": at + 2, "text": "54"}),
            ("resampled", "resample", {"n": 40, "force": False}),
        ):
            self.editor.view.observe(stop, trait)
            self.ask(self.editor, kind, document=trace.id, **fields)
            self.editor.view.unobserve(stop, trait)
        self.ask(self.editor, "truncate", document=trace.id, token=trace.spans("sentence")[2].start)
        self.session.keep(cl.importance.EarlyAnswer(unit="sentence").run(trace, self.editor.model), "mine")
        self.ask(self.editor, "goto", branch="b0")

    def settle(self):
        for _ in range(2):  # what one has written is compared and read in another
            assert self.bench.wait(900), [each.error for each in (self.editor, self.table, self.panel)]


@pytest.fixture(scope="module")
def study(abacus, given, tmp_path_factory, unhurried):
    made = Study(abacus, given, tmp_path_factory.mktemp("study") / "study.cotlens")
    yield made
    made.bench.close()
    made.session.close()


@pytest.fixture(scope="module")
def back(study, tmp_path_factory):
    """The same from a copy of its file; whoever loads a model fails."""
    copy = tmp_path_factory.mktemp("back") / "copy.cotlens"
    study.session.save()
    study.session.close()
    copy.write_bytes(study.session.path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cotlens.workbench.session.lazy_model.load", lambda *_, **__: pytest.fail("nothing was asked"))
        again = cl.Session.load(copy)
        yield again
    again.close()


def test_runs_and_rollouts_are_branches_beside_the_edits(study, given):
    tree = study.editor.tree
    nodes = {node.kind: node for node in tree.nodes.values()}
    kinds = ["original", "resample", "replace", "resample", "truncate", "clamp", "steer"]
    assert [node.kind for node in tree.nodes.values()] == kinds
    assert {nodes[kind].parent for kind in ("clamp", "resample", "steer")} == {"b0"}
    assert nodes["clamp"].trace.id == study.clamped.id == study.editor.trace.id, "what was written is shown in both"
    for node in (nodes["clamp"], nodes["steer"]):
        assert node.changes and node.comparison["note"].startswith(("after: the text written under", "The model wrote"))
        assert node.probability == node.comparison["after"]["p"]
        assert (node.probability is None) == (node.answer is None)
    assert CHANGED in study.editor.view.document["notes"], "measures of it know nothing of the change"
    rows = cl.BranchTree(study.editor).branches
    assert [row["kind"] for row in rows] == [node.kind for node in tree.nodes.values()]
    assert all(row["from_parent"] for row in rows[1:])
    assert study.panel.source is study.table.source is study.editor


def test_the_script_does_it_again_with_the_same_numbers(study, tmp_path, capsys):
    (tmp_path / "again.py").write_text(study.session.script() + TOLD, encoding="utf-8")
    runpy.run_path(str(tmp_path / "again.py"), run_name="__main__")
    different, traces, fans, results, effects, read = json.loads(capsys.readouterr().out.splitlines()[-1])
    nodes = study.editor.tree.nodes
    assert different == [] and traces == {
        f"editor/{node.id}": node.trace.id for node in nodes.values() if node.kind != "resample"
    }
    (shown,) = study.findings.readings
    assert read == {"findings/arithmetic": [one.label for one in shown]}
    drawn = {node.id: node.fan for node in nodes.values() if node.kind == "resample"}
    whole = {name: fan for name, fan in drawn.items() if fan["arms"]["after"]["done"] == fan["n"]}
    assert whole and fans == {
        f"editor/{name}": {row["answer"]: row["after"]["count"] for row in fan["rows"]} for name, fan in whole.items()
    }
    half = dataclasses.replace(nodes["b1"], fan={**drawn["b1"], "n": drawn["b1"]["n"] + 7})
    assert list(rollouts("editor/", half, study.editor.tree, {}))[-1].startswith("# stopped before its end")
    for reading in study.table._readings.all():
        name = next(f"features/{node.id}/latents" for node in nodes.values() if node.trace.id == reading.trace.id)
        mine = sorted(before - after for before, after in reading.exact.values())
        assert sorted(each for each in effects[name] if each == each) == pytest.approx(mine, abs=1e-4)
    measured = {key[0]: one for key, one in study.editor._measuring.finished().items() if key[2].unit == "sentence"}
    for name, trace_id in traces.items():
        if trace_id in measured:
            found = results[f"{name}/early-answer per sentence"]
            assert found == pytest.approx(measured[trace_id].columns["estimate"].tolist(), abs=1e-5, nan_ok=True)
    mine = study.session["mine"].columns["estimate"].tolist()
    assert results["mine"] == pytest.approx(mine, abs=1e-5, nan_ok=True) and measured


def test_the_panels_come_back_and_no_model_is_loaded(study, back, given):
    assert back.problems == [] and back.notes == ["a note"]
    assert list(back.widgets) == ["editor", "workbench", "features", "steering", "findings"]
    bench, table, panel, findings = (back[name] for name in ("workbench", "features", "steering", "findings"))
    assert bench.panels == study.bench.panels and bench.children[0].notice == ""
    assert bench["features"] is table and bench["steering"] is panel and bench["findings"] is findings
    assert table.source is panel.source is back["editor"] and table.tree is back["editor"].tree
    assert table.wait(5) and panel.wait(5) and table.model.asleep
    for name in ("latents", "bounds", "values", "labels", "error", "facts", "exact", "estimate", "effect", "branches"):
        assert table.view.trait_values()[name] == study.table.view.trait_values()[name], name
    for name in ("vectors", "current", "steered", "unsteered", "findings", "tries", "baseline"):
        assert panel.view.trait_values()[name] == study.panel.view.trait_values()[name], name
    assert panel.run.probability_after == study.panel.run.probability_after
    assert [one.fingerprint for one in panel.vectors] == [one.fingerprint for one in study.panel.vectors]
    assert findings.labels == study.findings.labels and findings.panel == study.findings.panel
    assert back.script() == study.session.script()


def test_what_comes_back_goes_on(back, monkeypatch, abacus):
    """The last of this file: from here on the model is awake."""
    monkeypatch.setattr("cotlens.workbench.session.lazy_model.load", lambda *_, **__: abacus)
    table, panel, tree = back["features"], back["steering"], back["editor"].tree
    latents = np.frombuffer(table.view.latents, "<u4")[:12].tolist()
    known = next(each for each in table._readings.all() if each.trace.id == table.trace.id)
    before = set(known.exact)
    table.view._handle_custom_msg(
        {"request_id": 1, "kind": "exact", "document": table.trace.id, "latents": latents}, []
    )
    assert table.wait(600) and not table.model.asleep, table.error
    assert set(known.exact) == before | set(latents)
    panel.steer(0.0, -2.0)
    assert panel.wait(600) and back["editor"].wait(600), panel.error
    assert [node.kind for node in tree.nodes.values()].count("steer") == 2 or panel.view.steered["same"]


def test_a_widget_of_an_editor_that_is_not_kept_is_refused(study, tmp_path):
    other = cl.Session(tmp_path / "other.cotlens")
    with pytest.raises(InputError, match="FeatureTable shares the branches of an editor that isn't kept"):
        other.keep(study.table)
    assert other.widgets == {} and cl.Session.load(other.path) is other
    other.close()


def test_an_autoencoder_that_is_in_no_file_is_said_and_stops_nothing(abacus, given, tmp_path):
    sae = dataclasses.replace(cl.features.load_sae("abacus"), folder=None)
    session = cl.Session(tmp_path / "study.cotlens", abacus)
    bench = session.keep(cl.Workbench(abacus, given, sae=sae))
    with pytest.warns(UserWarning, match=r"this one is in no file yet: save it with cl\.features\.save_sae"):
        table = bench.open("features")
    assert "features" in bench.panels and list(session.widgets) == ["editor", "workbench"]
    session.save()
    bench.close()
    assert table.wait(600) and bench.wait(600)
    session.close()
    again = cl.Session.load(session.path)
    assert again.problems == [] and again["workbench"].children[0].notice.endswith("begun anew when opened: features.")
    again.close()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('["abacus", null]', '["/nowhere/sae", null]', "There is no SAE in '/nowhere/sae'"),
        ('["abacus", null]', '["gemma-scope", "layer_1"]', "isn't fetched by opening a session"),
        ('"fingerprint": "', '"fingerprint": "0', "is another one than it was"),
    ],
)
def test_an_autoencoder_that_is_gone_is_said_and_the_rest_comes_back(study, tmp_path, old, new, why):
    copy = tmp_path / "copy.cotlens"
    copy.write_bytes(study.session.path.read_bytes())
    changed(copy, "UPDATE items SET value = replace(value, ?, ?) WHERE id = 'features'", old, new)
    again = cl.Session.load(copy)
    (problem,) = again.problems
    assert problem.startswith("'features' couldn't be brought back") and why in problem
    assert again["steering"].source is again["editor"] and "features" in again["workbench"].children[0].notice
    again.close()
    if "fetched" in why:
        given = cl.Session.load(copy, saes=[study.table.sae])
        assert given.problems == [] and given["features"].sae is study.table.sae
        given.close()


@pytest.fixture
def patched(abacus, tmp_path):
    """A session of a workbench with a grid of patches, one of which was tried, and a chart of what a probe found."""
    base = cl.Trace.from_text("Mia has 12 pears and buys 7 more.", "12 + 7 = 19.", "The answer is 19.", model=abacus)
    source = base.replace("= 19", "= 18")
    found = cl.patching.PatchGrid(controls=(), layers=(0, 3)).run(base, source, abacus, answers=("19", "18"))
    bench = cl.Workbench(abacus, base, results=[found, probed()], other=source)
    session = cl.Session(tmp_path / "study.cotlens", abacus)
    session.keep(bench)
    grid = bench.open("patches")
    bench.open("probes")
    place = np.flatnonzero(found.columns["layer"] == 0)[0]
    first, last = (int(found.columns[name][place]) for name in ("start", "end"))
    wanted = {"side": "base", "layer": 0, "first": first, "last": last}
    wanted |= {"from_layer": 0, "from_first": first, "from_last": last}
    grid.view._handle_custom_msg({"request_id": 1, "kind": "patch", **wanted}, [])
    assert bench.wait(600) and len(grid.branches) == 3, grid.error
    yield session, bench
    bench.close()
    session.close()


def test_patches_and_charts_are_kept_and_made_again(patched, abacus, monkeypatch):
    session, bench = patched
    grid, script = bench["patches"], session.script()
    session.close()
    with monkeypatch.context() as patch:
        patch.setattr("cotlens.workbench.session.lazy_model.load", lambda *_, **__: pytest.fail("nothing was asked"))
        again = cl.Session.load(session.path)
    assert again.problems == [] and list(again.widgets) == ["editor", "workbench", "patches", "probes"]
    back = again["patches"]
    assert again["workbench"]["patches"] is back and back.model.asleep and back.trace.id == grid.trace.id
    for name in ("grid", "branches", "comparison", "code", "why"):
        assert back.view.trait_values()[name] == grid.view.trait_values()[name], name
    assert again["probes"].results[0].data() == bench["probes"].results[0].data()
    assert "data:image/svg+xml" in again["probes"].to_html(session.path.with_suffix(".html")).read_text("utf-8")
    assert again.script() == script
    again.close()
    monkeypatch.setattr(cl, "load", lambda name: abacus, raising=False)
    made = {}
    exec(script, made)
    assert made["different"] == [] and {f"patches/{each}" for each in grid.tree.nodes} <= made["traces"].keys()
    estimates = [one.columns["estimate"] for one in (made["results"]["patches"], grid.results[0])]
    np.testing.assert_allclose(*estimates, atol=1e-4)


def test_a_grid_that_was_still_measured_is_begun_anew(abacus, given, tmp_path):
    session = cl.Session(tmp_path / "study.cotlens", abacus)
    bench = session.keep(cl.Workbench(abacus, given, other=given.replace("= 44", "= 54")))
    bench.open("patches").cancel()
    assert bench.wait(600) and bench["patches"].results == []
    session.close()
    again = cl.Session.load(session.path)
    (problem,) = again.problems
    assert problem.startswith("'patches' couldn't be brought back (its cells were still being measured)")
    assert again["workbench"].children[0].notice.endswith("begun anew when opened: patches.")
    again.close()
    bench.close()
