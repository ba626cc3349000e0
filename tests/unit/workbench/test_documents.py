"""Requests are about the document that was seen, whatever is shown by the time they are heard."""

import pytest

import cotlens as cl
from cotlens.workbench.editor import measure_runner
from cotlens.workbench.shared.origin import origin


@pytest.fixture
def two(front, given):
    """An editor with two branches of which the first is shown, and the document of the second."""
    page = front(given)
    page.act("truncate", token=given.spans("sentence")[2].start)
    seen = page.view.document["id"]
    page.act("goto", branch="b0")
    assert page.view.document["id"] != seen
    return page, seen


@pytest.mark.parametrize("kind", ["rerun", "truncate", "branch", "edit"])
def test_a_try_starts_from_the_text_that_was_seen_and_shows_it(two, kind):
    page, seen = two
    trace = page.editor.branches[1]
    token = trace.spans("sentence")[1].start
    places = {
        "edit": {"start": (at := int(trace.offsets[token])), "end": at, "text": " Hm."},
        "branch": {"token": token, "token_id": trace.token_ids[0]},
    }
    page.act(kind, document=seen, **places.get(kind, {"token": token}))
    assert page.current["parent"] == "b1"
    assert page.editor.trace.parent.id == seen
    assert page.editor.trace.token_ids[:token] == trace.token_ids[:token]


def test_a_try_that_cannot_be_made_leaves_everything_as_it_is(two):
    page, seen = two
    shown = page.view.document
    assert page.ask("rerun", document=seen, token=2)["status"] == "error"
    assert page.view.document == shown and len(page.view.branches) == 2 and page.editor.wait(60)


def test_a_token_is_that_of_the_text_that_was_seen(two):
    page, seen = two
    first, second = page.editor.branches
    token = next(i for i, (a, b) in enumerate(zip(first.tokens, second.tokens, strict=False)) if a != b)
    assert page.ask("inspect", token=token)["text"] == first.tokens[token]
    assert page.ask("inspect", document=seen, token=token)["text"] == second.tokens[token]
    assert page.current["id"] == "b0"
    last = len(first.token_ids) - 1
    assert last >= len(second.token_ids), "the cut text is the shorter one"
    assert page.ask("inspect", token=last)["status"] == "ok"
    assert page.ask("inspect", document=seen, token=last)["status"] == "error"


def test_what_is_long_begins_only_on_the_text_whose_cost_was_seen(two, monkeypatch):
    page, seen = two
    monkeypatch.setattr(measure_runner, "AUTOMATIC_S", 0.0)
    wish = {"measure": "occlusion-total", "unit": "token", "metric": "probability"}
    page.act("measure", document=seen, **wish)
    assert page.view.selection == {**wish, "n": 0, "spans": [], "target": ""} and page.current["id"] == "b0"
    assert page.view.shading == {}, "offered, with what it costs here"
    page.act("measure", **wish)
    assert page.view.shading["complete"]


def test_a_text_that_no_branch_holds_is_refused(two):
    page, _ = two
    for kind, fields in (("inspect", {"token": 3}), ("truncate", {"token": 60})):
        reply = page.ask(kind, document="0123456789abcdef", **fields)
        assert reply["status"] == "error" and "no branch" in reply["error"]["message"]
    assert len(page.view.branches) == 2


@pytest.mark.parametrize("make", ["reason", "from_text"])
def test_the_code_of_a_conversation_makes_it_again(abacus, given, make):
    messages = [{"role": "user", "content": given.prompt}]
    if make == "reason":
        trace = abacus.reason(messages, seed=1)
    else:
        trace = cl.Trace.from_text(messages, given.thought, given.answer, model=abacus)
    scope = {"cl": cl, "model": abacus}
    exec(origin(abacus, trace)[1], scope)
    assert scope["trace"] == trace
    assert scope["trace"].meta["messages"] == messages
