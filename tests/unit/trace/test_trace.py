import copy
import dataclasses
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from cotlens._core.errors import InputError
from cotlens.trace import Number, Span, Trace
from cotlens.trace.record import NOT_UTF8
from tests.unit.trace.bytecodec import TEXTS, TOKENS, ByteCodec, compose, from_ids


def test_roles_are_distinct_parts(trace):
    assert trace.prompt == "How many apples?"
    assert trace.thought.startswith("\nFirst I count.")
    assert trace.answer == "It is 12."
    assert trace.text == f"{trace.prompt}<think>{trace.thought}</think>{trace.answer}"
    assert list(trace.roles) == ["prompt", "thought", "answer"]


@given(TOKENS, TOKENS, TOKENS)
def test_tokens_always_join_to_the_text(prompt, thought, answer):
    trace = from_ids(ByteCodec(), prompt, thought, answer)
    assert "".join(trace.tokens) == trace.text
    assert len(trace.tokens) == len(trace.token_ids) == len(trace.logprobs)
    data = b"".join(ByteCodec().pieces(trace.token_ids))
    valid = data.decode("utf-8", "replace").encode() == data
    assert (NOT_UTF8 in trace.meta.get("notes", [])) == (not valid)


def test_a_trace_can_not_be_changed(trace):
    for array in (trace.offsets, trace.logprobs, trace.top_ids, trace.top_logprobs):
        assert not array.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.text = "other"
    with pytest.raises(TypeError, match="can't be changed"):
        trace.meta["seed"] = 1
    with pytest.raises(TypeError, match="can't be changed"):
        trace.roles.pop("prompt")


def test_what_was_given_may_change_afterwards(codec):
    logprobs = np.zeros(20, np.float32)
    trace = compose(codec, "abcd", "", None, logprobs=logprobs[:10])
    logprobs[:] = -1
    assert trace.logprobs.tolist() == [0.0] * 10


def test_unknown_measurements_are_nan(trace):
    assert np.isnan(trace.logprobs).all()
    assert trace.logprobs.dtype == np.float32
    assert trace.top_ids.shape == trace.top_logprobs.shape == (len(trace.token_ids), 0)
    assert trace.top_pieces == ((),) * len(trace.token_ids)


def test_equality_and_hash_follow_the_content(codec, trace):
    same = compose(codec, trace.prompt, trace.thought, trace.answer)
    measured = dataclasses.replace(same, logprobs=np.zeros(len(same.token_ids), np.float32), codec=None, meta={})
    other = compose(codec, trace.prompt, trace.thought, "It is 13.")
    assert trace == same == measured
    assert len({trace, same, measured, other}) == 2
    assert trace != other
    assert trace != "text"
    assert len(trace.id) == 16
    assert trace.id != dataclasses.replace(trace, parent=other).id
    assert compose(codec, "a", "bc").id != compose(codec, "a", "bc", "").id


def test_a_long_family_has_ids_without_deep_recursion(codec):
    trace = compose(codec, "q", "thought")
    for _ in range(3000):
        trace = dataclasses.replace(trace, parent=trace)
    assert len(trace.path()) == 3001
    assert trace.id


def test_a_copy_is_the_trace_itself(trace):
    assert copy.copy(trace) is copy.deepcopy([trace])[0] is trace


def test_reading_the_answer(codec, trace):
    answer = trace.read_answer()
    assert answer.text == "12"
    assert trace.answer[answer.start : answer.end] == "12"
    assert dataclasses.replace(trace, reader=None).read_answer() is None
    assert compose(codec, "q", "It is 5").read_answer() is None
    assert compose(codec, "q", "t", "none", reader=Number()).read_answer() is None


@pytest.mark.parametrize("unit", ["token", "sentence", "paragraph", "step"])
@given(TOKENS)
def test_spans_of_any_bytes_share_no_token(unit, thought):
    trace = from_ids(ByteCodec(), [65], thought, [66])
    whole = trace.roles["thought"]
    spans = trace.spans(unit)
    for span in spans:
        assert whole.start <= span.start < span.end <= whole.end
        assert whole.char_start <= span.char_start <= span.char_end <= whole.char_end
        assert span.unit == unit
    assert all(one.end == next_.start for one, next_ in pairwise(spans))
    if spans:
        assert spans[-1].end == whole.end
        assert not trace.text[whole.char_start : trace.offsets[spans[0].start]].strip()
    else:
        assert not trace.thought.strip()


@given(TEXTS)
def test_every_visible_character_is_in_the_span_of_its_token(thought):
    trace = compose(ByteCodec(), "q", thought, "a")
    for unit in ("sentence", "paragraph", "step"):
        for span in trace.spans(unit):
            tokens = trace.text[trace.offsets[span.start] : trace.offsets[span.end]]
            text = trace.text[span.char_start : span.char_end]
            # a token may reach over a border: all that its first character decides is who owns it
            assert text.strip() == text != ""
            assert tokens.strip()


def test_sentences_own_the_whitespace_after_them(codec):
    trace = compose(codec, "q", "\n One of it.  Two of it.\n\nThree of it.\n", "a")
    spans = trace.spans("sentence")
    texts = [trace.text[trace.offsets[span.start] : trace.offsets[span.end]] for span in spans]
    assert "".join(texts) == trace.thought.lstrip()
    sentences = [trace.text[span.char_start : span.char_end] for span in spans]
    assert sentences == ["One of it.", "Two of it.", "Three of it."]


