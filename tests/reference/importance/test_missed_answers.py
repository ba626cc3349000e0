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


def test_answers_that_nobody_gives_are_not_followed(trace_and_model):
    """Each would cost tokens at every point, for a curve along the floor."""
    _, model = trace_and_model
    prompt = "Ravi has 16 shells. He finds 28 more shells. He gives away 15 shells. How many shells does Ravi have?"
    thought = "Ravi starts with 16 shells. He gets 28 more, so 16 + 28 = 44. Then 15 are gone: 44 - 15 = 29."
    trace = cl.Trace.from_text(prompt, thought, "The answer is 29.", model=model)
    ends = [trace.roles["thought"].start, *(span.end for span in trace.spans("sentence"))]
    found = cl.importance.EarlyAnswer(unit="sentence").run(trace, model).extras
    every = cl.importance.EarlyAnswer(unit="sentence", rivals=("15", "16", "28", "44")).run(trace, model).extras
    highest = dict(zip(every["answers"], every["curve"][np.isin(every["curve_at"], ends)].max(axis=0), strict=False))
    given = {answer for answer, most in highest.items() if most >= 0.005}
    assert {"29", "16", "44"} <= given < set(highest), "a thought that tells something"
    assert given == set(found["answers"]) & set(highest)
