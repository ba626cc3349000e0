"""Gradient measures against Captum, and against a plain autograd computation, on the same model."""

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, LayerIntegratedGradients

import cotlens as cl
from cotlens.models.contract import Patch
from tests.model import tiny

TOLERANCE = 1e-4
STEPS = 12
TARGET = "19"


@pytest.fixture(scope="module")
def model():
    return tiny.model("qwen3")


@pytest.fixture(scope="module")
def trace(model):
    return model.compose("Mia has 12 pears.", "First I add 12 and 7. It is 19. So all is said.", "It is 19.")


@pytest.fixture(scope="module")
def whole(model, trace):
    """All ids up to the end of the forced answer, where its value begins, and the thought's slice."""
    thought = trace.roles["thought"]
    answer = model.answer_branch(trace, thought.end, TARGET)
    ids = torch.tensor([[*trace.token_ids[: thought.end], *answer.token_ids]])
    return ids, thought.end + answer.value_start, slice(thought.start, thought.end)


def difference(model, logits, ids, start):
    """The logit difference of ids[start:] in a box, and of its end, per row of a batch, token by token."""
    texts = [model.codec.pieces([token])[0].decode("utf-8", "replace") for token in range(len(model.codec.tokenizer))]
    ends = torch.zeros(logits.shape[-1], dtype=torch.bool)
    ends[: len(texts)] = torch.tensor([text.lstrip().startswith("}") for text in texts])
    rows, values = torch.log_softmax(logits, -1), []
    for row in rows:
        end, onward = row[len(ids) - 1][ends].logsumexp(0), row[len(ids) - 1][~ends].max()
        own = [row[i - 1, ids[i]] for i in range(start, len(ids))]
        rivals = [torch.cat([row[i - 1, : ids[i]], row[i - 1, ids[i] + 1 :]]).max() for i in range(start, len(ids))]
        odds = [sum(own[i:]) + end - rivals[i] for i in range(len(own))]
        values.append(torch.stack([*odds, end - onward]).min())
    return torch.stack(values)


def by_unit(trace, unit, tokens):
    start = trace.roles["thought"].start
    return [tokens[span.start - start : span.end - start].sum() for span in trace.spans(unit)]


@pytest.mark.parametrize("unit", ["token", "sentence"])
def test_gradient_x_input_is_captums(model, trace, whole, unit):
    ids, start, thought = whole
    hf = model.engine.hf
    embeddings = hf.get_input_embeddings()(ids).detach()
    captum = InputXGradient(lambda x: difference(model, hf(inputs_embeds=x).logits, ids[0].tolist(), start))
    expected = captum.attribute(embeddings)[0, thought].sum(-1).detach().numpy()
    result = cl.importance.Gradient(unit=unit, target=TARGET).run(trace, model)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(result.columns["estimate"], by_unit(trace, unit, expected), atol=TOLERANCE, rtol=1e-3)


@pytest.mark.parametrize("unit", ["token", "sentence"])
def test_integrated_gradients_are_captums(model, trace, whole, unit):
    ids, start, thought = whole
    hf, stand_in = model.engine.hf, 5
    baselines = ids.clone()
    baselines[0, thought] = stand_in
    layer = LayerIntegratedGradients(
        lambda x: difference(model, hf(input_ids=x).logits, ids[0].tolist(), start), hf.get_input_embeddings()
    )
    found, delta = layer.attribute(ids, baselines, n_steps=STEPS, method="gausslegendre", return_convergence_delta=True)
    expected = found[0, thought].sum(-1).detach().numpy()
    method = cl.importance.Gradient(
        method="integrated_gradients", unit=unit, target=TARGET, steps=STEPS, baseline=stand_in
    )
    result = method.run(trace, model)
    np.testing.assert_allclose(result.columns["estimate"], by_unit(trace, unit, expected), atol=TOLERANCE, rtol=1e-3)
    assert result.extras["completeness_gap"][0] == pytest.approx(float(delta[0]), abs=10 * TOLERANCE)