def test_a_token_with_two_sentences_belongs_to_the_first(codec):
    trace = compose(codec, "q", "This is sentence one. Two is this one.", "a")
    assert "one. Two" in trace.tokens
    first, second = trace.spans("sentence")
    shared = trace.tokens.index("one. Two")
    assert (first.end, second.start) == (shared + 1, shared + 1)
    assert trace.text[second.char_start : second.char_end] == "Two is this one."


def test_a_sentence_without_a_token_of_its_own_joins_the_one_before():
    codec = ByteCodec([b"ends here. Another one here. And th"])
    trace = compose(codec, "q", "It ends here. Another one here. And the rest.", "a")
    spans = trace.spans("sentence")
    assert [trace.text[span.char_start : span.char_end] for span in spans] == [
        "It ends here. Another one here.",
        "And the rest.",
    ]


def test_repeated_sentences_are_told_apart(codec):
    trace = compose(codec, "q", "I repeat this. I repeat this. I repeat this.", "a")
    spans = trace.spans("sentence")
    assert len(set(spans)) == 3
    assert {trace.text[span.char_start : span.char_end] for span in spans} == {"I repeat this."}


def test_small_thoughts(codec):
    assert compose(codec, "q", "", "a").spans("sentence") == []
    assert compose(codec, "q", " \n", "a").spans("sentence") == []
    assert len(compose(codec, "q", "No end", None).spans("sentence")) == 1
    (only,) = compose(codec, "q", "Just one sentence.", "a").spans("sentence")
    assert (only.start, only.end) == (7, 25)


def test_missing_roles(codec):
    trace = Trace.build([1], [b"x"], {"prompt": (0, 1)})
    assert trace.thought == trace.answer == ""
    assert trace.spans("sentence") == trace.spans("token") == []
    assert trace.spans("token", "prompt") == [Span(0, 1, 0, 1, "token")]


def test_fifty_thousand_tokens_are_no_trouble():
    codec = ByteCodec()
    pattern = codec.encode("Wait, is the 12th part right? It is the same 😀.\n\nSo the next one: ")
    thought = pattern * (50_000 // len(pattern) + 1)
    pieces = codec.pieces(thought)
    start = time.perf_counter()
    trace = Trace.build(thought, pieces, {"thought": (0, len(thought))})
    spans = trace.spans("sentence")
    _ = trace.id
    assert time.perf_counter() - start < 20  # well under a second; what goes with the square takes minutes
    assert len(trace.token_ids) > 50_000
    assert len(spans) > 1000


def test_editing_fifty_thousand_tokens_is_fast():
    codec = ByteCodec()
    thought = codec.encode("Wait, is the 12th part right? It is the same 😀.\n\nSo the next one: ") * 1400
    trace = from_ids(codec, [65], thought, [66])
    place = trace.spans("sentence")[1000]
    start = time.perf_counter()
    child = trace.replace(place, "Is it the 13th part?")
    assert time.perf_counter() - start < 20
    assert child.edit.new == "Is it the 13th part?"
    assert len(trace.token_ids) > 50_000


def test_resume_at_the_end_of_an_unedited_trace(trace):
    assert trace.resume_at == len(trace.token_ids)
    assert trace.path() == [trace]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": np.arange(3)}, "offsets"),
        ({"offsets": np.array([0, 2, 1, 3])}, "must rise"),
        ({"text": "longer text"}, "must rise"),
        ({"logprobs": np.zeros(2)}, "log-probabilities"),
        ({"top_ids": np.zeros((3, 2))}, "top_ids"),
        (
            {"top_ids": np.zeros((3, 1)), "top_logprobs": np.zeros((3, 1)), "top_pieces": (("a", "b"), (), ())},
            "top_pieces",
        ),
        ({"rewritten_from": 4}, "can't be rewritten from token 4"),
        ({"roles": {"though": Span(0, 1, 0, 1, "role")}}, "Did you mean 'thought'"),
        ({"roles": {"thought": Span(2, 4, 2, 3, "role")}}, "follow one another"),
        ({"roles": {"thought": Span(0, 1, 0, 2, "role")}}, "not those of its tokens"),
        (
            {"roles": {"answer": Span(0, 1, 0, 1, "role"), "thought": Span(1, 2, 1, 2, "role")}},
            "follow one another",
        ),
    ],
)
def test_parts_that_do_not_fit(change, message):
    good = Trace.build([1, 2, 3], [b"a", b"b", b"c"], {"thought": (0, 3)})
    with pytest.raises(InputError, match=message):
        dataclasses.replace(good, **change)


def test_building_from_wrong_parts():
    with pytest.raises(InputError, match="2 tokens need 2 pieces; 1 were given"):
        Trace.build([1, 2], [b"a"], {})
    with pytest.raises(InputError, match="can't be tokens 0 to 5"):
        Trace.build([1], [b"a"], {"thought": (0, 5)})


@pytest.mark.parametrize(("unit", "role"), [("sentences", "thought"), ("sentence", "thoughts")])
def test_unknown_units_and_roles(trace, unit, role):
    with pytest.raises(InputError, match="Did you mean"):
        trace.spans(unit, role)


def test_what_is_shown_is_short_and_escaped(codec):
    prompt, thought = "<script>alert(1)</script>" * 500, "<img src=x onerror=1>"
    trace = compose(codec, prompt, thought, "It is 3.", meta={"model": "<b>"})
    assert len(repr(trace)) < 300
    shown = trace._repr_html_()
    assert len(shown) < 4000
    assert "<script>" not in shown
    assert "<img" not in shown
    assert "<b>" not in shown
    assert "&lt;img src=x onerror=1&gt;" in shown


def test_showing_survives_a_reader_that_fails(trace):
    from cotlens.trace import Function

    assert "Trace" in repr(dataclasses.replace(trace, reader=Function(lambda text: 1 / 0)))
