"""Answers of a real model, which were all unread while only boxes were looked for."""

import pytest

from cotlens.trace import Boxed, FinalAnswer
from tests.unit.trace.answers.rollouts import ROLLOUTS


@pytest.mark.parametrize(("text", "value", "form", "ended"), ROLLOUTS, ids=[row[1] for row in ROLLOUTS])
def test_real_answers_are_read(text, value, form, ended):
    answer = FinalAnswer().read(text)
    assert (answer.text, answer.form) == (value, form)
    assert text[answer.start : answer.end] == answer.surface
    assert Boxed().read(text) is None
    if not ended:
        assert FinalAnswer().read(text, finished=False) is None
