import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotlens._core.errors import InputError
from cotlens.trace import Edit, Span, Trace
from cotlens.trace.record import NOT_UTF8
from tests.unit.trace.bytecodec import MERGED, TEXTS, TOKENS, ByteCodec, compose, from_ids


def check_edited(parent, child):
    """What holds after any edit but a truncation."""
    edit = child.edit
    assert child.parent is parent
    assert "".join(child.tokens) == child.text
    old_end = edit.start_token + edit.old_tokens
    assert child.token_ids[: edit.start_token] == parent.token_ids[: edit.start_token]
    assert child.token_ids[edit.end_token :] == parent.token_ids[old_end:]
    assert parent.text[edit.start : edit.end] == edit.old
    assert child.prompt == parent.prompt
    assert child.answer == parent.answer
    assert child.resume_at == edit.end_token
    assert math.isnan(edit.surprise)
    assert math.isnan(edit.surprise_was)
    assert np.isnan(child.logprobs[edit.start_token :]).all()
    whole = child.roles["thought"]
    assert whole.start <= edit.start_token <= edit.end_token <= whole.end


def changed_text(parent, start, end, new):
    return parent.text[:start] + new + parent.text[end:]


@given(TEXTS, TEXTS, st.data())
def test_any_stretch_of_characters_can_be_replaced(thought, new, data):
    parent = compose(ByteCodec(), "q", thought, "It is 12.")
    whole = parent.roles["thought"]
    start = data.draw(st.integers(whole.char_start, whole.char_end))
    end = data.draw(st.integers(start, whole.char_end))
    child = parent.replace((start, end), new)
    check_edited(parent, child)
    assert child.text == changed_text(parent, start, end, new)
    edit = child.edit
    assert edit == Edit(
        "replace", start, end, parent.text[start:end], new, edit.start_token, edit.end_token, old_tokens=edit.old_tokens
    )
    assert parent.insert((start, end), new).text == changed_text(parent, start, start, new)
    assert parent.delete((start, end)).text == changed_text(parent, start, end, "")


@given(TOKENS, TEXTS, st.data())
def test_edits_of_any_bytes_keep_tokens_and_text_together(thought, new, data):
    parent = from_ids(ByteCodec(), [65], thought, [66])
    whole = parent.roles["thought"]
    at = data.draw(st.integers(whole.start, whole.end))
    check_edited(parent, parent.insert(at, new))
    for span in parent.spans(data.draw(st.sampled_from(["token", "sentence", "paragraph", "step"]))):
        check_edited(parent, parent.replace(span, new))
        check_edited(parent, parent.delete(span))
        check_edited(parent, parent.insert(span, new))
    cut = parent.truncate(at)
    assert cut.token_ids == parent.token_ids[:at]
    assert "".join(cut.tokens) == cut.text


@given(TEXTS, TEXTS, st.data())
def test_valid_text_stays_valid(thought, new, data):
    parent = compose(ByteCodec(), "q", thought, "a")
    spans = parent.spans("token")
    for span in data.draw(st.lists(st.sampled_from(spans), max_size=4)) if spans else []:
        for child in (parent.replace(span, new), parent.delete(span), parent.insert(span.start, new)):
            assert NOT_UTF8 not in child.meta.get("notes", [])
            assert "\ufffd" not in child.text


def test_only_the_new_text_is_tokenised(codec, trace):
    codec.encoded.clear()
    sentence = trace.spans("sentence")[1]
    child = trace.replace(sentence, "There are 13 here.")
    assert codec.encoded == ["There are 13 here.\n\n"]
    assert child.thought == "\nFirst I count. There are 13 here.\n\nSo the answer is twelve.\n"
    assert child.meta["finish"] == "given"
    assert child.answer == "It is 12."


