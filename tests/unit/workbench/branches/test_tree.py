"""Branches as data: what a person does can be undone, what was measured is never lost, and branches are compared."""

import math
import threading

import pandas as pd
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.workbench.branches.differences import difference, fan, frame
from cotlens.workbench.branches.tree import Tree


@pytest.fixture
def tree(given):
    """A root, two edits of it, and an edit of the first."""
    tree = Tree()
    root = tree.add(given, None, "original", "trace = ...")
    tree.done.clear()
    one = tree.add(given.replace("= 44", "= 54"), root.id, "44 → 54", "trace = trace.replace('44', '54')")
    tree.add(one.trace.truncate(one.trace.spans("sentence")[2]), one.id, "cut", "trace = trace.truncate(...)")
    tree.add(given.delete(given.spans("sentence")[0]), root.id, "− At first", "trace = trace.delete(...)", show=False)
    return tree


def test_each_branch_says_what_was_done(tree):
    assert [(node.id, node.parent, node.kind) for node in tree.nodes.values()] == [
        ("b0", None, "original"), ("b1", "b0", "replace"), ("b2", "b1", "truncate"), ("b3", "b0", "delete"),
    ]  # fmt: skip
    assert tree.script("b2") == ["trace = ...", "trace = trace.replace('44', '54')", "trace = trace.truncate(...)"]


def test_steps_are_undone_and_done_again(tree):
    tree.rename("b1", "  the sum\nis wrong ")
    tree.annotate("b1", "as in the paper")
    tree.tag("b1", "sum", "sum", " ", "check,sum, ,")
    assert (tree.nodes["b1"].label, tree.nodes["b1"].note, tree.nodes["b1"].tags) == (
        "the sum is wrong", "as in the paper", ("sum", "check"),
    )  # fmt: skip
    tree.update("b1", answer="27", probability=0.8)
    for _ in range(3):
        assert tree.undo()
    assert (tree.nodes["b1"].label, tree.nodes["b1"].note, tree.nodes["b1"].tags) == ("44 → 54", "", ())
    assert tree.nodes["b1"].probability == 0.8, "what was measured is no step"
    assert tree.current_id == "b2" and tree.undo() and tree.current_id == "b1" and tree.undo()
    assert tree.current_id == "b0" and not tree.undo()
    assert len(tree.nodes) == 4, "no text is lost"
    for _ in range(5):
        assert tree.redo()
    assert not tree.redo() and tree.current_id == "b2" and tree.nodes["b1"].tags == ("sum", "check")
    tree.undo()
    tree.rename("b1", "another way")
    assert not tree.redo(), "a new step leaves the old way"


def test_a_step_that_changes_nothing_is_none(tree):
    before = list(tree.done)
    tree.go("b2")
    tree.rename("b1", "44 → 54")
    assert tree.done == before


def test_pruning_hides_what_hangs_below_and_is_undone(tree):
    tree.prune("b1")
    assert tree.current_id == "b0", "what is shown stays in sight"
    assert [branch["id"] for branch in tree.payload()] == ["b0", "b3"] and frame(tree)["id"].tolist() == ["b0", "b3"]
    tree.undo()
    assert tree.current_id == "b2" and len(tree.payload()) == 4
    tree.prune("b3")
    again = tree.add(tree.nodes["b3"].trace, "b0", "the same", "")
    assert again.id == "b3" and tree.in_sight("b3"), "made once more, it is there again"
    tree.undo()
    assert not tree.in_sight("b3")
    tree.restore("b3")
    assert tree.in_sight("b3")


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda tree: tree.prune("b0"), "that everything was made from can't be pruned"),
        (lambda tree: tree.prune("b9"), "no branch 'b9': choose one of b0, b1, b2, b3"),
        (lambda tree: tree.go("b9"), "no branch 'b9'"),
        (lambda tree: tree.rename("b1", " \n"), "one character at least"),
        (lambda tree: tree.rename("b1", "x" * 201), "at most 200 characters; 201"),
        (lambda tree: tree.annotate("b1", 7), "note of a branch is text; a int was given"),
        (lambda tree: tree.tag("b1", "ok", "x" * 201), "at most 200"),
        (lambda tree: difference(tree, "b0", "b9"), "no branch 'b9'"),
        (lambda tree: fan(tree, []), "needs branches"),
    ],
)
def test_what_cannot_be_done_changes_nothing(tree, act, why):
    before = (dict(tree.nodes), tree.current_id, list(tree.done))
    with pytest.raises(InputError, match=why):
        act(tree)
    assert (tree.nodes, tree.current_id, tree.done) == before


def test_two_branches_are_compared(tree, given):
    tree.update("b0", probability=0.9)
    rerun = tree.add(cl.Trace.from_text(given.prompt, given.thought, "The answer is 27."), "b0", "again", "")
    tree.update(rerun.id, answer="27", probability=0.7)
    found = difference(tree, "b0", rerun.id)
    assert found.answers == ("17", "27") and found.probabilities == (0.9, 0.7)
    assert math.isnan(found.change) and (found.removed, found.added) == (1, 1)
    assert str(found) == "was 17, now 27; 1 words less, 1 more"
    rows = [{"answer": "17", "before": 0.9, "after": 0.2}, {"answer": "27", "before": 0.05, "after": 0.7}]
    tree.update(rerun.id, comparison={"before": {"answer": "17", "p": 0.9}, "rows": rows})
    assert difference(tree, "b0", rerun.id).change == pytest.approx(-0.7), "of the first one's answer"
    table = frame(tree).set_index("id")
    assert table.loc[rerun.id, "from_parent"] == pytest.approx(-0.7) and pd.isna(table.loc["b1", "answer"])
    assert table.loc[rerun.id, "trace_id"] == rerun.trace.id


