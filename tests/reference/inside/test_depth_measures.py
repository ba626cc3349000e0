"""What is measured by depth, held to the loops of plain tensors that `tests/model/looped.py` writes out."""

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.answers.forms import form_of
from cotlens.measure.latent import depth
from cotlens.trace import Number
from tests.model import looped, tiny

FAMILIES = ("huginn", "ouro")
THOUGHT = "First I add 12 and 7. It is 19."


@pytest.fixture(scope="module", params=FAMILIES)
def asked(request, tmp_path_factory):
    """(family, model, trace)."""
    model = cl.load(looped.write(tmp_path_factory.mktemp("looped"), request.param), reader=Number())
    return request.param, model, model.compose("Mia has 12 pears and buys 7.", THOUGHT, "The answer is 19.")


def known(family, model, ids, steps):
    """Log-probabilities at every token, [n, vocabulary]."""
    drawn = model.engine.hf.model.drawn
    state = None if drawn is None else drawn(torch.arange(len(ids))[None])[0]
    logits, _ = looped.run(family, looped.trained(family)[0], list(ids), steps, state)
    return torch.log_softmax(logits, -1).numpy()


def test_the_lens_is_the_end_of_a_model_of_fewer_steps(asked):
    family, model, trace = asked
    found = cl.latent.DepthLens().run(trace, model).columns
    start, end = trace.roles["thought"].start, trace.roles["thought"].end
    assert sorted(set(found["layer"])) == list(range(1, model.depth.steps + 1))
    for step in range(1, model.depth.steps + 1):
        at = found["layer"] == step
        wanted = known(family, model, trace.token_ids, step)[start - 1 : end - 1]
        own = wanted[np.arange(end - start), list(trace.token_ids[start:end])]
        np.testing.assert_allclose(found["estimate"][at], own, atol=3e-4)
        np.testing.assert_allclose(found["entropy"][at], -(np.exp(wanted) * wanted).sum(1), atol=3e-4)
        np.testing.assert_array_equal(found["rank"][at], (wanted > own[:, None]).sum(1))


def test_the_last_step_says_what_the_model_predicts(asked):
    _, model, trace = asked
    found = cl.latent.DepthLens().run(trace, model).columns
    start, end = trace.roles["thought"].start, trace.roles["thought"].end
    last = found["estimate"][found["layer"] == model.depth.steps]
    np.testing.assert_allclose(last, model.annotate(trace).logprobs[start:end], atol=2e-6)


def test_one_pass_tells_what_a_pass_for_each_step_does(asked):
    """Where there is no coda: the state after a step, through norm and head once, is that model's own end."""
    family, model, trace = asked
    if family == "huginn":
        bare = cl.lenses.LogitLens().run(trace, model).columns
        coda = cl.latent.DepthLens(steps=[1]).run(trace, model).columns
        skipped = bare["estimate"][bare["layer"] == model.depth.before + model.depth.layers]
        assert np.abs(skipped - coda["estimate"]).max() > 0.1  # a lens that leaves out the coda is another
        return
    before = model.meter.snapshot()
    quick = dict(depth.ends(model, trace, range(len(trace.token_ids)), (1, 2, 3, 4)))
    assert model.meter.since(before).forwards == 1
    for step, vectors in quick.items():
        deep = model.at_depth(step)
        [slow] = deep.read(trace, f"resid_post.{deep.n_layers - 1}").values()
        np.testing.assert_allclose(vectors, slow, atol=1e-5)


def test_the_answer_by_depth_is_the_forced_answer_of_that_depth(asked):
    family, model, trace = asked
    result = cl.latent.DepthAnswer().run(trace, model)
    found, cuts = result.columns, result.extras["cuts"]
    assert result.extras["answer"] == "19"
    form = form_of(trace, model, None)
    for step in range(1, model.depth.steps + 1):
        for place, cut in enumerate(cuts):
            branch = model.answer_branch(trace, int(cut), "19", form)
            ids = (*trace.token_ids[: int(cut)], *branch.token_ids)
            told = known(family, model, ids, step)
            first, last = int(cut) + branch.value_start, int(cut) + branch.value_end
            own = sum(told[at - 1, ids[at]] for at in range(first, last))
            row = np.flatnonzero(found["layer"] == step)[place]
            assert found["logprob"][row] <= own + 1e-3  # that the answer ends there is asked, too
            if branch.ending is None:
                assert found["logprob"][row] == pytest.approx(own, abs=1e-3)
    early = cl.importance.EarlyAnswer(unit="sentence", metric="log_probability").run(trace, model.at_depth(2))
    at = np.flatnonzero(found["layer"] == 2)
    np.testing.assert_allclose(found["logprob"][at[[0, -1]]], early.extras["curve_metric"][[0, -1]], atol=1e-4)


