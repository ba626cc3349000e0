"""Alignment, prefixes and places of rollouts whose right answers are known."""

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure.rollouts import align, place, prefixes

SAID = ["Mia has 12 pears.", "She buys 7 more.", "12 + 7 = 19.", "She gives away 4.", "19 - 4 = 15."]


def test_what_is_said_alike_stands_in_one_column_whatever_is_said_between():
    made = align([SAID, [*SAID[:2], "Wait, let me read that again.", *SAID[2:]], SAID[2:]])
    whole, longer, late = made.columns
    assert made.width == 6
    assert longer.tolist() == [0, 1, 2, 3, 4, 5]
    assert whole.tolist() == [0, 1, 3, 4, 5]
    assert late.tolist() == [3, 4, 5]
    assert made.alike[1].tolist() == [True, True, False, True, True, True]


def test_numbers_tell_sentences_apart():
    made = align([["12 + 7 = 19.", "19 - 4 = 15."], ["19 - 4 = 15."]])
    assert made.columns[1].tolist() == [made.columns[0][1]]


def test_a_sentence_of_its_own_only_fills_its_room():
    made = align([SAID, SAID, [SAID[0], "Bananas cost money nowadays everywhere.", *SAID[2:]]])
    assert made.width == 5
    assert made.columns[2].tolist() == [0, 1, 2, 3, 4]
    assert made.alike[2].tolist() == [True, False, True, True, True]


def test_what_several_say_in_place_of_something_is_alike_and_stands_in_its_column():
    """As where rollouts part: what the smaller part says is no sentence of its own."""
    black, yellow = "The black bag holds 16: 78 + 16 = 94.", "The yellow bag holds 18: 78 + 18 = 96."
    odd = "Bananas cost money nowadays everywhere."
    made = align([[SAID[0], each, SAID[1]] for each in (yellow, yellow, yellow, black, odd, black)])
    assert made.width == 3
    assert [columns.tolist() for columns in made.columns] == [[0, 1, 2]] * 6
    assert [alike.tolist()[1] for alike in made.alike] == [True, True, True, True, False, True]


def test_order_is_kept_and_nothing_is_lost():
    rng = np.random.default_rng(0)
    rollouts = [[SAID[at] for at in rng.integers(0, 5, size)] for size in (0, 1, 7, 30, 12)]
    made = align(rollouts)
    for texts, columns in zip(rollouts, made.columns, strict=True):
        assert len(columns) == len(texts)
        assert (np.diff(columns) > 0).all()
    assert max(columns.max() for columns in made.columns if len(columns)) < made.width
    assert align([]).width == 0


def test_prefixes_are_exact_by_token():
    tree = prefixes([(1, 2, 3, 4), (1, 2, 3, 5), (1, 2, 9), (1, 2), (1, 2, 3, 4)], ["a"] * 5)
    assert [(node.parent, node.start, node.end, node.rows) for node in tree] == [
        (-1, 0, 2, (0, 1, 2, 3, 4)), (0, 2, 3, (0, 1, 4)), (1, 3, 4, (0, 4)),
    ]  # fmt: skip
    assert prefixes([(1, 2)], ["a"]) == []


def test_a_shift_is_marked_where_the_token_decides_and_only_there():
    rng = np.random.default_rng(1)
    ids = [(7, int(rng.integers(2)), int(rng.integers(2)), at) for at in range(400)]
    tree = prefixes(ids, ["right" if row[1] else "wrong" for row in ids])
    marked = [node for node in tree if node.shifts]
    assert [(node.start, node.end, node.shift) for node in marked] == [(1, 2, 1.0), (1, 2, 1.0)]
    assert all(node.q <= 0.05 and node.p < 0.001 for node in marked)


def test_where_nothing_shifts_nothing_is_marked_more_often_than_promised():
    rng = np.random.default_rng(2)
    false = 0
    for seed in range(40):
        ids = [tuple(rng.integers(0, 2, 6).tolist()) for _ in range(120)]
        false += any(node.shifts for node in prefixes(ids, rng.integers(0, 3, 120).tolist(), seed=seed))
    assert false <= 6  # of 40 at 5 %: more than 6 has a chance of 1 in 200


def test_unread_answers_are_an_answer_and_a_seed_decides():
    ids = [(1, row % 2, row) for row in range(40)]
    answers = ["4" if row % 2 else None for row in range(40)]
    tree = prefixes(ids, answers, seed=3)
    assert tree == prefixes(ids, answers, seed=3) or np.isnan(tree[0].p)
    assert any(node.shifts for node in tree)


def test_rollouts_that_differ_in_one_thing_lie_on_one_line():
    plane = place([SAID] * 5 + [["Something else altogether is said here."]] * 5)
    assert plane.explained[0] == pytest.approx(1)
    assert len(np.unique(plane.places[:, 0].round(6))) == 2
    assert np.allclose(place([[], []], [[0, 0, 0], [0, 2, 0]]).explained, (1, 0))
    for wrong in ([[1.0, 2.0]], [1.0, 2.0], [[np.nan], [1.0]]):
        with pytest.raises(InputError, match="of 2 rollouts"):
            place([[], []], wrong)