def test_a_fan_is_summed_up_by_its_answers(tree):
    for i, answer in enumerate(["17", "17", "27", None]):
        tree.update(f"b{i}", answer=answer, trace=tree.nodes["b0"].trace)
    rows = fan(tree, ["b0", "b1", "b2", "b3", "b3"])
    assert [(row.answer, row.count) for row in rows] == [("17", 2), ("27", 1), (None, 1)]
    assert rows[0].share == pytest.approx(2 / 3) and rows[2].share == 0.25
    assert rows[0].low == pytest.approx(0.2077, abs=1e-4) and rows[0].high == pytest.approx(0.9385, abs=1e-4)


def test_the_tree_and_the_editor_are_one(front, given):
    page = front(given, measure="early-answer")
    tree = cl.BranchTree(page.editor)
    page.act("edit", **page.place("44"), text="54")
    assert [row["id"] for row in tree.branches] == ["b0", "b1"] and tree.branches[1]["current"]
    assert "“44” → “54”" in tree.branches[1]["change"] and tree.branches[1]["from_parent"].startswith(
        ("was 17", "still")
    )
    assert tree.selected == {"trace": page.editor.trace.id}
    assert page.editor.undo() and page.editor.trace.id == given.id, "undone: the text before, and the try is kept"
    assert len(page.editor.branches) == 2 and tree.branches[0]["current"]
    assert page.ask("redo")["status"] == "ok" and page.current["id"] == "b1"
    tree.rename("b1", "a wrong sum")
    assert page.current["label"] == "a wrong sum", "the editor hears of it"
    tree.prune("b1")
    assert page.editor.trace.id == given.id and [branch["id"] for branch in page.view.branches] == ["b0"]
    assert page.editor.branches == [given]
    tree.undo()
    assert page.current["label"] == "a wrong sum" and page.editor.wait(60)
    assert tree.frame()["kind"].tolist() == ["original", "replace"]
    tree.selected = {"trace": given.id}
    assert page.editor.trace.id == given.id, "picked in a linked widget"


def test_rollouts_are_a_branch_of_their_own(front, given):
    page = front(given, measure="early-answer")
    tree = cl.BranchTree(page.editor)
    page.act("resample", n=4)
    root, fan = tree.branches
    assert (fan["parent"], fan["kind"], fan["label"], root["fan"]) == ("b0", "resample", "4 rollouts", [])
    assert sum(row["count"] for row in fan["fan"]) + page.view.resampled["arms"]["after"]["unread"] == 4
    assert all(0 <= row["low"] <= row["share"] <= row["high"] <= 1 for row in fan["fan"])
    assert (fan["answer"], fan["p"]) == (fan["fan"][0]["answer"], fan["fan"][0]["share"])
    assert fan["from_parent"] in ("most rollouts still answer 17", f"was 17, most rollouts answer {fan['answer']}")
    assert len(page.view.branches) == 1 == len(page.editor.branches), "it has no text of its own"
    page.act("resample", n=4)
    assert len(tree.branches) == 2, "the same once more"
    page.act("resample", n=5)
    tree.go("b2")
    assert [row["label"] for row in tree.branches] == ["original", "4 rollouts", "5 rollouts"]
    assert page.current["id"] == "b0" and page.view.resampled["n"] == 5, "its text is shown"
    assert [row.answer for row in tree.fan()] == ["17"], "of texts"
    tree.prune("b2")
    assert tree.frame()["kind"].tolist() == ["original", "resample"]
    assert page.ask("reader", reader="boxed")["status"] == "ok" and page.editor.wait(60)
    assert tree.branches[1]["answer"] is None and tree.branches[1]["fan"] == [], "read by another reader"


def test_a_note_stops_no_work(front, given, abacus):
    page, hold = front(given, measure="early-answer"), threading.Event()
    held = abacus.owner.submit(lambda: hold.wait(60))
    page.tell("measure", measure="early-answer", unit="sentence", metric="probability")
    cl.BranchTree(page.editor).annotate("b0", "while it is measured")
    hold.set()
    assert held.result(60) and page.editor.wait(60)
    assert page.view.job["state"] == "done" and page.editor.result.metric == "probability"


def test_the_view_is_answered(front, given):
    tree = cl.BranchTree([given, given.replace("= 44", "= 54")])
    sent = []
    tree.send = lambda content, buffers=None: sent.append(content)

    def ask(kind, **fields):
        tree._handle_custom_msg({"request_id": len(sent), "kind": kind, **fields}, [])
        return sent[-1]

    assert (
        ask("rename", branch="b1", text="<b>wrong</b>")["status"] == "ok"
        and tree.branches[1]["label"] == "<b>wrong</b>"
    )
    assert ask("compare", branches=["b0", "b1"])["status"] == "ok"
    assert {change["op"] for change in tree.compared["diff"]} == {"same", "del", "ins"}
    assert "was 17, now no answer" in tree.compared["words"]
    assert "can't be pruned" in ask("prune", branch="b0")["error"]["message"]
    assert "no branch 'b7'" in ask("compare", branches=["b0", "b7"])["error"]["message"]
    assert "needs tags as list" in ask("tag", branch="b1", tags="x")["error"]["message"]
    assert "is text; a int" in ask("tag", branch="b1", tags=[3])["error"]["message"]
    assert ask("undo")["status"] == "ok" and tree.branches[1]["label"] != "<b>wrong</b>"


@pytest.mark.parametrize("source", [None, [], "trace", [3]])
def test_what_has_no_branches_is_refused(source):
    with pytest.raises(InputError, match=r"BranchTree shows an editor's branches, a trace or several traces"):
        cl.BranchTree(source)
