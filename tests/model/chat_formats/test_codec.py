"""Text to ids and ids to bytes, for byte-level and sentencepiece-like tokenizers."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotlens._core.errors import InputError
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.families import CONTROL_TEXTS
from cotlens.trace.align import char_offsets
from tests import pretrained
from tests.model import tiny, tokenizer_styles
from tests.model.tokenizer_styles import LOSSLESS, ODD, SPELLED, STYLES

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
    assert BYTES.is_control_text("</think>")
    assert not BYTES.is_control_text("think")
    assert BYTES.holds_control_text("say </think> now")
    assert not BYTES.holds_control_text("say so")


CODECS = {style: HFCodec(tokenizer_styles.tokenizer(style)) for style in STYLES}
PREFIXED = ("roberta", "llama2", "mistral", "phi3", "unigram")  # they put a space before every text
every_style = pytest.mark.parametrize("style", STYLES)
odd_texts = st.lists(st.sampled_from((*ODD, *SPELLED)) | st.text(max_size=8), max_size=5).map("".join)


def signs(tokenizer):
    """Id and text of each special token, and of each thought's marker."""
    added = tokenizer.added_tokens_decoder.items()
    return {token: str(one) for token, one in added if one.special or str(one) in CONTROL_TEXTS}


def check(codec, text, style=""):
    """What holds of any text: it gets the tokenizer's own ids, unless it spells out a special token."""
    tokenizer, special = codec.tokenizer, signs(codec.tokenizer)
    theirs = tokenizer(text, add_special_tokens=False)["input_ids"]
    whole, ids = codec.encode_parts([(text, False)]), codec.encode(text)
    # "!" stands in for the padding of one tokenizer; nobody can avoid typing it
    spelled = any(literal in text for literal in special.values() if len(literal) > 1)
    read = any(special.get(token, "") in text for token in theirs if len(special.get(token, "")) > 1)
    assert spelled or not read
    if not read:
        assert whole == theirs
        if style not in PREFIXED:
            assert ids == theirs
    written = [special[token] for token in {*ids, *whole} if token in special and token != tokenizer.unk_token_id]
    assert [literal for literal in written if len(literal) > 1] == []
    assert codec.holds_control_text(text) == read
    if style in LOSSLESS and "\u2581" not in text:
        assert b"".join(codec.pieces(ids)).decode() == text
        decoded, offsets = char_offsets(codec.pieces(ids))
        assert (decoded, len(offsets)) == (text, len(ids) + 1)


@every_style
def test_odd_texts_have_the_tokenizers_own_ids(style):
    for text in (*ODD, *SPELLED):
        for around in (text, f" {text}\n", f"x{text}{text}."):
            check(CODECS[style], around, style)


@every_style
@settings(max_examples=30, deadline=None)
@given(text=odd_texts)
def test_any_text_has_the_tokenizers_own_ids(style, text):
    check(CODECS[style], text, style)


@settings(max_examples=60, deadline=None)
@given(text=odd_texts)
def test_so_it_is_with_a_pretrained_tokenizer_and_the_shipped_one(text):
    for made, style in zip(real(), ("", "gpt2"), strict=True):  # some bytes are not in the pretrained vocabulary
        check(made, text, style)


@cache
def real():
    from cotlens import organisms

    return HFCodec(pretrained.tokenizer()), HFCodec(organisms.load_pair("abacus")[1])


@every_style
def test_a_text_in_parts_is_tokenised_as_one(style):
    """A template's special tokens are meant, and the same ones in the user's part are characters."""
    codec = CODECS[style]
    literal = next(text for text in signs(codec.tokenizer).values() if len(text) > 1 and text != "[UNK]")
    for user in ("Mia has 12", f"say {literal} now", "\n\n x "):
        parts = [(f"{literal}user\n", True), (user, False), (f"\n{literal}", True)]
        ids = codec.encode_parts(parts)
        meant = codec.encode_template(literal)
        assert sum(ids[at : at + len(meant)] == meant for at in range(len(ids))) == 2
        if literal not in user:
            assert ids == codec.encode_template("".join(text for text, _ in parts))


@every_style
def test_pieces_are_what_the_tokenizers_own_decoder_makes_of_tokens(style):
    codec, tokenizer = CODECS[style], tokenizer_styles.tokenizer(style)
    if style in ("words of one's own", "wordpiece", "words"):
        return  # a decoder that takes spaces away or adds them between tokens, or takes letters for other bytes
    (first,) = codec.encode_template(".")[-1:]
    for token in range(len(tokenizer)):
        if codec.is_control(token):
            continue
        theirs = tokenizer.decode([first, token, first])
        assert b"".join(codec.pieces([first, token, first])).decode("utf-8", "replace").strip() == theirs.strip()


def test_runs_of_spaces_and_html_are_ordinary_text():
    """As Gemma has them: added tokens that aren't special, written with the mark that stands for a space."""
    codec = CODECS["gemma"]
    text = "First.  Then   that.\n\n\nSo    it is 5. <table>\n<tr><td>5</td></tr>\n</table>"
    ids = codec.encode(text)
    assert ids == codec.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert b"".join(codec.pieces(ids)).decode() == text
    assert {b"  ", b"   ", b"    ", b"\n\n\n", b"<table>", b"</td>"} <= set(codec.pieces(ids))


def test_texts_become_signs_by_being_reserved():
    codec = CODECS["gemma"]
    assert codec.reserving(["<start_of_turn>", "<nowhere>"]) is codec
    reserved = codec.reserving(["<td>"])
    assert reserved.is_control_text("<td>") and not codec.is_control_text("<td>")
    assert reserved.pieces(reserved.encode("<td>")) != [b"<td>"] == codec.pieces(codec.encode("<td>"))


@pytest.mark.parametrize("text", ["\ud800", "good \udfff", "\ud83d\ude00"])
def test_half_a_character_is_refused(text):
    for call in (BYTES.encode, BYTES.encode_template, PIECES.encode, BYTES.holds_control_text):
        with pytest.raises(InputError, match=r"one half of a surrogate pair"):
            call(text)
