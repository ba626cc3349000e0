"""A transcript in the editor: its other parts go along, and each thought that is looked at keeps its branches."""

import dataclasses

import pytest

import cotlens as cl
from cotlens.trace import Trace
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.part import Part
from tests.unit.widgets.shapes import check_view
from tests.unit.workbench.conftest import PROMPT, THOUGHT

SECOND = "Mia has 3 pears. She buys 4 more. How many pears does Mia have?"
PARTS = [
    Part("user", PROMPT, 0),
    Part("thought", THOUGHT, 1, id="first"),
    Part("answer", "The answer is 17.", 1),
    Part("tool_call", 'look({"who": "😀 Ravi"})', 1, name="look", arguments='{"who": "😀 Ravi"}'),
    Part("tool_result", "17 shells", 2),
    Part("user", SECOND, 3),
    Part("thought", "3 + 4 = 7.", 4),
    Part("answer", "The answer is 7.", 4),
]


def shown(view):
    """Kind, place and text of every part, as the view reads them."""
    raw = view.document["text"].encode("utf-16-le")
    texts = [
        p["text"] if p["start"] < 0 else raw[2 * p["start"] : 2 * p["end"]].decode("utf-16-le") for p in view.parts
    ]
    return [(p["kind"], p["place"], text) for p, text in zip(view.parts, texts, strict=True)]


def test_every_part_goes_along_with_its_place_and_its_text(front):
    page = front(from_parts(Trace, PARTS), model=None)
    check_view(page.view)
    places = ["before"] * 6 + ["focus", "answer"]
    assert shown(page.view) == [(p.kind, place, p.text) for p, place in zip(PARTS, places, strict=True)]
    assert page.ask("focus", thought=0)["status"] == "ok"
    places = ["before", "focus", "answer", "answer", *["after"] * 4]
    assert shown(page.view) == [(p.kind, place, p.text) for p, place in zip(PARTS, places, strict=True)]
    assert page.editor.trace == from_parts(Trace, PARTS).focus(0)
    assert [p["thought"] for p in page.view.parts] == [None, 0, None, None, None, None, 1, None]


def test_a_trace_of_three_parts_is_shown_as_ever(front, given):
    assert front(given).view.parts == []
    three = from_parts(Trace, [Part("user", "How many?", 0), Part("thought", "7.", 1), Part("answer", "7", 1)])
    assert front(three, model=None).view.parts == []


def test_each_thought_keeps_its_branches_and_the_one_it_was_left_at(front, abacus):
    page = front(from_parts(Trace, PARTS, model=abacus))
    assert [p["place"] for p in page.view.parts][-2:] == ["focus", "answer"]
    second = page.editor.trace
    at = page.view.document["text"].rindex("3 + 4")
    page.act("edit", start=at, end=at + 1, text="5")
    edited = page.current["id"]
    assert len(page.view.branches) == 2
    page.act("focus", thought=0)
    assert [branch["label"] for branch in page.view.branches] == ["original"]
    assert page.editor.trace.thought.strip() == THOUGHT and page.view.shading
    assert [p["place"] for p in page.view.parts] == ["before", "focus", "answer", "answer", *["after"] * 4]
    scope = {"cl": cl}
    exec(page.editor.code.rsplit("\n", 1)[0], scope)
    assert scope["trace"].text == page.editor.trace.text
    page.act("truncate", token=page.editor.trace.roles["thought"].end - 8)
    assert [p["place"] for p in page.view.parts][-4:] == ["after"] * 4, "what came later was recorded, all the same"
    page.act("focus", thought=1)
    assert page.current["id"] == edited and len(page.view.branches) == 2
    page.act("goto", branch=page.view.branches[0]["id"])
    assert page.editor.trace == second
    assert len(page.editor.branches) == 4


@pytest.mark.parametrize("which", [2, -1, 10**9])
def test_a_thought_that_is_not_there_is_refused(front, which):
    page = front(from_parts(Trace, PARTS), model=None)
    reply = page.ask("focus", thought=which)
    assert reply["error"]["message"] == f"There is no thought {which}: the trace has 2, counted from 0."


def test_a_summary_is_read_and_never_measured(front, abacus):
    summary = dataclasses.replace(PARTS[1], status="summary")
    page = front(from_parts(Trace, [PARTS[0], summary, *PARTS[2:]], model=abacus))
    page.act("focus", thought=0)
    reason = "This thought is a summary that the provider wrote"
    assert {measure["reason"].startswith(reason) for measure in page.view.measures} == {True}
    assert page.view.shading == {} and page.editor.result is None
    assert page.view.parts[1]["reason"].startswith(reason)
    token = page.editor.trace.roles["thought"].start
    for kind, more in {
        "truncate": {"token": token},
        "measure": {"measure": "early-answer", "unit": "token", "metric": None},
    }.items():
        assert "a summary that the provider wrote" in page.ask(kind, **more)["error"]["message"]
    page.act("focus", thought=1)
    assert page.view.shading
