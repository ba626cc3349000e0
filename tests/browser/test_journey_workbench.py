"""A whole investigation in one workbench, by hand, as a script, as a page, and after the kernel was killed at work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.journey import Editor, answered
from tests.browser.notebook import ROOT
from tests.browser.test_steering import slide
from tests.chromium import new_page

PROMPT = "Mia has 12 pears and buys 7 more. How many pears does she have?"
OPEN = f"""
import pathlib, tempfile
import cotlens as cl
model = cl.load("abacus")
trace = cl.Trace.from_text({PROMPT!r}, "Mia has 12 pears. 12 + 7 = 19.", "The answer is 19.", model=model)
path = pathlib.Path(tempfile.mkdtemp()) / "study.cotlens"
session = cl.Session(path, model)
bench = session.keep(cl.Workbench(model, cl.CoTEditor(model, trace, measure="early-answer", unit="sentence")))
editor = bench.editor
bench
"""
# In another cell, linked with all that is in the first.
LINKED = """
shown = session.keep(cl.ImportanceMap(editor.result, trace=trace), "the map")
picked = session.keep(cl.Selection(bench, shown))
shown
"""
# The kernel goes with the first rollout of a measurement that has many.
DYING = """
import os, signal
def die(change):
    if change.new["state"] == "running" and change.new["done"]:
        os.kill(os.getpid(), signal.SIGKILL)