def test_the_remainder_of_a_cut_token_goes_with_the_new_text(codec):
    parent = compose(codec, "q", "xx the yy", "a")
    start = parent.text.index("he yy")
    child = parent.replace((start, start + 1), "ou")
    assert codec.encoded[-1] == " toue"
    assert child.thought == "xx toue yy"
    assert child.edit.new == "ou"
    assert child.edit.old == "h"
    assert child.edit.old_tokens == 1


def test_an_edit_beside_a_split_character_takes_the_whole_character(codec):
    parent = compose(codec, "q", "a😀 b", "x")
    start = parent.roles["thought"].start
    assert parent.tokens[start : start + 2] == ["a", "😀 b"]
    assert parent.token_ids[start] == 256 + MERGED.index(b"a\xf0\x9f")
    child = parent.replace((parent.text.index("b", 5), parent.text.index("b", 5) + 1), "c")
    assert child.thought == "a😀 c"
    assert parent.insert((parent.text.index("😀"),) * 2, "-").thought == "a-😀 b"
    assert parent.truncate(parent.roles["thought"].start + 1).thought == "a"


def test_a_token_that_holds_a_part_of_a_character(codec):
    parent = compose(codec, "q", "x😀y", "a")
    start = parent.roles["thought"].start
    assert parent.tokens[start : start + 4] == ["x", "", "😀", "y"]
    part, rest = parent.spans("token")[1:3]
    assert parent.delete(part).thought == "xy"
    assert parent.delete(rest).thought == "xy"
    assert parent.replace(part, "z").thought == "xzy"
    assert parent.insert(rest, "-").thought == "x-😀y"
    check_edited(parent, parent.delete(rest))


@pytest.mark.parametrize(
    ("thought", "number", "left"),
    [
        ("First of it. Second of it. Third of it.", 0, "Second of it. Third of it."),
        ("First of it. Second of it. Third of it.", 1, "First of it. Third of it."),
        ("First of it. Second of it. Third of it.", 2, "First of it. Second of it. "),
        ("\nFirst of it.\n\nSecond of it.\n", 0, "\nSecond of it.\n"),
        ("\nFirst of it.\n\nSecond of it.\n", 1, "\nFirst of it.\n\n"),
        ("First of it.\n\nSecond of it. Third of it.", 1, "First of it.\n\nThird of it."),
        ("First of it.\r\nSecond of it.\r\nThird of it.", 1, "First of it.\r\nThird of it."),
        ("\nOnly one here.\n", 0, "\n"),
        ("Sentence one. Two of them here. Three.", 0, "Two of them here. Three."),
    ],
)
def test_deleting_a_sentence(codec, thought, number, left):
    parent = compose(codec, "q", thought, "a")
    child = parent.delete(parent.spans("sentence")[number])
    assert child.thought == left
    check_edited(parent, child)
    assert child.edit.kind == "delete"
    assert child.edit.new == ""


def test_deleting_keeps_neighbours_apart():
    codec = ByteCodec([b" Second", b".\n\n"])
    leading = compose(codec, "q", "First of it. Second of it. Third of it.", "a")
    assert leading.delete(leading.spans("sentence")[1]).thought == "First of it. Third of it."
    both = compose(ByteCodec([b" Second", b"it."]), "q", "First of it. Second of it.\n\nThird of it.", "a")
    assert both.delete(both.spans("sentence")[1]).thought == "First of it.\n\nThird of it."


def test_deleting_whole_tokens_tokenises_nothing():
    codec = ByteCodec([b" Second", b" Third"])
    parent = compose(codec, "q", "First of it. Second of it. Third of it.", "a")
    codec.encoded.clear()
    child = parent.delete(parent.spans("sentence")[1])
    assert codec.encoded == []
    assert child.thought == "First of it. Third of it."


def test_replacing_a_sentence_keeps_the_whitespace_around_it(codec, trace):
    child = trace.replace(trace.spans("sentence")[2], "So it is 13.")
    assert child.thought == "\nFirst I count. There are 12 here.\n\nSo it is 13.\n"


