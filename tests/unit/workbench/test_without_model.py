"""An editor without a model: everything that needs none works, and the rest says in one sentence why it doesn't."""

import dataclasses

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.widgets.protocol.editor import REQUESTS
from cotlens.workbench.editor.no_model import NEEDED_BY, WHY

TEXTS = ("How many?", "There are 4. 4 + 3 = 7.", "The answer is 7.")
FIELDS = {
    "branch": {"token": 3, "token_id": 1}, "truncate": {"token": 3}, "edit": {"start": 10, "end": 11, "text": "x"},
    "rerun": {"token": 3}, "measure": {"measure": "resampling", "unit": "sentence", "n": 20}, "count": {"text": "x"},
    "limits": {"max_new_tokens": 5, "temperature": 1.0}, "resample": {"n": 4},
    "move": {"token": 3, "places": [-1.0], "effect": "total", "donor": ""},
    "put": {"token": 3, "places": [-1.0], "effect": "total", "donor": ""}, "take_out": {"token": 3, "last": 4},
}  # fmt: skip


@pytest.fixture
def pasted():
    return cl.Trace.from_text(*TEXTS)


def test_a_trace_of_a_text_is_shown_whole(front, pasted):
    page = front(pasted, model=None)
    assert page.view.document["text"] == pasted.text and page.view.head["off"] == WHY
    assert page.view.limits == {} and page.view.job == {}
    assert {measure["reason"] for measure in page.view.measures} == {WHY}
    assert page.editor.wait(5) and page.editor.result is None and page.editor.trace is not None
    assert "CoTEditor(None" in page.editor.code and "load(" not in page.editor.code
    compile(page.editor.code, "code", "exec")
    assert "no model" in repr(page.view) and page.view.code == page.editor.code


def test_what_needs_no_model_is_done(front, given, abacus):
    trace = given.replace("44.", "54.")
    page = front(trace, model=None)
    assert [branch["label"] for branch in page.view.branches] == ["original", "44. → 54."]
    assert page.view.document["rerun_at"] is not None
    assert page.ask("goto", branch="b0")["status"] == "ok"
    assert page.view.document["text"] == given.text
    reply = page.ask("inspect", token=given.roles["thought"].start)
    assert reply["status"] == "ok" and reply["text"]
    assert page.ask("reader", reader="boxed")["status"] == "ok"
    assert page.editor.trace.read_answer() is None
    assert page.ask("reader", reader="number")["status"] == "ok" and page.editor.trace.read_answer().text == "17"
    page.editor.cancel()


def test_what_the_trace_knows_of_its_tokens_is_inspected(front, trace, abacus, tmp_path):
    abacus.annotate(trace).save(tmp_path / "trace.json")
    loaded = cl.Trace.load(tmp_path / "trace.json")
    page = front(loaded, model=None)
    token = loaded.roles["thought"].start + 3
    assert page.ask("inspect", token=token)["alternatives"], "measured when it was saved"
    assert page.view.logprobs


@pytest.mark.parametrize("kind", sorted(NEEDED_BY))
def test_the_rest_is_refused_in_one_sentence(front, pasted, kind):
    page = front(pasted, model=None)
    reply = page.ask(kind, **FIELDS[kind])
    assert reply["status"] == "error" and reply["error"]["message"] == WHY
    assert page.editor.error == "" and len(page.view.branches) == 1


def test_every_kind_of_request_is_one_or_the_other():
    assert set(REQUESTS) - NEEDED_BY == {"inspect", "focus", "goto", "undo", "redo", "reader", "cancel", "stream"}


@pytest.mark.parametrize("trace", [None, "a text", 3])
def test_what_is_no_trace_is_refused_as_ever(trace):
    with pytest.raises(InputError, match="shows a Trace"):
        cl.CoTEditor(None, trace)
    with pytest.raises(InputError, match="the model first"):
        cl.CoTEditor("abacus", dataclasses.replace(cl.Trace.from_text(*TEXTS)))


def test_other_widgets_still_want_a_model(pasted):
    with pytest.raises(InputError, match="the model first"):
        cl.SteeringPanel(None, pasted, [])
