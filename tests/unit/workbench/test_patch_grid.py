"""The patch grid with a model behind it: cells opened, patched and cancelled."""

import numpy as np
import pytest

import cotlens as cl
from cotlens import organisms
from cotlens._core.errors import InputError
from tests.unit.workbench.front_end import FrontEnd


class Front(FrontEnd):
    """Of a grid."""

    def column(self, text, level=0, panel=0):
        """Number and tokens of the column that holds a text."""
        told = self.view.grid["levels"][level]["panels"][panel]
        at = next(i for i, each in enumerate(told["texts"]) if text in each)
        return at, *(int(np.frombuffer(told[end], "<u4")[at]) for end in ("first", "last"))

    def values(self, level=0, panel=0):
        told = self.view.grid["levels"][level]["panels"][panel]
        return np.frombuffer(told["estimate"], "<f4").reshape(len(self.view.grid["rows"]), -1)

    def patch(self, column, at, **more):
        _, first, last = column
        there = {"from_layer": at, "from_first": first, "from_last": last}
        return {"side": "base", "layer": at, "first": first, "last": last, **there} | more


@pytest.fixture(scope="module")
def pair(abacus):
    """A thought, and the same with one digit of its last result altered: layers 0 and 1 hold it, then the answer."""
    problem = organisms.problems(1, seed=32, steps=3, fork=False)[0]
    base = abacus.reason(problem.prompt, temperature=0)
    at = base.text.rindex("= 36") + 3
    return base, base.replace((at, at + 1), "9")


@pytest.fixture(scope="module")
def result(abacus, pair):
    return cl.patching.PatchGrid(controls=()).run(*pair, abacus)


@pytest.fixture
def page(abacus, pair, result):
    base, source = pair
    return Front(cl.PatchGrid(result, model=abacus, base=base, source=source))


def test_a_patched_sentence_is_a_branch_with_the_sources_answer(page, pair):
    page.act("patch", **page.patch(page.column("- 53 = 36"), 0))
    assert [branch["answer"] for branch in page.view.branches][-1] == "39"
    rows = {row["answer"]: row["after"] for row in page.view.comparison["rows"]}
    assert rows["39"] > 0.99 > 0.01 > rows["36"] and page.view.comparison["note"].endswith("as it was: +1")
    space = {}
    exec(page.widget.code, space)
    assert space["trace"].token_ids == page.widget.trace.token_ids  # also the source, which was edited before
    page.ask("goto", branch=page.view.branches[0]["id"])
    assert page.widget.trace.id == pair[0].id and page.view.comparison is None


def test_where_the_answer_has_read_it_the_patch_moves_nothing(page, pair):
    page.act("patch", **page.patch(page.column("- 53 = 36"), 3))
    assert page.view.branches[-1]["answer"] == "36"
    assert page.view.comparison["note"].startswith("The model wrote the same text again")


def test_a_sentence_opens_into_tokens_that_were_measured_then(page, pair, abacus):
    column, first, last = page.column("- 53 = 36")
    page.act("tokens", column=column)
    tokens = page.view.grid["levels"][1]
    assert [tokens["unit"], len(tokens["panels"][0]["texts"])] == ["token", last - first]
    whole = cl.patching.PatchGrid(unit="token", layers=(0,), controls=()).run(*pair, abacus)
    rows = [i for i, start in enumerate(whole.columns["start"]) if first <= start < last]
    same = [
        i
        for i in rows
        if whole.columns["direction"][i] == "sufficiency" and whole.columns["text"][i] != "(the forced answer)"
    ]
    np.testing.assert_allclose(page.values(1)[-1], whole.columns["estimate"][same], atol=1e-4)
    assert page.values(1)[-1][page.column("6", 1)[0]] == pytest.approx(1, abs=0.02)
    before = page.view.job["id"]
    page.ask("tokens", column=column)
    assert page.view.job["id"] == before  # once is enough


