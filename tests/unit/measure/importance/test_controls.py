"""What early-answer curves are read beside, on curves that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

import cotlens as cl
from cotlens.measure.answers import stated
from cotlens.measure.answers.forced import Target
from cotlens.measure.importance.occlusion import SKIPPED, outside
from cotlens.measure.importance.shared import controls
from cotlens.results import Provenance, Result
from cotlens.trace import Boxed, Choice, Number


def test_area_over_the_curve():
    assert controls.area_over([0, 0, 1, 1], [0, 1, 2, 3]) == pytest.approx(0.5)
    assert controls.area_over([1, 1, 1], [10, 11, 50]) == 0
    assert controls.area_over([0, 1, 1], [0, 9, 10]) == pytest.approx(1 - (4.5 + 1) / 10)  # weighted by what is kept
    assert np.isnan(controls.area_over([0, np.nan, 1], [0, 1, 2]))
    assert np.isnan(controls.area_over([1], [3]))


def test_the_last_change_is_the_last():
    change = controls.last_change(["7", "15", "7", "15", "15"], [4, 6, 8, 11, 20])
    assert (change.at, change.tokens_after, change.was) == (11, 9, "7")
    assert controls.last_change(["15", "15"], [4, 20]).at is None


def test_the_leading_answer_is_the_likeliest_unless_all_others_are_likelier_together():
    curve = np.array([[0.2, 0.7], [0.6, 0.1], [0.6, np.nan], [0.3, 0.1], [0.0017, 0.0]])
    assert controls.leading(curve, ["15", "7"]) == ["7", "15", "", "(other)", "(other)"]


def test_answer_lines_are_the_sentences_that_hold_a_value_of_the_answer_s_normal_form():
    thought = (
        "There are 15 pears and 4 more. So 19 - 4 = 15. It is 15.0 in all, not 19. I box \\boxed{15} now. It is 150."
    )
    trace = cl.Trace.from_text("How many?", thought, "15")
    spans, target = trace.spans("sentence"), Target("15", "15")
    for reader in (Number(), Boxed()):
        assert stated.answer_lines(replace(trace, reader=reader), target) == spans[:4]
    assert stated.answer_lines(trace, Target("not 19", "not 19")) == [spans[2]]
    money = cl.Trace.from_text("How many?", "She has 130,000 now. So 70,000 are left. Not 70.", "70,000")
    money = replace(money, reader=Number())
    assert stated.answer_lines(money, Target("70,000", "70000")) == [money.spans("sentence")[1]]
    letters = replace(cl.Trace.from_text("Which?", "Option B is red. So the answer is C.", "C"), reader=Choice())
    assert stated.answer_lines(letters, Target("C", "C")) == [letters.spans("sentence")[1]]


def test_coarse_to_fine_skips_what_is_in_no_sentence_that_matters():
    columns = {
        "start": [0, 3, 6], "end": [3, 6, 9], "text": ["a", "b", "c"], "estimate": [0.0, -2.0, 1.0],
        "low": [0.0] * 3, "high": [0.0] * 3, "n": [1] * 3, "status": ["exact"] * 3,
    }  # fmt: skip
    words = {"sign": "+", "zero": "0", "scale_unit": "nats"}
    sentences = Result("importance", "Occlusion", "m", "sentence", columns, **words, provenance=Provenance("Occlusion"))
    rows = [Row(start) for start in range(10)]
    assert outside(rows, sentences, 0.6) == dict.fromkeys([0, 1, 2, 6, 7, 8, 9], SKIPPED)
    assert outside(rows, sentences, 0.5) == dict.fromkeys([0, 1, 2, 9], SKIPPED)


class Row:
    def __init__(self, start):
        self.start = start