editor.view.observe(die, "job")
"""
AGAIN = """
import cotlens as cl
session = cl.Session.load({path!r})
bench, editor = session["workbench"], session["editor"]
bench
"""
# What a script has made, as the session has it.
REPEATED = """
import json
numbers = {name: one.columns["estimate"].tolist() for name, one in results.items() if "estimate" in one.columns}
print(json.dumps([different, {name: trace.id for name, trace in traces.items()}, numbers]))
"""
KNOWN = (
    "{f'editor/{node.id}/{key[2].measure} per {key[2].unit}': one.columns['estimate'].tolist() "
    "for key, one in editor._measuring.finished().items() for node in editor.tree.nodes.values() "
    "if (node.trace.id, node.trace.awaits_rerun) == key[:2]}"
)


class Bench:
    """A workbench on the page."""

    def __init__(self, nb, root: Locator) -> None:
        self.nb, self.root = nb, root
        self.editor = Editor(nb, root.locator(".cotlens-editor"))
        self.tree = root.locator(".cotlens-branchtree")

    def button(self, panel: str) -> Locator:
        return self.root.locator(f"[data-panel={panel}]")

    def branch(self, name: str) -> Locator:
        return self.tree.locator(f"[data-branch={name}]")

    def open(self, *panels: str) -> None:
        for panel in panels:
            self.button(panel).click()
            expect(self.button(panel)).to_have_attribute("aria-pressed", "true", timeout=120_000)
        assert self.nb.value("bench.wait(300)") is True

    def keys(self, *names: str) -> None:
        for name in names:
            self.nb.page.keyboard.press(name)


def test_an_investigation_from_the_first_look_to_the_next_day(notebook, chromium, tmp_path):
    nb = notebook([OPEN, LINKED, DYING, "0"], alone=True)
    nb.run(0)
    bench = Bench(nb, nb.output(0))
    bench.editor.settle()
    nb.run(1)
    look_around(nb, bench)
    try_things(nb, bench)
    say_things(nb, bench)
    look_inside(nb, bench)
    told = nb.value("[node.note for node in editor.tree.nodes.values()]")
    path, script, known = nb.value("str(path)"), nb.value("session.script()"), nb.value(KNOWN)
    ids = nb.value("{f'editor/{node.id}': node.trace.id for node in editor.tree.nodes.values()}")
    page = Path(nb.value("str(session.to_html(path.with_suffix('.html')))"))
    with again(script, tmp_path) as repeated:
        read_offline(chromium, page)
        killed_at_work(nb, bench)
        nb.source(3, AGAIN.format(path=path))
        nb.run(3)
        the_next_day(nb, Bench(nb, nb.output(3)), told)
        printed, wrong = repeated.communicate(timeout=300)
    assert repeated.returncode == 0, wrong
    different, traces, numbers = json.loads(printed.splitlines()[-1])
    assert (different, traces) == ([], ids)
    assert {name: numbers.get(name) for name in known} == {
        name: pytest.approx(values, abs=1e-5, nan_ok=True) for name, values in known.items()
    }


def look_around(nb, bench: Bench) -> None:
    """Panels are opened; a sentence that is picked in the text is picked in each, and back from another cell."""
    bench.open("importance", "branches", "features", "findings")
    first = bench.editor.sentence(1)
    bench.editor.token(first).click()
    nb.expect_value("(bench['features'].selection or [0])[0]", first)
    for each in (bench.root, nb.output(1)):
        expect(each.locator(".cotlens-quote")).to_contain_text("12 + 7")
    nb.output(1).locator(".cotlens-t[data-unit='0']").click()
    nb.expect_value("(bench['features'].selection or [0])[0]", bench.editor.sentence(0))
    expect(bench.editor.side).to_have_attribute("data-subject", str(bench.editor.sentence(0)))


def try_things(nb, bench: Bench) -> None:
    """A number is changed and the thought is cut: two branches, which every panel follows; the two are compared."""
    view = bench.editor
    view.rewrite("12 + 7 = 19", "12 + 7 = 20")
    view.settle()
    expect(view.chips).to_have_count(2)
    view.token(view.sentence(1)).click()
    view.action("truncate").click()
    view.settle()
    expect(bench.tree.locator("[role=treeitem]")).to_have_count(3)
    nb.expect_value("bench['features'].view.document['id'] == editor.trace.id", True)
    bench.branch("b0").click()
    bench.keys("m", "ArrowDown", "m")
    expect(bench.tree.locator("[aria-label='compared branches'] ins").first).to_be_visible()


def say_things(nb, bench: Bench) -> None:
    """A branch is named, tagged, noted and pruned by keys, undone and done again; a finding gets a label."""
    bench.keys("F2")
    nb.page.keyboard.type("a wrong sum")
    bench.keys("Tab")
    nb.page.keyboard.type("sum, mine")
    bench.keys("Tab")
    nb.page.keyboard.type("<b>it gives in</b>")
    bench.tree.locator("[data-region=branches]").focus()
    answered(bench.tree)
    expect(bench.branch("b1")).to_contain_text("a wrong sum #sum #mine ✎")
    bench.keys("ControlOrMeta+z")
    expect(bench.branch("b1")).not_to_contain_text("✎")
    bench.keys("ControlOrMeta+Shift+z")
    expect(bench.branch("b1")).to_contain_text("✎")
    bench.keys("End", "Delete")
    expect(bench.tree.locator("[data-action=all]")).to_have_text("1 pruned")
    bench.keys("ControlOrMeta+z")
    expect(bench.tree.locator("[data-action=all]")).to_be_hidden()
    answered(bench.tree)
    bench.keys("Home")
    expect(bench.branch("b0")).to_have_attribute("aria-selected", "true")
    bench.keys("Enter")
    expect(bench.editor.chips.first).to_have_attribute("aria-current", "true")
    bench.editor.settle()
    bench.root.locator(".cotlens-monitorpanel [data-region=reading]").click()
    bench.keys("1")
    nb.expect_value("len(bench['findings'].labels)", 1)
    assert nb.value("session.note('19 stands or falls with the sum')") is None


def look_inside(nb, bench: Bench) -> None:
    """The answer is steered, which is a branch of the same tree; a lens says where it can be read; code gives it."""
    bench.open("steering", "lens")
    slide(bench.root.locator(".cotlens-steering"))
    assert nb.value("bench['steering'].wait(300) and editor.wait(300)") is True
    expect(bench.tree.locator("[role=treeitem]")).to_have_count(4)
    expect(bench.branch("b3").locator(".cotlens-kind")).to_have_text("steering")
    lens = bench.root.locator(".cotlens-lensgrid [data-region=layers]")
    lens.focus()
    bench.keys("ArrowDown", "ArrowRight")
    nb.expect_value("bench.selected.get('layer') is not None", True)
    bench.editor.action("code").click()
    expect(bench.editor.find(".cotlens-code")).to_contain_text("cl.load('abacus')")
    bench.button("importance").click()
    expect(bench.root.locator(".cotlens-importance")).to_be_hidden()
    bench.button("importance").click()
    expect(bench.root.locator(".cotlens-importance")).to_be_visible()
    assert nb.value("bench.wait(300)") is True


def again(script: str, folder: Path) -> subprocess.Popen[str]:
    """The script in a process of its own."""
    (folder / "again.py").write_text(script + REPEATED, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COTLENS_STORE": "off"}
    asked = [sys.executable, str(folder / "again.py")]
    return subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def read_offline(chromium: Browser, path: Path) -> None:
    """The page of the session, from disk: notes, branches that can be walked, and nothing of the network."""
    page, wrong = new_page(chromium, viewport={"width": 1400, "height": 1000}), list[str]()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda sent: sent.url.startswith(("file:", "blob:", "data:")) or wrong.append(sent.url))
    page.context.set_offline(True)
    page.goto(path.as_uri())
    framed = lambda title: page.frame_locator(f"iframe[title='{title}']")  # noqa: E731
    expect(framed("notes").locator("pre")).to_contain_text("19 stands or falls")
    page.locator("iframe[title=editor]").scroll_into_view_if_needed()
    framed("editor").locator("[data-branch=b1]").click()
    expect(framed("editor").locator(".cotlens-content")).to_contain_text("20")
    page.locator("iframe[title=branches]").scroll_into_view_if_needed()
    expect(framed("branches").locator("[data-branch=b1]")).to_contain_text("a wrong sum #sum #mine")
    expect(framed("script").locator("pre")).to_contain_text("cl.load('abacus')")
    page.context.close()
    assert wrong == []


def killed_at_work(nb, bench: Bench) -> None:
    """A measurement is begun, and the kernel is killed while it goes on; JupyterLab starts another one."""
    nb.run(2)
    bench.editor.shade_by("resampling")
    measure, died = bench.editor.action("measure"), nb.page.locator(".jp-Dialog")
    expect(measure.or_(died).first).to_be_visible(timeout=120_000)
    if measure.is_visible():  # a slow machine waits to be asked for what may be long; else it is off by now
        measure.dispatch_event("click")
    nb.revived()
    expect(bench.editor.status).to_contain_text("kernel gone")


def the_next_day(nb, bench: Bench, notes: list[str]) -> None:
    """Everything is back, no model is loaded; then something is asked, and it is."""
    assert nb.value("session.problems") == [] and nb.value("editor.model.asleep") is True
    assert nb.value("session.notes") == ["19 stands or falls with the sum"]
    for name in ("text", "importance", "branches", "features", "findings", "steering", "lens"):
        expect(bench.button(name)).to_have_attribute("aria-pressed", "true")
    expect(bench.branch("b1")).to_contain_text("a wrong sum #sum #mine ✎")
    assert nb.value("[node.note for node in editor.tree.nodes.values()]") == notes
    expect(bench.root.locator(".cotlens-features .cotlens-table-body [data-row]").first).to_be_visible()
    expect(bench.root.locator(".cotlens-lensgrid canvas").first).to_be_visible()
    assert nb.value("sorted(session.widgets)") == sorted(
        ["editor", "workbench", "map", "features", "findings", "the map", "selection", "steering", "lens"]
    )
    assert nb.value("editor.model.asleep") is True
    bench.editor.shade_by("occlusion-direct")
    bench.editor.settle()
    assert nb.value("editor.model.asleep") is False and nb.value("editor.error") == ""
    nb.value("session.close()")