def test_integrated_gradients_add_up_with_more_steps(model, trace):
    gaps = []
    for steps in (2, 64):
        method = cl.importance.Gradient(method="integrated_gradients", target=TARGET, steps=steps, baseline="mean",
                                        metric="log_probability")  # fmt: skip
        result = method.run(trace, model)
        gaps.append(abs(result.extras["completeness_gap"][0]))
        whole = result.extras["value"][0] - result.extras["baseline_value"][0]
        assert result.columns["estimate"].sum() == pytest.approx(whole, abs=gaps[-1] + 1e-6)
    assert gaps[1] < 0.1 * gaps[0]


SITES = ("embed", "resid_post.1", "attn_out.0")


@pytest.mark.parametrize("site", SITES)
def test_attribution_patching_is_autograds(model, trace, whole, site):
    ids, start, thought = whole
    hf, other = model.engine.hf, trace.replace(trace.spans("token")[6], [trace.token_ids[3]])
    module = {
        "embed": hf.model.embed_tokens,
        "resid_post.1": hf.model.layers[1],
        "attn_out.0": hf.model.layers[0].self_attn,
    }
    seen = []

    def keep(_, __, output):
        seen.append(output[0] if isinstance(output, tuple) else output)

    handle = module[site].register_forward_hook(keep)
    try:
        hf(torch.tensor([other.token_ids[: thought.stop]]))
        value = difference(model, hf(ids).logits, ids[0].tolist(), start)[0]
    finally:
        handle.remove()
    there, here = seen
    slope = torch.autograd.grad(value, here)[0]
    expected = ((here[0, thought] - there[0, thought]) * slope[0, thought]).sum(-1).detach().numpy()
    method = cl.importance.Gradient(method="attribution_patching", site=site, counterfactual=other, target=TARGET)
    result = method.run(trace, model)
    np.testing.assert_allclose(result.columns["estimate"], expected, atol=TOLERANCE, rtol=1e-3)


def test_attribution_patching_approaches_exact_patching_for_small_changes(model, trace):
    """Patch a hundredth of the way: the first order then is nearly all there is."""
    thought = trace.roles["thought"]
    other = trace.replace(trace.spans("token")[6], [trace.token_ids[3]])
    answer = model.answer_branch(trace, thought.end, TARGET)
    site, share = "resid_post.1", 0.01
    here = model.gradient(trace, answer, site)
    there = model.read(other, site)[site]
    at = thought.start + 6
    small = here.activations[site][at] + share * (there[at] - here.activations[site][at])
    exact = here.value - model.gradient(trace, answer, site, interventions=Patch(1, (at,), small[None])).value
    method = cl.importance.Gradient(method="attribution_patching", site=site, counterfactual=other, target=TARGET)
    estimate = method.run(trace, model).columns["estimate"][6]
    assert abs(exact) > 1e-4
    assert share * estimate == pytest.approx(exact, rel=0.05)


def test_it_says_what_it_is(model, trace, tmp_path):
    other = trace.replace(trace.spans("token")[6], [trace.token_ids[3]])
    method = cl.importance.Gradient(method="attribution_patching", counterfactual=other, target=TARGET, unit="sentence")
    result = method.run(trace, model)
    assert result.extras["edit_type"] == "first-order estimate"
    assert set(result.columns["status"]) == {"exact"}
    result.save(tmp_path / "result.json")
    back = cl.load_result(tmp_path / "result.json")
    assert back.provenance == result.provenance
    assert other.id in str(back.provenance.settings["counterfactual"])
    spent, most = result.provenance.cost, method.cost(trace)
    assert 0 < spent.tokens <= most.tokens
    assert 0 < spent.forwards <= most.forwards


def test_bad_settings_are_refused(model, trace):
    longer = trace.insert(trace.spans("token")[6], "two more words ")
    patching = {"method": "attribution_patching", "target": TARGET}
    for settings, said in [
        ({"method": "gradients"}, "gradient_x_input"),
        ({"method": "integrated_gradients", "site": "resid_post.1"}, "baseline"),
        ({"method": "integrated_gradients", "baseline": "zeros"}, "zero"),
        ({"steps": 0}, "at least 1"),
        (patching, "counterfactual"),
        ({"counterfactual": trace}, "counterfactual"),
        ({**patching, "counterfactual": longer}, "position by position"),
    ]:
        with pytest.raises(cl.CotLensError, match=said):
            cl.importance.Gradient(**settings).run(trace, model)