def test_a_sentence_that_stops_is_one_whose_state_is_held(asked):
    """By hooks on the module itself; and the whole thought held at its own states moves nothing."""
    _, model, trace = asked
    result = cl.latent.DepthStop(metric="log_probability").run(trace, model)
    found, deep = result.columns, model.depth
    assert found["floor"][0] < 1e-4
    assert sorted(set(found["layer"])) == list(range(1, deep.steps))
    span, states = trace.spans("sentence")[0], cl.latent.depth_states(trace, model)
    hf, handles = model.engine.hf, []
    for later in range(2, deep.steps + 1):

        def hold(module, args, output):
            output = output.clone()
            output[:, span.start : span.end] = torch.from_numpy(states[span.start : span.end, 0])
            return output

        handles.append(hf.model.layers[deep.before + later * deep.layers - 1].register_forward_hook(hold))
    branch = model.answer_branch(trace, trace.roles["thought"].end, "19")
    ids = [*trace.token_ids[: trace.roles["thought"].end], *branch.token_ids]
    with torch.no_grad():
        told = torch.log_softmax(hf(input_ids=torch.tensor([ids])).logits[0], -1)
        for handle in handles:
            handle.remove()
        whole = torch.log_softmax(hf(input_ids=torch.tensor([ids])).logits[0], -1)
    first = trace.roles["thought"].end + branch.value_start
    if branch.ending is None:
        moved = float(whole[first - 1, ids[first]] - told[first - 1, ids[first]])
        assert found["estimate"][0] == pytest.approx(moved, abs=1e-3)
    assert np.abs(found["estimate"]).max() > 1e-3


def test_results_are_kept_and_drawn(asked, tmp_path):
    _, model, trace = asked
    for method in (cl.latent.DepthLens(unit="sentence"), cl.latent.DepthAnswer(), cl.latent.DepthStop()):
        result = method.run(trace, model)
        result.save(tmp_path / "one.result")
        again = cl.load_result(tmp_path / "one.result")
        np.testing.assert_array_equal(again.columns["estimate"], result.columns["estimate"])
        assert result.provenance.cost.forwards <= method.cost(trace).forwards
        assert result.provenance.cost.tokens <= method.cost(trace).tokens
        assert result.chart().to_dict()["data"]
        assert len(cl.LensGrid(result).summary()) > 50


def test_other_measures_take_it_as_any_model(asked):
    _, model, trace = asked
    deep = model.at_depth(2)
    for method in (cl.importance.Occlusion(unit="sentence"), cl.lenses.LogitLens(unit="sentence")):
        assert np.isfinite(method.run(trace, deep).columns["estimate"]).all()
    assert deep.attention(trace, heads=[(deep.n_layers - 1, 0)]) is not None


def test_one_sentence_each(asked):
    family, model, trace = asked
    with pytest.raises(InputError, match="trained"):
        cl.latent.DepthLens(steps=[model.depth.trained + 1]).run(trace, model)
    with pytest.raises(InputError, match="numbers from 1"):
        cl.latent.DepthLens(steps=[0])
    with pytest.raises(InputError, match="steps"):
        cl.latent.DepthAnswer(steps="all")
    with pytest.raises(InputError, match="before the last"):
        cl.latent.DepthStop(steps=[model.depth.steps]).run(trace, model)
    with pytest.raises(InputError, match="before the last"):
        cl.latent.DepthStop().run(trace, model.at_depth(1))
    for method in (cl.latent.DepthLens(), cl.latent.DepthAnswer(), cl.latent.DepthStop()):
        with pytest.raises(CapabilityError, match="once"):
            method.run(trace, tiny.model("qwen3"))
    if family == "huginn":  # deeper than it is loaded, and within its training
        found = cl.latent.DepthLens(steps=[3, 6], unit="sentence").run(trace, model).columns
        assert sorted(set(found["layer"])) == [3, 6]
