"""Positions cross to JavaScript and back unharmed."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotlens.widgets.shared.encoding import from_utf16, to_utf16

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(texts)
def test_every_position_agrees_with_the_encoding(text: str) -> None:
    wanted = [len(text[:i].encode("utf-16-le")) // 2 for i in range(len(text) + 1)]
    assert to_utf16(text, range(len(text) + 1)).tolist() == wanted
    assert from_utf16(text, wanted).tolist() == list(range(len(text) + 1))


def test_a_place_inside_a_character_is_its_start() -> None:
    assert from_utf16("a😀b", [0, 1, 2, 3, 4]).tolist() == [0, 1, 1, 2, 3]


def test_shapes_are_kept_and_the_input_is_not_shared() -> None:
    at = np.array([[0, 1], [2, 3]])
    assert to_utf16("a😀b", at).tolist() == [[0, 1], [3, 4]]
    plain = to_utf16("abc", at)
    plain[0, 0] = 9
    assert at[0, 0] == 0


@pytest.mark.parametrize("convert", [to_utf16, from_utf16])
@pytest.mark.parametrize("at", [-1, 4])
def test_a_position_outside_the_text_is_refused(convert, at: int) -> None:
    with pytest.raises(IndexError, match=rf"Position {at} lies outside a text of length 3\."):
        convert("abc", [0, at])


def test_no_positions_are_fine() -> None:
    assert to_utf16("", []).tolist() == []
    assert to_utf16("", [0]).tolist() == [0]


def test_the_time_does_not_go_with_the_square_of_the_text() -> None:
    text = "wörds and 😀 " * 17_000
    start = time.perf_counter()
    to_utf16(text, np.arange(0, len(text), 4))
    assert time.perf_counter() - start < 20  # milliseconds, unless it goes with the square
