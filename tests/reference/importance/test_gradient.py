"""Gradient measures against Captum, and against a plain autograd computation, on the same model."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, LayerIntegratedGradients

import cotlens as cl
from cotlens.measure.importance.shared.path_integral import integrate
from cotlens.models.contract import Patch
from tests.model import tiny

TOLERANCE = 1e-4
STEPS = 300
TARGET = "19"
QUESTION = "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?"


@pytest.fixture(scope="module")
def model():
    return tiny.model("qwen3")


@pytest.fixture(scope="module")
def trace(model):
    composed = model.compose("Mia has 12 pears.", "First I add 12 and 7. It is 19. So all is said.", "It is 19.")
    return replace(composed, reader=cl.answers.Boxed())  # `_scored` knows where boxes end


@pytest.fixture(scope="module")
def whole(model, trace):
    """All ids up to the end of the forced answer, where its value begins, and the thought's slice."""
    thought = trace.roles["thought"]
    answer = model.answer_branch(trace, thought.end, TARGET)
    ids = torch.tensor([[*trace.token_ids[: thought.end], *answer.token_ids]])
    return ids, thought.end + answer.value_start, slice(thought.start, thought.end)


def _scored(model, logits, ids, start):
    """Per row of a batch: log-probabilities of ids[start:] in a box, of their best rivals, of its end, of going on."""
    texts = [model.codec.pieces([token])[0].decode("utf-8", "replace") for token in range(len(model.codec.tokenizer))]
    ends = torch.zeros(logits.shape[-1], dtype=torch.bool)
    ends[: len(texts)] = torch.tensor([text.lstrip().startswith("}") for text in texts])
    for row in torch.log_softmax(logits, -1):
        own = [row[i - 1, ids[i]] for i in range(start, len(ids))]
        rivals = [torch.cat([row[i - 1, : ids[i]], row[i - 1, ids[i] + 1 :]]).max() for i in range(start, len(ids))]
        last = row[len(ids) - 1]
        yield own, rivals, last[ends].logsumexp(0), last[~ends].max()


def log_probability(model, logits, ids, start):
    """Of ids[start:] and their end, per row of a batch."""
    return torch.stack([sum(own) + end for own, _, end, _ in _scored(model, logits, ids, start)])


def difference(model, logits, ids, start):
    """The logit difference of ids[start:], and of its end, per row of a batch, token by token."""
    values = []
    for own, rivals, end, onward in _scored(model, logits, ids, start):
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
        lambda x: log_probability(model, hf(input_ids=x).logits, ids[0].tolist(), start), hf.get_input_embeddings()
    )
    found, delta = layer.attribute(
        ids, baselines, n_steps=STEPS, method="gausslegendre", return_convergence_delta=True, internal_batch_size=50
    )
    expected = found[0, thought].sum(-1).detach().numpy()
    method = cl.importance.Gradient(
        method="integrated_gradients", unit=unit, target=TARGET, baseline=stand_in, metric="log_probability",
        tolerance=1e-4, steps=2 * STEPS,
    )  # fmt: skip
    result = method.run(trace, model)
    assert abs(float(delta[0])) < 1e-3, "Captum's own figure isn't converged"
    assert all(status.startswith("converged") for status in result.columns["status"])
    np.testing.assert_allclose(result.columns["estimate"], by_unit(trace, unit, expected), atol=1e-3, rtol=1e-3)


def steep(place):
    """ln(a + .0001) + 3 |a - .3|, in two tokens: steep at 0 as under a norm, and with a kink."""
    slopes = np.array([1 / (place + 1e-4), 3 * np.sign(place - 0.3)])
    return np.log(place + 1e-4) + 3 * abs(place - 0.3), slopes


def test_points_gather_where_the_path_is_steep():
    right, rows = np.array([np.log(1.0001 / 1e-4), 1.2]), [slice(0, 1), slice(1, 2)]
    poor = integrate(steep, rows, tolerance=0.01, least=0.1, points=33)
    good = integrate(steep, rows, tolerance=0.01, least=0.1, points=257)
    assert not poor.converged and poor.points == 33 and good.converged and good.points < 100
    for found in (poor, good):
        assert (np.abs(found.tokens - right) <= found.errors).all()
        assert found.gap == pytest.approx((found.tokens - right).sum())
    assert abs(good.gap) < 0.01 * good.change < abs(poor.gap)


def test_what_cancels_in_the_sum_is_still_seen_in_the_rows():
    def at(place):
        wave = 40 * np.sin(40 * place)
        return place, np.array([1 + wave, -wave])

    alone = integrate(at, [slice(0, 1), slice(1, 2)], tolerance=0.01, least=0.1, points=1000)
    both = integrate(at, [slice(0, 2)], tolerance=0.01, least=0.1, points=1000)
    assert both.points == 5 and alone.points > 50 and alone.converged
    np.testing.assert_allclose(alone.tokens, [2 - np.cos(40), np.cos(40) - 1], atol=0.01)


@pytest.mark.parametrize("baseline", ["mean", "zero"])
@pytest.mark.parametrize("metric", ["log_probability", "logit_difference"])
def test_integrated_gradients_say_whether_they_converged(baseline, metric):
    """On the shipped model, with its own thought: as many points as are needed, or a status that says no."""
    abacus = cl.load("abacus", store=False)
    thought = "Mia starts with 12 pears. Then 12 + 7 = 19. She gives 4 away, so 19 - 4 = 15."
    own = cl.Trace.from_text(QUESTION, thought, "The answer is 15.", model=abacus)
    settings = {"method": "integrated_gradients", "unit": "sentence", "metric": metric, "baseline": baseline}
    few, most = (cl.importance.Gradient(**settings, steps=steps).run(own, abacus) for steps in (9, 513))
    change = most.extras["value"][0] - most.extras["baseline_value"][0]
    assert set(few.columns["status"]) != {"exact"} and few.columns["status"][0].startswith("not converged: the sum is")
    assert most.columns["status"][0].startswith("converged: the sum is off by")
    off, before = (abs(result.columns["estimate"].sum() - change) for result in (most, few))
    assert off <= 0.01 * max(abs(change), 0.1) and off < before
    for result in (few, most):
        gap = result.columns["estimate"].sum() - change
        assert result.extras["completeness_gap"][0] == pytest.approx(gap, abs=1e-6)
        assert (result.columns["high"] - result.columns["estimate"] >= abs(gap) - 1e-6).all()
    inside = (most.columns["estimate"] >= few.columns["low"]) & (most.columns["estimate"] <= few.columns["high"])
    assert inside.all(), "the numerical error of few points covers what more points find"


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
    really = result.extras["value"][0] - result.extras["counterfactual_value"][0]
    said = (
        f"first order: sums to {result.extras['tokens'].sum():.3g}, where patching the whole thought takes {really:.3g}"
    )
    assert set(result.columns["status"]) == {said}
    assert np.isnan(result.columns["low"]).all() and np.isnan(result.columns["high"]).all(), "no error is known"
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
        ({"tolerance": 0}, "between 0 and 1"),
        (patching, "counterfactual"),
        ({"counterfactual": trace}, "counterfactual"),
        ({**patching, "counterfactual": longer}, "position by position"),
    ]:
        with pytest.raises(cl.CotLensError, match=said):
            cl.importance.Gradient(**settings).run(trace, model)