def test_inserting_before_a_sentence(codec, trace):
    child = trace.insert(trace.spans("sentence")[1], "Wait. ")
    assert child.thought == "\nFirst I count. Wait. There are 12 here.\n\nSo the answer is twelve.\n"
    check_edited(trace, child)
    assert child.edit.old == ""
    assert child.edit.new == "Wait. "


def test_inserting_into_an_empty_thought_and_at_both_ends(codec):
    empty = compose(codec, "q", "", "It is 1.")
    at = empty.roles["thought"].start
    assert empty.insert(at, "Hm").thought == "Hm"
    parent = compose(codec, "q", "abc")
    whole = parent.roles["thought"]
    assert parent.insert(whole.start, "x").thought == "xabc"
    assert parent.insert(whole.end, "x").thought == "abcx"
    assert parent.insert(np.int64(whole.end), "").thought == "abc"


def test_token_ids_are_taken_as_they_are(codec):
    parent = compose(codec, "q", "x😀y", "a")
    part, rest = parent.spans("token")[1:3]
    child = parent.replace(rest, [0x98, 0x81])
    assert child.thought == "x😁y"
    check_edited(parent, child)
    assert child.token_ids[rest.start : rest.start + 2] == (0x98, 0x81)
    assert parent.insert(part.start, codec.encode(" the")).thought == "x the😀y"
    cut = parent.text.index("😀")
    assert parent.replace((cut, cut + 1), [65]).thought == "xAy"


def test_token_ids_inside_a_token(codec):
    parent = compose(codec, "q", "xx the yy", "a")
    start = parent.text.index("he yy")
    with pytest.raises(InputError, match="where tokens begin and end"):
        parent.replace((start, start + 1), [65])


def test_truncating(codec, trace):
    sentence = trace.spans("sentence")[1]
    cut = trace.truncate(sentence.start)
    assert cut == trace.truncate(sentence)
    assert cut.token_ids == trace.token_ids[: sentence.start]
    assert cut.text == trace.text[: trace.offsets[sentence.start]]
    assert list(cut.roles) == ["prompt", "thought"]
    assert cut.roles["thought"].end == cut.resume_at == len(cut.token_ids) == sentence.start
    assert cut.meta["thought_closed"] is False
    assert cut.edit.kind == "truncate"
    assert cut.thought + cut.edit.old == trace.thought
    assert cut.edit.old_tokens == trace.roles["thought"].end - sentence.start
    assert cut.parent is trace
    whole = trace.roles["thought"]
    assert trace.truncate(whole.start).thought == ""
    assert trace.truncate(whole.end).thought == trace.thought


def test_truncating_needs_no_tokenizer(trace):
    bare = dataclasses.replace(trace, codec=None)
    assert bare.truncate(bare.roles["thought"].start).thought == ""


def test_measurements_before_an_edit_are_kept(codec, trace):
    count = len(trace.token_ids)
    measured = dataclasses.replace(
        trace,
        logprobs=-np.arange(count, dtype=np.float32),
        top_ids=np.ones((count, 2), np.int32),
        top_logprobs=np.zeros((count, 2), np.float32),
        top_pieces=(("a", "b"),) * count,
    )
    child = measured.insert(trace.spans("sentence")[1].start, "Hm. ")
    first = child.edit.start_token
    assert child.logprobs[:first].tolist() == measured.logprobs[:first].tolist()
    assert np.isnan(child.logprobs[first:]).all()
    assert (child.top_ids[first:] == -1).all()
    assert np.isnan(child.top_logprobs[first:]).all()
    assert child.top_pieces[first - 1 : first + 1] == (("a", "b"), ())
    cut = measured.truncate(first)
    assert cut.logprobs.tolist() == measured.logprobs[:first].tolist()
    assert cut.top_ids.shape == (first, 2)


def test_edits_of_edits_form_a_path(trace):
    one = trace.insert(trace.roles["thought"].start, "A ")
    two = one.delete(one.spans("sentence")[0])
    three = two.truncate(two.roles["thought"].start + 1)
    assert three.path() == [trace, one, two, three]
    assert len({step.id for step in three.path()}) == 4
    assert dataclasses.replace(one, rewritten_from=20).resume_at == len(one.token_ids)


