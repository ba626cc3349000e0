"""Measures of a model that is mostly recurrent: what they say, in how many layers, and that it is what it should be."""

import importlib.util
import logging
import re

import numpy as np
import pytest
import torch
from transformers.utils import logging as transformers_logging

import cotlens as cl
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.evidence import evidence
from cotlens.models.contract import EVER, BlockAttention, Branch
from cotlens.models.local.model import LocalModel
from tests.model import hybrids, tiny
from tests.reference.importance.test_suppression import THOUGHT

ATTENTION = ("qwen3_5", "lfm3")
families = pytest.mark.parametrize("name", ATTENTION)


def trace_of(model):
    return model.compose("Mia has 12 pears.", THOUGHT, "It is 19.")


def distributions(model, ids, hidden=()):
    """What is expected after each token, float64: hooks on the attention modules mask the keys of hidden tokens."""
    hf, layout, n = model.engine.hf, model.engine.layout, len(ids)
    at = np.arange(n)

    def masked(layer):
        def before(module, args, kwargs):
            allowed = np.tril(np.ones((n, n), bool))
            if layout.kinds[layer] == "sliding_attention":
                allowed &= at[:, None] - at[None] < layout.window
            for key in hidden:
                allowed[max(hidden) + 1 :, key] = False
            kwargs["attention_mask"] = torch.zeros(1, 1, n, n).masked_fill(
                ~torch.tensor(allowed), torch.finfo(torch.float32).min
            )
            return args, kwargs

        return before

    hooks = [
        hf.get_submodule(layout.attention[layer]).register_forward_pre_hook(masked(layer), with_kwargs=True)
        for layer in model.engine.attending
    ]
    with torch.no_grad():
        logits = hf(torch.tensor([ids]), use_cache=False).logits[0].double()
    for hook in hooks:
        hook.remove()
    return torch.softmax(logits, -1).numpy()


@families
def test_suppression_is_of_the_attention_layers(name):
    model = hybrids.model(name)
    trace = trace_of(model)
    result = cl.importance.Suppression().run(trace, model)
    some = model.attention_layers
    assert result.extras["edit_type"] == f"attention-level, in {some} of 3 layers"
    assert evidence(result.extras["edit_type"]) == evidence("attention-level")
    spans, ids = trace.spans("sentence"), trace.token_ids[: trace.roles["thought"].end]
    base = distributions(model, ids)
    for s in (0, 2):
        without = distributions(model, ids, range(spans[s].start, spans[s].end))
        for t in range(s + 1, len(spans)):
            mine = slice(spans[t].start, spans[t].end)
            kl = np.sum(base[mine] * np.log(base[mine] / without[mine]), -1).mean()
            assert result.extras["kl"][t, s] == pytest.approx(kl, rel=2e-3, abs=1e-6)


@families
def test_heads_are_those_of_the_attention_layers(name):
    model = hybrids.model(name)
    trace, ids = trace_of(model), list(trace_of(model).token_ids)
    patterns = model.attention(trace)
    assert sorted({layer for layer, _ in patterns}) == list(model.engine.attending)
    before = model.engine.hf.config._attn_implementation
    model.engine.hf.set_attn_implementation("eager")
    with torch.no_grad():
        expected = model.engine.hf(torch.tensor([ids]), output_attentions=True, use_cache=False).attentions
    model.engine.hf.set_attn_implementation(before)
    there = [part for part in expected if part is not None and part.shape[-1] == part.shape[-2] == len(ids)]
    for layer, weights in zip(model.engine.attending, there, strict=True):
        np.testing.assert_allclose(patterns[layer, 1], weights[0, 1].numpy(), atol=1e-5)
    result = cl.importance.ReceiverHeads(proximity=1, top=3).run(trace, model)
    assert result.extras["edit_type"] == f"attention-level, observed, in {model.attention_layers} of 3 layers"
    assert evidence(result.extras["edit_type"]) == evidence("attention-level, observed")
    with pytest.raises(InputError, match="keeps a state"):
        model.attention(trace, heads=[(0, 0)])


@pytest.mark.parametrize(("name", "layers"), [("qwen3_5", 1), ("falcon_h1", 3)])
def test_direct_hiding_says_where_it_hides(name, layers):
    """Also where every layer has attention, beside a state."""
    model = hybrids.model(name)
    trace = trace_of(model)
    result = cl.importance.Occlusion(unit="sentence", effect="direct").run(trace, model)
    told = f"attention-level, in {layers} of 3 layers; the recurrent state still holds it"
    assert result.extras["edit_type"] == told and not model.hides_whole
    assert set(result.columns["status"]) == {"exact"} and np.abs(result.columns["estimate"]).max() > 0
    total = cl.importance.Occlusion(unit="sentence", effect="total").run(trace, model)
    assert total.extras["edit_type"] == "attention-level"
    assert np.abs(total.columns["estimate"] - result.columns["estimate"]).max() > 1e-3


