"""Lenses against plain hooks and the model's own logits, on the shipped reasoners and on real weights."""

import numpy as np
import pytest

import cotlens as cl
from cotlens import organisms
from cotlens.measure.answers.forced import StopPoint, score_points
from cotlens.results import load_result
from tests import pretrained


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def trace(abacus):
    problem = organisms.problems(1, seed=31, steps=3, fork=False)[0]
    return abacus.reason(problem.prompt, temperature=0)


@pytest.fixture(scope="module")
def grid(abacus, trace):
    return cl.lenses.LogitLens().run(trace, abacus, seed=3)


@pytest.fixture(scope="module")
def answers(abacus, trace):
    return cl.lenses.AnswerLens().run(trace, abacus)


def of_layer(result, layer, name="estimate"):
    return result.columns[name][result.columns["layer"] == layer]


def hooked(model, ids, layer):
    """The logits [tokens, vocabulary] of a layer's output by plain hooks and the model's own modules."""
    import torch

    kept = []
    handle = model.engine.hf.model.layers[layer].register_forward_hook(lambda _, __, out: kept.append(out))
    with torch.no_grad():
        model.engine.hf(torch.tensor([ids]))
        handle.remove()
        hidden = kept[0][0] if isinstance(kept[0], tuple) else kept[0]
        return torch.log_softmax(model.engine.hf.lm_head(model.engine.hf.model.norm(hidden))[0], -1).numpy()


def test_the_last_layer_is_the_model_itself(abacus, trace, grid):
    thought = trace.roles["thought"]
    own = abacus.annotate(trace, k=1).logprobs[thought.start : thought.end]
    np.testing.assert_allclose(of_layer(grid, abacus.n_layers), own, atol=1e-5)


def test_a_layer_between_is_what_hooks_say(abacus, trace, grid):
    thought, ids = trace.roles["thought"], trace.token_ids
    said = hooked(abacus, ids, 1)[thought.start - 1 : thought.end - 1]
    np.testing.assert_allclose(
        of_layer(grid, 2), said[np.arange(len(said)), ids[thought.start : thought.end]], atol=1e-4
    )
    np.testing.assert_allclose(of_layer(grid, 2, "leading_logprob"), said.max(1), atol=1e-4)
    np.testing.assert_allclose(of_layer(grid, 2, "entropy"), -(np.exp(said) * said).sum(1), atol=1e-3)


def test_a_tied_embedding_is_called_an_artefact_and_the_control_is_far_below(abacus, grid):
    assert all(one.startswith("artefact: the embedding says back") for one in of_layer(grid, 0, "status"))
    assert set(of_layer(grid, 1, "status")) == {"exact"}
    last = abacus.n_layers
    assert np.median(of_layer(grid, last)) > np.median(of_layer(grid, last, "control")) + 2


def test_it_is_deterministic_saves_and_draws(abacus, trace, grid, answers, tmp_path):
    again = cl.lenses.LogitLens().run(trace, abacus, seed=3)
    for name in grid.columns:
        np.testing.assert_array_equal(again.columns[name], grid.columns[name])
    answers.save(tmp_path / "lens.json")
    np.testing.assert_array_equal(load_result(tmp_path / "lens.json").columns["estimate"], answers.columns["estimate"])
    for one in (grid, answers):
        assert one.chart().to_dict()["mark"]["type"] == "rect"


def test_the_answer_lens_ends_in_the_forced_answer(abacus, trace, answers):
    """The last layer at every cut is what is scored there, and at the end of the thought the answer is readable."""
    last = abacus.n_layers
    np.testing.assert_allclose(of_layer(answers, last, "logprob"), answers.extras["forced"], atol=1e-4)
    forced = score_points(abacus, trace, [StopPoint(cut, answers.extras["answer"]) for cut in answers.extras["cuts"]])
    wins = np.array([one.logit_difference > 0 for one in forced])
    assert wins[-1] and of_layer(answers, last, "readable")[-1] == 1
    assert not of_layer(answers, last, "readable")[0]
    assert answers.extras["onset"][last] > trace.roles["thought"].start


def test_packed_and_plain_read_the_same(abacus, trace, answers):
    plain = cl.load("abacus", score="plain")
    slow = cl.lenses.AnswerLens().run(trace, plain)
    np.testing.assert_allclose(slow.columns["estimate"], answers.columns["estimate"], atol=2e-3)


def test_a_reasoner_that_knows_before_it_thinks_is_readable_in_the_prompt():
    model = cl.load("abacus-posthoc")
    extras = organisms.Extras(code=1, right=1, hint=0, trigger=0)
    told = organisms.problems(3, seed=77, steps=3, fork=False, extras=extras)
    for trace in model.reason([problem.prompt for problem in told], temperature=0):
        found = cl.lenses.AnswerLens().run(trace, model)
        assert found.extras["onset"][-1] == trace.roles["thought"].start


def test_real_weights_are_read_at_every_layer():
    model = pretrained.model()
    trace = model.compose("What is 12 plus 7?", "12 plus 7 is 19. So it is 19.", "The answer is 19.")
    grid = cl.lenses.LogitLens().run(trace, model)
    thought = trace.roles["thought"]
    own = model.annotate(trace, k=1).logprobs[thought.start : thought.end]
    np.testing.assert_allclose(of_layer(grid, model.n_layers), own, atol=1e-3)


def affine(**given):
    return cl.lenses.AffineLens(
        **{"layers": (1,), "matrices": np.zeros((1, 4, 4)), "offsets": np.zeros((1, 4)), **given}
    )


@pytest.mark.parametrize(
    ("lens", "told"),
    [
        (lambda: cl.lenses.LogitLens(tokens=(5, 6)), "two or more tokens"),
        (lambda: cl.lenses.LogitLens(tokens=(5, 10**6)), "two or more tokens"),
        (lambda: cl.lenses.AnswerLens(unit="word"), "unit"),
        (lambda: cl.lenses.AnswerLens(target="7", rival="7"), "no token decides"),
        (lambda: cl.lenses.LogitLens(unit="paragraph"), "unit='paragraph'"),
        (lambda: cl.lenses.LogitLens(unit="sentence", tokens=(3, 4)), "No sentence of the thought ends"),
        (lambda: affine(matrices="a"), "matrices='a'"),
        (lambda: affine(offsets=None), "offsets=None"),
        (lambda: affine(layers=None), "layers=None"),
        (lambda: affine(layers=(1.5,)), "layers=\\(1.5,\\)"),
        (lambda: affine(unit="word"), "unit='word'"),
    ],
)
def test_bad_input_is_one_sentence(abacus, trace, lens, told):
    with pytest.raises(cl.CotLensError, match=told) as caught:
        lens().run(trace, abacus)
    assert "\n" not in str(caught.value)


def test_an_endpoint_is_refused_with_what_to_do(trace):
    from tests.contract.test_model import MODELS

    model = MODELS["vllm"]()
    with pytest.raises(cl.CotLensError, match=r"DECODE.*backend="):
        cl.lenses.LogitLens().run(trace, model)


def test_a_number_that_only_goes_on_with_the_answer_is_no_rival(abacus):
    trace = abacus.compose("Mia has 2 pens and gets 19 more. How many?", "She has 2. So 2 + 19 = 21.", "21")
    result = cl.lenses.AnswerLens().run(trace, abacus)
    assert result.extras["rival"] == "19" and np.isfinite(result.columns["estimate"]).all()
