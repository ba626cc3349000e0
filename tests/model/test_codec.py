"""Text to ids and ids to bytes, for byte-level and sentencepiece-like tokenizers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotlens.models.codec import HFCodec
from cotlens.trace.align import char_offsets
from tests.model import tiny

BYTES = HFCodec(tiny.tokenizer())
PIECES = HFCodec(tiny.sentencepiece())
TEXTS = [
    "Mia has 12 pears.",
    " leading and trailing ",
    "tabs\tand\r\nlines\n\n\n",
    "caf\u00e9 \u4f60\u597d \U0001f600 e\u0301",
    "a <think> b </think> c <|im_end|> d",
    "</think>",
    "",
]


@pytest.mark.parametrize("codec", [BYTES, PIECES], ids=["bytes", "pieces"])
@pytest.mark.parametrize("text", TEXTS)
def test_pieces_join_to_what_was_encoded(codec, text):
    ids = codec.encode(text)
    pieces = codec.pieces(ids)
    assert len(pieces) == len(ids)
    assert b"".join(pieces).decode() == text


@settings(max_examples=60)
@given(st.text(max_size=30))
def test_any_text_survives(text):
    for codec in (BYTES, PIECES):
        assert b"".join(codec.pieces(codec.encode(text))) == text.encode("utf-8", "surrogatepass")


def test_markers_typed_by_a_user_stay_text():
    """Also those that tokenizers add without calling them special, as Qwen3 does with </think>."""
    marker = BYTES.encode_template("</think>")
    assert len(marker) == 1
    for text in ("</think>", "x</think>y", "<|im_end|>"):
        ids = BYTES.encode(text)
        special = {i for m in ("<think>", "</think>", "<|im_end|>", "<|im_start|>") for i in BYTES.encode_template(m)}
        assert not special & set(ids)
        assert b"".join(BYTES.pieces(ids)).decode() == text
    assert BYTES.pieces(marker) == [b"</think>"]


def test_the_tokenizer_itself_is_left_as_it_was():
    tokenizer = tiny.tokenizer()
    before = tokenizer("a </think> b")["input_ids"]
    HFCodec(tokenizer).encode("a </think> b")
    assert tokenizer("a </think> b")["input_ids"] == before


def test_sentencepiece_adds_no_space_to_an_edit():
    assert PIECES.pieces(PIECES.encode("Mia"))[0][:1] != b" "
    assert b"".join(PIECES.pieces(PIECES.encode("\n"))) == b"\n"


def test_a_character_split_over_tokens():
    text, offsets = char_offsets(BYTES.pieces(BYTES.encode("\U0001f680")))
    assert text == "\U0001f680"
    assert len(offsets) > 2


def test_ids_beyond_the_vocabulary_have_a_piece():
    assert BYTES.pieces([10_000, -1]) == [b"<10000>", b"<-1>"]


def test_what_counts_as_special():
    assert BYTES.special("</think>")
    assert not BYTES.special("think")
    assert BYTES.holds_special("say </think> now")
    assert not BYTES.holds_special("say so")


def test_ordinary_text_is_tokenised_as_transformers_does():
    tokenizer = BYTES.tokenizer
    for text in tiny.SENTENCES:
        assert BYTES.encode(text) == tokenizer(text, add_special_tokens=False)["input_ids"]