def test_it_measures_the_grid_itself_and_can_be_stopped(abacus, pair):
    base, source = pair
    page = Front(cl.PatchGrid(model=abacus, base=base, source=source))
    assert page.ask("patch", **page.patch((0, 1, 2), 0))["status"] in ("ok", "error")
    page.widget.cancel()
    assert page.widget.wait(120)
    again = Front(cl.PatchGrid(model=abacus, base=base, source=source))
    assert again.widget.wait(120) and again.view.job["state"] == "done"
    assert again.values().shape == (4, len(base.spans("sentence")) + 1)
    assert again.view.grid["levels"][0]["panels"][1]["trace"] == source.id


def test_a_grid_of_gradients_is_shown_and_patched_in(abacus, pair):
    base, source = pair
    method = cl.patching.Attribution(directions=("sufficiency", "necessity"))
    page = Front(cl.PatchGrid(model=abacus, base=base, source=source, method=method, answers=("36", "12")))
    assert page.widget.wait(120) and page.view.why == ""
    panels = page.view.grid["levels"][0]["panels"]
    assert [panel["name"] for panel in panels[:2]] == ["base, answers 36", "source, answers 12"]
    assert set(panels[0]["code"][:3]) == {4}, "before the change there is nothing to attribute"
    page.act("patch", **page.patch(page.column("- 53 = 36"), 0))
    assert page.view.branches[-1]["answer"] == "39"
    assert "Attribution(unit='token')" in page.ask("tokens", column=2)["error"]["message"]


def test_a_result_without_another_run_is_read_and_says_so(abacus, pair):
    base, source = pair
    for method in (cl.patching.Attribution(), cl.patching.Path(sender=(0, "attn_out"), receiver=(2, "mlp_out"))):
        page = Front(cl.PatchGrid(method.run(base, source, abacus), model=abacus, base=base, source=source))
        assert "one direction only" in page.view.why
        assert "one direction only" in page.ask("patch", **page.patch((2, 100, 105), 0))["error"]["message"]
        assert "(unit='token')" in page.ask("tokens", column=2)["error"]["message"]


def test_heads_are_read_and_say_how_to_patch(abacus, pair):
    base, source = pair
    heads = cl.patching.PatchGrid(site="heads", layers=(2,), controls=()).run(base, source, abacus)
    page = Front(cl.PatchGrid(heads, model=abacus, base=base, source=source))
    assert page.values().shape[0] == abacus.n_heads and page.view.grid["row_words"][-1] == "head 0 of layer 2"
    assert "site='attn_out'" in page.ask("patch", **page.patch((2, 100, 105), 0))["error"]["message"]
    assert "unit='token'" in page.ask("tokens", column=2)["error"]["message"]


def test_what_cannot_be_patched_is_said(page):
    sentence, answer = page.column("- 53 = 36"), page.column("forced answer")
    for change, why in (
        ({"last": sentence[2] - 1}, "20 tokens can't be put in place of 19"),
        ({"first": answer[1], "last": answer[2]}, "not part of the thought"),
        ({"layer": 9}, "no layer 9"),
        ({"side": "both"}, "neither"),
        ({"first": -3}, "choose a cell"),
    ):
        reply = page.ask("patch", **page.patch(sentence, 0, **change))
        assert why in reply["error"]["message"], why
    assert "no column 99" in page.ask("tokens", column=99)["error"]["message"]


def test_what_does_not_belong_together_is_refused(abacus, pair, result):
    base, source = pair
    with pytest.raises(InputError, match="another pair of traces"):
        cl.PatchGrid(result, model=abacus, base=source, source=base)
    with pytest.raises(InputError, match="PatchGrid patches a Trace"):
        cl.PatchGrid(result, model=abacus, base=base)
    with pytest.raises(InputError, match="different models"):
        cl.PatchGrid(model=abacus, base=base, source=cl.load("abacus-flip").compose("a", "b", None))
    with pytest.raises(InputError, match=r"give cl\.patching\.PatchGrid"):
        cl.PatchGrid(model=abacus, base=base, source=source, method=cl.patching.DirectLogits())
    one = cl.patching.PatchGrid(directions=("necessity",), layers=(0,), controls=()).run(base, source, abacus)
    assert "one direction only" in cl.PatchGrid(one, model=abacus, base=base, source=source).view.why
