import re

import pytest
from hypothesis import given

from cotlens._core.errors import InputError
from cotlens.trace import chunk_texts, split
from tests.unit.trace.bytecodec import TEXTS

@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        (" \n\n ", []),
        ("One sentence only", ["One sentence only"]),
        ("Short.", ["Short."]),
        ("First I count. Then I add! Is it right?", ["First I count.", "Then I add!", "Is it right?"]),
        ("The value is 3.14159 here. Fine then.", ["The value is 3.14159 here.", "Fine then."]),
        ("Wait. Let me think about it.", ["Wait. Let me think about it."]),
        ("Let me think about it. Ok.", ["Let me think about it. Ok."]),
        ("a. b. c.", ["a. b. c."]),
        ("A title here\n\nAnd the text", ["A title here", "And the text"]),
        ("It ends here.\nNext line of it", ["It ends here.", "Next line of it"]),
        ("It ends here.\r\nNext line of it", ["It ends here.", "Next line of it"]),
        ("A title here\r\n\r\nAnd the text", ["A title here", "And the text"]),
        ("  Leading space.   And more of it.  ", ["Leading space.", "And more of it."]),
        ("It is 10 / (5! * 2! * 3) in all.", ["It is 10 / (5!", "* 2! * 3) in all."]),
    ],
)
def test_sentences(text, sentences):
    assert [text[start:end] for start, end in split(text, "sentence")] == sentences


def test_short_pieces_are_joined_by_one_space():
    assert chunk_texts("Hmm.\n\nLet me see.  Ok.") == ["Hmm. Let me see. Ok."]


def test_paragraphs_and_steps():
    text = "one\ntwo\n \nthree\r\n\r\nfour\n"
    assert [text[a:b] for a, b in split(text, "paragraph")] == ["one\ntwo", "three", "four"]
    assert [text[a:b] for a, b in split(text, "step")] == ["one", "two", "three", "four"]


@given(TEXTS)
def test_pieces_are_trimmed_ordered_and_lose_nothing(text):
    for unit in ("sentence", "paragraph", "step"):
        end = 0
        for start, stop in split(text, unit):
            assert not text[end:start].strip()
            assert text[start:stop] == text[start:stop].strip() != ""
            end = stop
        assert not text[end:].strip()


@given(TEXTS)
def test_sentences_are_long_enough_and_match_their_chunks(text):
    chunks = chunk_texts(text)
    ranges = split(text, "sentence")
    assert len(chunks) == len(ranges)
    assert all(len(chunk) >= 10 for chunk in chunks) or len(chunks) == 1
    for (start, end), chunk in zip(ranges, chunks, strict=True):
        assert re.sub(r"\s", "", text[start:end]) == re.sub(r"\s", "", chunk)


@pytest.mark.parametrize(("unit", "hint"), [("sentense", "Did you mean 'sentence'"), ("chunk", "'paragraph', 'step'")])
def test_unknown_units(unit, hint):
    with pytest.raises(InputError, match=hint):
        split("text", unit)


def test_a_text_alone_has_no_tokens():
    with pytest.raises(InputError, match="has no tokens"):
        split("text", "token")
