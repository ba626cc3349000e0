"""A survey's plan as data: what it holds, what it costs, and what it refuses."""

import math

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.importance import METHODS
from cotlens.measure.survey.named import method_data, method_of

EARLY = cl.importance.EarlyAnswer(unit="sentence", rivals=("7", 'a "quoted"\n\x7f😀'))


@pytest.fixture(scope="module")
def traces():
    made = [cl.Trace.from_text(f"{k} + 7?", f"I add {k} and 7. It is {k + 7}.", str(k + 7)) for k in range(3)]
    return cl.Traces(made)


def test_a_plan_is_the_same_after_its_file(traces, tmp_path):
    methods = [EARLY, cl.importance.Occlusion(unit="sentence"), cl.importance.EarlyAnswer(refine=0.25)]
    models = [
        "abacus",
        {"name": "m", "backend": "vllm", "endpoint": "http://localhost:1/v1", "template": {"a b": True}},
    ]
    plan = cl.survey(traces, methods, models=models, seeds=[0, 5])
    plan.save(tmp_path / "plan.toml")
    again = cl.survey(tmp_path / "plan.toml")
    assert (again.methods, again.seeds, again.models) == (plan.methods, plan.seeds, plan.models)
    assert again.traces == traces and len(again) == 3 * 3 * 2 * 2
    assert [cell.number for cell in again.cells()] == list(range(len(plan)))


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_is_data(name):
    if name == "Gradient":
        method = cl.importance.Gradient(unit="token")
    else:
        method = METHODS.get(name)()
    assert method_of(method_data(method)) == method


def test_cost_is_that_of_the_methods_times_models_and_seeds(traces):
    row = cl.survey(traces, EARLY, models=["a", "b"], seeds=[0, 1, 2]).cost().iloc[0]
    once = [EARLY.cost(trace) for trace in traces]
    assert row["cells"] == 18 and row["status"] == "ok"
    assert row["tokens"] == 6 * sum(cost.tokens for cost in once)
    assert row["forwards"] == 6 * sum(cost.forwards for cost in once)


def test_the_cost_of_what_is_not_written_yet_is_unknown():
    row = cl.survey(["1 + 1?", "2 + 2?"], EARLY, models="abacus").cost().iloc[0]
    assert math.isnan(row["tokens"]) and row["status"] == "of 2 prompts it is known when their thoughts are written"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda t: cl.survey(t, EARLY, models=None), "A survey needs models="),
        (lambda t: cl.survey(t, None, models="abacus"), "A survey needs methods="),
        (lambda t: cl.survey([], EARLY, models="abacus"), "needs traces or prompts"),
        (lambda t: cl.survey(["1?", t[0]], EARLY, models="abacus"), "of traces or of prompts"),
        (lambda t: cl.survey(t, EARLY, models=object()), "each worker loads its own"),
        (lambda t: cl.survey(t, "EarlyAnswer", models="abacus"), "cl.importance"),
        (lambda t: cl.survey(t, EARLY, models="abacus", seeds=[-1]), "seed=-1"),
        (lambda t: cl.survey(t, EARLY, models={"name": "m", "format": object()}), "can't keep"),
    ],
)
def test_what_is_no_plan_is_refused_in_a_sentence(traces, make, said):
    with pytest.raises(InputError, match=said):
        make(traces)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds = [", "is not TOML"),
        ('prompts = ["1?"]\nmodel = ["a"]', "Did you mean 'models'"),
        ('format = "cotlens-survey/9"', "this CoTLens reads"),
        ('prompts = ["1?"]\nmodels = "abacus"', "give a list"),
        ('prompts = ["1?"]\n[[methods]]\nmethod = "EarlyAnswers"\n[[models]]\nname = "abacus"', "Did you mean"),
        ('prompts = ["1?"]\n[[methods]]\nmethod = "EarlyAnswer"\nunits = "token"', "has no setting 'units'"),
        ('traces = "nowhere.traces"', "nowhere.traces"),
    ],
)
def test_a_file_that_is_no_plan_says_why(tmp_path, text, said):
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        cl.survey(tmp_path / "plan.toml")
