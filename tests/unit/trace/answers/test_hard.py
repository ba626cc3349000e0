"""The grammar of answers, kind by kind: what was read wrongly once, and texts that were cut where they could go on."""

import pytest

from cotlens.trace.answers import Boxed, Choice, FinalAnswer, Number
from cotlens.trace.values.normal import normal_form
from tests.unit.trace.answers import fresh, hard

READERS = {reader.name: reader for reader in (Boxed(), Choice(), FinalAnswer(), Number())}


ROWS = hard.KINDS | {f"fresh {name}": [(name, *row) for row in rows] for name, rows in fresh.KINDS.items()}


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [pytest.param(*row, id=f"{kind}-{row[0]}-{row[1][-40:]!r}") for kind, rows in ROWS.items() for row in rows],
)
def test_hard_answers(reader, text, value):
    answer = READERS[reader].read(text)
    assert (answer and answer.text) == value
    if answer is not None:
        assert text[answer.start : answer.end] == answer.surface
        assert READERS[reader].normal(answer.surface) == READERS[reader].normal(value) == value


@pytest.mark.parametrize(("reader", "text"), hard.CUT)
def test_what_could_go_on_is_no_answer_yet(reader, text):
    assert READERS[reader].read(text, finished=False) is None


@pytest.mark.parametrize(("one", "other"), hard.SAME)
def test_the_same_in_two_spellings(one, other):
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(("one", "other"), hard.DIFFERENT)
def test_another_value_in_a_like_spelling(one, other):
    assert normal_form(one) != normal_form(other)
