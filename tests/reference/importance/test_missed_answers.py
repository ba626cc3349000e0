"""The curve of early answers follows every answer that leads anywhere, also within a sentence."""

import numpy as np
import pytest

import cotlens as cl


@pytest.fixture(scope="module")
def trace_and_model():
    model = cl.load("abacus")
    thought = "You start with 17. Then 17 + 4 = 21. Then 21 - 4 = 17."
    return cl.Trace.from_text("Compute 17 + 4 - 4.", thought, "The answer is 17.", model=model), model


def test_an_answer_that_leads_within_a_sentence_is_followed(trace_and_model):
    """After "... 21 - 4 = 1" the model answers 1; candidates were looked for at the ends of sentences only."""
    trace, model = trace_and_model
    found = cl.importance.EarlyAnswer(unit="token").run(trace, model)
    curve = found.extras["curve"]
    assert {"1", "2"} <= set(found.extras["answers"])
    assert curve[:, -1].max() < 0.1, "nothing that nobody follows has more than a tenth anywhere"
    np.testing.assert_allclose(curve.sum(axis=1), 1, atol=1e-5)
    asked = cl.importance.EarlyAnswer(unit="token", rivals=tuple(found.extras["answers"][1:])).run(trace, model)
    np.testing.assert_allclose(asked.extras["curve"], curve, atol=1e-5)
    np.testing.assert_allclose(asked.columns["estimate"], found.columns["estimate"], atol=1e-4)


def test_none_are_looked_for_where_the_answers_are_given(trace_and_model):
    trace, model = trace_and_model
    found = cl.importance.EarlyAnswer(unit="token", rivals=("21",)).run(trace, model)
    assert found.extras["answers"] == ["17", "21"]