def test_filling_in_the_surprise_keeps_the_identity(trace):
    child = trace.insert(trace.roles["thought"].start, "A ")
    filled = dataclasses.replace(child, edit=dataclasses.replace(child.edit, surprise=2.5))
    assert filled == child
    assert filled.edit.surprise == 2.5


def test_lone_surrogates_are_replaced_and_pairs_joined(trace):
    at = trace.roles["thought"].start
    assert trace.insert(at, "\ud83d").thought.startswith("\ufffd")
    assert trace.insert(at, "\ud83d\ude00").thought.startswith("😀")


def test_a_tokenizer_that_changes_text_is_noted(trace):
    class Lower(ByteCodec):
        def encode(self, text):
            return super().encode(text.lower())

    child = dataclasses.replace(trace, codec=Lower()).insert(trace.roles["thought"].start, "LOUD ")
    assert child.thought.startswith("loud ")
    assert child.edit.new == "loud "
    assert "can't write 'LOUD '" in child.meta["notes"][-1]


OUTSIDE = "outside the thought"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (10_000, "Token index 10000 is out of range"),
        (-1, "Token index -1 is out of range"),
        (0, OUTSIDE),
        (2.5, "a token index or a Span"),
        (Span(0, 1, 0, 1, "token"), OUTSIDE),
    ],
)
def test_token_places_that_can_not_be(trace, place, message):
    with pytest.raises(InputError, match=message):
        trace.truncate(place)
    with pytest.raises(InputError, match=message):
        trace.insert(place, "x")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((0, 3), OUTSIDE),
        ((0, 10_000), "out of range"),
        ((30, 25), "out of range"),
        ((30,), "A stretch of a trace is"),
        ("ab", "doesn't say 'ab'"),
        ("", "doesn't say ''"),
        (7, "A stretch of a trace is"),
        (Span(0, 1, 0, 1, "sentence"), OUTSIDE),
        (Span(30, 31, 26, 28, "token"), "is of another trace"),
    ],
)
def test_stretches_that_can_not_be(trace, place, message):
    for edit in (lambda: trace.replace(place, "x"), lambda: trace.delete(place)):
        with pytest.raises(InputError, match=message):
            edit()


def test_what_an_edit_needs(trace):
    bare = dataclasses.replace(trace, codec=None)
    with pytest.raises(InputError, match=r"attach one with Trace.load"):
        bare.insert(bare.roles["thought"].start, "x")
    wrong = dataclasses.replace(trace, codec=ByteCodec([b"other"] * 30))
    with pytest.raises(InputError, match="not the one that this trace was made with"):
        wrong.insert(trace.roles["thought"].start, "x")
    with pytest.raises(InputError, match="has no thought"):
        Trace.build([65], [b"A"], {"prompt": (0, 1)}).truncate(0)


def test_a_text_that_the_thought_says_once_is_a_place():
    trace = compose(ByteCodec(), "44 pears", "It is 44, so 44 + 1 = 45.", "45")
    start = trace.text.index("45.")
    assert trace.replace("45", "54").thought == "It is 44, so 44 + 1 = 54."
    assert trace.replace("45", "54") == trace.replace((start, start + 2), "54")
    assert trace.truncate("so").thought.strip() == "It is 44,"
    assert trace.delete(", so 44 + 1 = 45").thought == "It is 44."
    assert trace.insert("so", "and ").thought == "It is 44, and so 44 + 1 = 45."
    with pytest.raises(InputError, match=r"says '44' more than once, at characters \(\d+, \d+\), \(\d+, \d+\);"):
        trace.replace("44", "54")
    many = compose(ByteCodec(), "q", "no " * 500, "a")
    with pytest.raises(InputError, match="and further on"):
        many.delete("no")