def test_direct_hiding_is_refused_where_nothing_attends():
    model = hybrids.model("mamba")
    trace = trace_of(model)
    with pytest.raises(CapabilityError, match=r"no layer of this model has attention.*effect='total'"):
        cl.importance.Occlusion(unit="sentence").run(trace, model)
    for measure in (cl.importance.Suppression(), cl.importance.ReceiverHeads()):
        with pytest.raises(CapabilityError, match="no layer of this model has attention"):
            measure.run(trace, model)
    result = cl.importance.Occlusion(unit="sentence", effect="total").run(trace, model)
    assert set(result.columns["status"]) == {"exact"}


@pytest.mark.parametrize("name", ["qwen3_5", "mamba", "lfm3"])
def test_groups_are_left_out_together(name):
    """Equal to scores of the text without all copies, at the places where the others stood."""
    model = hybrids.model(name)
    trace = model.compose("Mia has 12 pears.", "First 12 and 7. Then 7 and 12 again. It is 19 now.", "It is 19.")
    result = cl.importance.Occlusion(groups="values", effect="total").run(trace, model)
    assert set(result.columns["status"]) == {"exact"} and result.columns["copies"].max() == 2


def test_blocks_of_one_layer_that_keeps_a_state_do_nothing():
    model = hybrids.model("qwen3_5")
    trace = trace_of(model)
    end = trace.roles["thought"].end
    span = trace.spans("sentence")[0]
    blocks = [
        BlockAttention(range(span.end, EVER), range(span.start, span.end), layers) for layers in (None, (1,), (0,))
    ]
    moved = model.divergence(trace, blocks, [(span.end, end)])
    assert moved.kl[0, 0] == pytest.approx(moved.kl[1, 0], rel=1e-4) and moved.kl[0, 0] > 1e-6
    assert moved.kl[2, 0] == pytest.approx(0, abs=1e-9)


@pytest.mark.skipif(importlib.util.find_spec("fla") is not None, reason="flash-linear-attention is installed here")
def test_a_hybrid_without_its_kernels_says_so_and_how_slow_it_is():
    hf, tokenizer = hybrids.model("qwen3_5").engine.hf, hybrids.model("qwen3_5").engine.tokenizer
    with pytest.warns(UserWarning, match="could be quicker.*run without kernels") as heard:
        model = LocalModel(hf, tokenizer, store=False)
    assert str(heard[0].message).endswith(model.slow) and model.slow.count(". ") == 0
    assert "flash-linear-attention" in model.slow and "not installed" in model.slow
    assert float(re.search(r"about ([\d.]+(?:e\+\d+)?) times as long", model.slow)[1]) >= 1
    assert LocalModel(hf, tokenizer, store=False).slow.split("about")[0] == model.slow.split("about")[0]
    assert tiny.model("qwen3").slow == ""
    # what transformers would say of the same packages when the model first writes is no news
    said = transformers_logging.get_logger("transformers.integrations.hub_kernels")
    said.warning_once.__func__.cache_clear()
    printed: list[str] = []
    listening = logging.Handler()
    listening.emit = lambda record: printed.append(record.getMessage())
    said.addHandler(listening)
    model.reason("Mia has 12 pears.", max_new_tokens=2, seed=0)
    said.removeHandler(listening)
    assert printed == []


@pytest.mark.parametrize("name", ["qwen3_5", "lfm3"])
def test_more_text_than_the_context_is_one_sentence(name):
    model = hybrids.model(name)
    assert model.context_length == tiny.CONTEXT
    trunk = [5] * (tiny.CONTEXT - 2)
    for ask in (
        lambda: model.score(trunk, [Branch(tiny.CONTEXT - 2, (1, 2, 3), given=1)]),
        lambda: model.score(trunk, [Branch(tiny.CONTEXT - 4, (1, 2), left_out=(tiny.CONTEXT - 4, 509, 511))]),
        lambda: model.reason("Mia has 12 pears. " * tiny.CONTEXT),
        lambda: model.annotate(model.compose("Mia has 12 pears.", "I add 1. " * tiny.CONTEXT, "19")),
    ):
        with pytest.raises(InputError, match=r"512|context") as error:
            ask()
        assert "\n" not in str(error.value) and str(error.value).endswith(".")
