"""A trace with parts: turns of any number, thoughts with a status, and one of them in focus."""

import json

import pytest

import cotlens as cl
from cotlens.trace import Trace
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.layout import Recorded
from cotlens.trace.parts.part import Part

PARTS = [
    Part("system", "Be brief.", 0),
    Part("user", "How many pears has Mia?", 1),
    Part("thought", "I should look it up.", 2, id="first"),
    Part("answer", "Let me see.", 2),
    Part("tool_call", 'look({"who": "Mia"})', 2, id="c1", name="look", arguments='{"who": "Mia"}'),
    Part("tool_result", "12 pears", 3, id="c1"),
    Part("thought", "The tool says 12.", 4, id="second"),
    Part("answer", "Mia has 12 pears.", 4),
]


@pytest.fixture
def trace():
    return from_parts(Trace, PARTS, meta={"finish": "length"})


def test_is_focused_on_the_last_thought_as_it_is_read(trace):
    before = "Be brief.\n\nHow many pears has Mia?\n\nI should look it up.\n\nLet me see.\n\n"
    assert trace.prompt == before + 'look({"who": "Mia"})\n\n12 pears'
    assert (trace.thought, trace.answer) == ("The tool says 12.", "Mia has 12 pears.")
    assert [part.id for part in trace.thoughts] == ["first", "second"]
    assert [part.turn for part in trace.parts] == [0, 1, 2, 2, 2, 3, 4, 4]


def test_every_part_stands_where_its_span_says(trace):
    for part in trace.focus(0).parts:
        assert trace.text[part.span.char_start : part.span.char_end] == part.text
        assert "".join(trace.tokens[part.span.start : part.span.end]) == part.text


def test_a_focus_ends_its_answer_at_the_next_turn(trace):
    first = trace.focus(0)
    assert first.prompt == "Be brief.\n\nHow many pears has Mia?"
    assert (first.thought, first.answer) == ("I should look it up.", 'Let me see.\n\nlook({"who": "Mia"})')
    assert [span.unit for span in first.spans("sentence")] == ["sentence"]


def test_a_focus_is_found_by_number_from_either_end_and_by_id(trace):
    first = trace.focus(0)
    assert first == trace.focus(-2) == trace.focus("first") == first.focus(0)
    assert first.focus(1) == trace
    for wrong, said in ((2, "the trace has 2"), ("secnd", "'second'"), (1.5, "number or its id")):
        with pytest.raises(cl.CotLensError, match=said):
            trace.focus(wrong)


def test_only_the_last_turn_was_cut_off(trace):
    assert trace.finished is False
    assert trace.focus(0).finished is True
    assert trace.focus(0).focus(1).finished is False


def test_a_last_turn_without_a_thought_is_an_answer_to_all_before_it():
    trace = from_parts(Trace, [*PARTS[:6], PARTS[7]])
    assert (trace.thought, trace.answer) == ("", "Mia has 12 pears.")
    assert trace.focus(0).thought == "I should look it up."


def test_an_open_thought_has_no_answer():
    trace = from_parts(Trace, PARTS[1:3], meta={"finish": "length"})
    assert trace.thought == "I should look it up."
    assert "answer" not in trace.roles
    assert trace.meta["thought_closed"] is False


@pytest.mark.parametrize(
    ("status", "reason"),
    [("summary", "a summary"), ("encrypted", "encrypted"), ("redacted", "redacted"), ("stripped", "left out")],
)
def test_what_no_model_wrote_is_neither_edited_nor_measured(status, reason):
    parts = [*PARTS[:6], Part("thought", "About 12.", 4, status=status), PARTS[7]]
    trace = from_parts(Trace, parts)
    assert trace.status == status
    with pytest.raises(cl.CotLensError, match=rf"{reason}.*trace\.focus\(0\)"):
        trace.truncate(trace.roles["thought"].start)
    assert trace.focus(0).truncate("look").thought == "I should"


def test_a_truncated_thought_keeps_what_stands_before_it_and_nothing_after(trace):
    cut = trace.focus(0).truncate("look")
    assert [(part.kind, part.text) for part in cut.parts if part.span] == [
        ("system", "Be brief."),
        ("user", "How many pears has Mia?"),
        ("thought", "I should"),
    ]
    assert cut.focus(1) == trace


def test_two_thoughts_with_one_id_are_refused():
    with pytest.raises(cl.CotLensError, match="two thoughts with the id 'first'"):
        from_parts(Trace, [*PARTS, Part("thought", "Again.", 5, id="first")])


def test_files_keep_parts_and_focus(trace, tmp_path):
    first = trace.focus(0)
    first.save(tmp_path / "trace.json")
    loaded = Trace.load(tmp_path / "trace.json")
    assert (loaded, loaded.parts, loaded.status) == (first, first.parts, "verbatim")
    assert loaded.focus(1) == trace


def test_a_file_of_before_opens_with_the_parts_that_its_roles_tell(tmp_path):
    Trace.from_text("Why?", "Because.", "So.").save(tmp_path / "trace.json")
    payload = json.loads((tmp_path / "trace.json").read_text())
    assert "parts" not in payload["traces"][0]
    loaded = Trace.load(tmp_path / "trace.json")
    assert [(part.kind, part.text) for part in loaded.parts] == [
        ("user", "Why?"),
        ("thought", "Because."),
        ("answer", "So."),
    ]
    assert loaded.focus(0) is loaded


def test_a_file_whose_parts_are_damaged_is_refused(trace, tmp_path):
    trace.save(tmp_path / "trace.json")
    payload = json.loads((tmp_path / "trace.json").read_text())
    del payload["checksum"]
    for change in ({"focus": 0}, {"focus": 99}, {"parts": [{"kind": "poem"}]}, {"parts": [{"kind": 3}]}):
        payload["traces"][0] |= change
        (tmp_path / "damaged.json").write_text(json.dumps(payload))
        with pytest.raises(cl.CotLensError, match="damaged"):
            Trace.load(tmp_path / "damaged.json")


def test_tokens_that_came_along_are_those_of_the_trace():
    pieces = (b"<think>", b"The tool", b" says", b" 12.", b"</think>", b"Mia has 12", b" pears.")
    recorded = Recorded(pieces, ids=tuple(range(100, 107)), logprobs=(-0.5,) * 7)
    trace = from_parts(Trace, PARTS, recorded={4: recorded})
    assert trace.token_ids[-7:] == tuple(range(100, 107))
    assert set(trace.token_ids[:-7]) == {-1}
    assert (trace.thought, trace.answer) == ("The tool says 12.", "Mia has 12 pears.")
    span = trace.roles["thought"]
    assert trace.token_ids[span.start : span.end] == (101, 102, 103)
    assert trace.logprobs[span.start : span.end].tolist() == [-0.5] * 3


def test_tokens_of_another_text_are_not_used_and_it_is_said():
    trace = from_parts(Trace, PARTS, recorded={4: Recorded((b"Something", b" else"))})
    assert trace.text.endswith("Mia has 12 pears.")
    assert any("spell another text" in note for note in trace.meta["notes"])


def test_shows_its_parts(trace):
    assert "8 parts, thought 1 of 2 in focus (verbatim)" in repr(trace)
    assert "tool_call look" in trace._repr_html_()
    shown = from_parts(Trace, [Part("user", "<b>"), Part("answer", "<script>", 1)])._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
