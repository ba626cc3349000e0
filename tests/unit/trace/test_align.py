from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotlens.trace.align import char_offsets, decode, is_utf8, token_at, tokens_covering

PIECES = st.lists(
    st.binary(max_size=5) | st.sampled_from([b"\xf0\x9f", b"\x98\x80", b"e", b"\xcc\x81", b"\r\n"]), max_size=30
)


def cut_up(text, sizes):
    """`text` as byte pieces of the given sizes, again and again."""
    data, pieces, at = text.encode(), [], 0
    while at < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[at : at + size])
        at += size
    return pieces


@given(PIECES)
def test_any_bytes_tile_the_text(pieces):
    text, offsets = char_offsets(pieces)
    assert text == b"".join(pieces).decode("utf-8", "replace")
    assert offsets.dtype == np.int64
    assert offsets.shape == (len(pieces) + 1,)
    assert "".join(text[a:b] for a, b in pairwise(offsets)) == text


@given(st.text(max_size=40), st.lists(st.integers(1, 3), min_size=1, max_size=5))
def test_a_split_character_belongs_to_the_token_that_completes_it(text, sizes):
    pieces = cut_up(text, sizes)
    found, offsets, whole = decode(pieces)
    assert found == text
    ends = np.cumsum([len(character.encode()) for character in text])
    done = np.cumsum([0] + [len(piece) for piece in pieces])
    assert offsets.tolist() == np.searchsorted(ends, done, side="right").tolist()
    assert whole.tolist() == [at == 0 or at in ends for at in done]
    assert is_utf8(pieces)


def test_an_emoji_over_three_tokens():
    text, offsets = char_offsets([b"a", b"\xf0", b"\x9f\x98", b"\x80", b"b"])
    assert (text, offsets.tolist()) == ("a😀b", [0, 1, 1, 1, 2, 3])
    assert token_at(offsets, 1) == 3
    assert tokens_covering(offsets, 1, 2) == (1, 4)
    assert tokens_covering(offsets, 1, 1) == (1, 1)
    assert tokens_covering(offsets, 2, 3) == (4, 5)


def test_bytes_that_are_not_utf8_and_an_unfinished_end():
    text, offsets = char_offsets([b"a\xff", b"b", b"\xe2\x82"])
    assert (text, offsets.tolist()) == ("a\ufffdb\ufffd", [0, 2, 3, 4])
    assert not is_utf8([b"a\xff"])


def test_no_tokens():
    text, offsets = char_offsets([])
    assert (text, offsets.tolist()) == ("", [0])
    assert tokens_covering(offsets, 0, 0) == (0, 0)


@given(PIECES, st.data())
def test_covering_tokens_hold_the_characters_and_no_token_too_many(pieces, data):
    text, offsets = char_offsets(pieces)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    first, last = tokens_covering(offsets, start, end)
    assert offsets[first] <= start
    assert offsets[last] >= end
    if first < last and start < end:
        assert offsets[last - 1] < end  # the last token holds some of them
        assert any(offsets[token + 1] > start for token in range(first, last))
    for char in range(start, end):
        assert first <= token_at(offsets, char) < last


@pytest.mark.parametrize("char", [-1, 2])
def test_a_character_outside_the_text(char):
    _, offsets = char_offsets([b"ab"])
    with pytest.raises(IndexError, match="outside a text of 2 characters"):
        token_at(offsets, char)


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (1, 0), (0, 3)])
def test_a_range_outside_the_text(start, end):
    _, offsets = char_offsets([b"ab"])
    with pytest.raises(IndexError):
        tokens_covering(offsets, start, end)
