"""What an exercise says of what a student made, whatever that is."""

import subprocess
import sys

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.teaching import Case, Exercise, Verdict, Wrong, agree, check, hint
from cotlens.teaching.course import CHAPTERS, exercises
from cotlens.teaching.exercise import UNFILLED

SQUARES = [Case((n,), n * n, f"{n} squared") for n in (2, 3, 4)]


def squares(made):
    agree(made, SQUARES, slips={"that is twice the number.": lambda n: 2 * n})
    return "a square grows faster than its side."


SQUARE = Exercise("9.1", "Squares", 2, 1, squares, ("Multiply.", "By itself."))


def test_right_passes_and_says_what_was_learnt():
    verdict = SQUARE.check(lambda n: n**2)
    assert verdict and verdict.passed
    assert repr(verdict) == "✓ 9.1: a square grows faster than its side."


@pytest.mark.parametrize("made", [..., lambda n: ..., [1, ...], {"A": ...}])
def test_dots_are_no_answer(made):
    verdict = SQUARE.check(made)
    assert not verdict
    assert verdict.message == UNFILLED


def test_a_constant_fails_and_names_the_first_case():
    verdict = SQUARE.check(lambda n: 4)
    assert not verdict
    assert verdict.message == "2 of 3 cases are wrong. The first: 3 squared gives 9, and yours returns 4."


def test_a_typical_slip_is_explained():
    assert SQUARE.check(lambda n: n + n).message == "that is twice the number."


def test_what_is_no_function_and_what_stops_are_verdicts_not_errors():
    assert "a function is asked for, and this is 4" in SQUARE.check(4).message
    assert "ZeroDivisionError" in SQUARE.check(lambda n: n / 0).message
    assert "TypeError" in SQUARE.check(lambda: 4).message


def test_cases_that_a_constant_would_pass_are_refused():
    with pytest.raises(InputError, match="a constant would pass"):
        agree(lambda n: 1, [Case((2,), 1, "two"), Case((3,), 1, "three")])


@pytest.mark.parametrize(
    ("mine", "right", "same"),
    [
        (1.0, 1, True),
        (np.float32(0.25), 0.25, True),
        ([1, 2], (1, 2), True),
        ([1, 2, 3], (1, 2), False),
        (float("nan"), float("nan"), True),
        (1, True, False),
        (np.bool_(True), True, True),
        ("1", 1, False),  # a text that reads as a number is none to calculate with
        ("one", 1, False),
        (None, 1, False),
        ("sound", "sound", True),
    ],
)
def test_what_counts_as_the_same(mine, right, same):
    other = [9, 9] if isinstance(right, tuple) else "other" if isinstance(right, str) else 9
    cases = [Case((0,), right, "one"), Case((1,), other, "two")]

    def made(which):
        return other if which else mine

    if same:
        agree(made, cases)
    else:
        with pytest.raises(Wrong):
            agree(made, cases)


def test_hints_come_in_steps():
    assert repr(SQUARE.hint()) == "Hint 1 of 2: Multiply."
    assert SQUARE.hint(2).text == "By itself."
    with pytest.raises(InputError):
        SQUARE.hint(3)
    with pytest.raises(InputError, match="has no hints"):
        Exercise("9.2", "Nothing", 1, 1, squares).hint()


def test_exercises_are_found_by_their_id():
    assert isinstance(check("1.1", ...), Verdict)
    assert hint("1.1", 2).step == 2
    with pytest.raises(InputError, match=r"no exercise '1\.99'"):
        check("1.99", ...)
    with pytest.raises(InputError, match="no chapter called 'x'"):
        hint("x")
    with pytest.raises(InputError, match="named by its id"):
        check(1.1, ...)


@pytest.mark.parametrize("chapter", CHAPTERS.names())
def test_the_ids_of_a_chapter_count_up(chapter):
    assert [one.id for one in exercises(chapter)] == [f"{chapter}.{i + 1}" for i in range(len(exercises(chapter)))]


def test_importing_it_imports_no_model_library():
    code = "import sys, cotlens.teaching as t; t.Exercise; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
