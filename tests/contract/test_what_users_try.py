"""What a new user gives where something else belongs is refused in one sentence that says what to give."""

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.plots.tokens import colored_tokens

WRONG = {
    "a measure of a text": lambda model, trace: cl.importance.Occlusion().run("text", model),
    "a measure of a list": lambda model, trace: cl.importance.EarlyAnswer().run([trace], model),
    "a sampled measure of a text": lambda model, trace: cl.importance.Resampling().run("text", model),
    "a measure of attention": lambda model, trace: cl.importance.Suppression().run(None, model),
    "to go on from a text": lambda model, trace: model.resume("text"),
    "to go on from nothing": lambda model, trace: model.resume(None),
    "to measure a text": lambda model, trace: model.annotate("text"),
    "rollouts of a trace": lambda model, trace: model.rollouts(trace),
    "rollouts of traces": lambda model, trace: model.rollouts([trace]),
    "spans that are texts": lambda model, trace: cl.CoTEditor(model, trace, spans=["12"]),
    "spans that are a number": lambda model, trace: cl.CoTEditor(model, trace, spans=5),
    "spans that are parts": lambda model, trace: cl.CoTEditor(model, trace, spans=[(0.5, 2)]),
    "no vectors": lambda model, trace: cl.SteeringPanel(model, trace, None),
    "a number as vectors": lambda model, trace: cl.SteeringPanel(model, trace, 3),
    "a text as the trace of a map": lambda model, trace: cl.ImportanceMap(scores(trace, model), trace="text"),
    "a model as the trace of a map": lambda model, trace: cl.show(scores(trace, model), trace=model),
    "a number as tokens": lambda model, trace: colored_tokens(5, [1.0]),
    "a text as tokens": lambda model, trace: colored_tokens("text", [1.0] * 4),
}


def scores(trace, model):
    return cl.importance.Occlusion(unit="sentence").run(trace, model)


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def trace(model):
    return cl.Trace.from_text("Mia has 12 pears. How many?", "There are 12. So 12.", "The answer is 12.", model=model)


@pytest.mark.parametrize("what", WRONG)
def test_it_is_said_what_belongs_there(what, model, trace):
    with pytest.raises(InputError) as error:
        WRONG[what](model, trace)
    said = str(error.value)
    assert 30 < len(said) < 300 and said.endswith(".") and "object has no attribute" not in said
