"""What is tried when a model is loaded: claims that hold, claims that don't, and what is said of them."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

import cotlens as cl
from cotlens._core.errors import CapabilityError
from cotlens.models.contract import Ablate, AddVector, Branch, Capability, Patch
from cotlens.models.load import load
from tests import pretrained
from tests.model import tiny

IDS = (5, 9, 14, 22, 31, 8, 40)
VECTOR = np.random.default_rng(2).normal(size=32).astype(np.float32)
HOLDS = (
    *tiny.FAMILIES, "qwen3_next", "qwen2", "qwen3_5", "llama3", "deepseek_v3", "gemma2", "gemma3_images", "mistral3",
    "seed_oss", "phi3_long", "nemotron_h", "mamba", "granite", "cohere",
)  # fmt: skip
STREAMS = "has the shape [4, 1, 6, 32] for 6 tokens, and not one vector of 32 numbers per token"


def refused(model):
    """Use -> the kinds of places it is refused at."""
    uses = {}
    for use, kind in model.engine.layout.refused:
        uses.setdefault(use, set()).add(kind)
    return uses


@pytest.mark.parametrize("family", HOLDS)
def test_nothing_is_refused_that_holds(family):
    model = tiny.model(family)
    assert not model.engine.layout.refused
    assert Capability.READ | Capability.WRITE | Capability.GRADIENT in model.capabilities


def test_several_streams_are_refused_and_parts_are_not():
    """Gemma 3n: what passes between its layers are four streams, of which no vector is the residual stream."""
    model = load(tiny.pair("gemma3n"), store=False)
    assert refused(model) == {
        "read": {"resid_post"}, "write": {"resid_post", "embed"}, "gradient": {"resid_post", "embed"},
        "unembed": {"resid_post"}, "decode": {"resid_post"},
    }  # fmt: skip
    branch = Branch(4, IDS[4:])
    trace = model.compose("Hi.", "One. Two.", "2")
    answer = model.answer_branch(trace, trace.roles["thought"].end, "2")
    for ask in (
        lambda: model.read(IDS, "resid_post.1"),
        lambda: model.score(IDS, [branch], interventions=AddVector(1, VECTOR, (2,))),
        lambda: model.score(IDS, [branch], interventions=Ablate(1, (2,), site="resid_post")),
        lambda: model.gradient(trace, answer, "resid_post.1"),
        lambda: model.unembed(VECTOR[None]),
    ):
        with pytest.raises(CapabilityError, match="in this model: what comes out there has the shape") as caught:
            ask()
        assert STREAMS in str(caught.value)
    with pytest.raises(CapabilityError, match=r"resid_post can't be read.*use embed or attn_out or mlp_out or heads"):
        model.read(IDS, "resid_post.0")
    path = model.engine.layout.attention[1]
    np.testing.assert_allclose(model.read(IDS, "attn_out.1")["attn_out.1"], output_of(model, path)[0], atol=1e-4)


@pytest.mark.parametrize("family", ["gemma3n", "gemma4", "gemma4_shared"])
def test_an_embedding_that_is_not_all_of_a_token_is_not_changed(family):
    """With inputs per layer a token is not replaced by replacing its embedding, which measures would claim."""
    model = load(tiny.pair(family), store=False)
    trace = model.compose("Hi.", "It is 19. So all is said.", "It is 19.")
    for method in (
        cl.importance.Occlusion(mode="mean", target="19"),
        cl.importance.Gradient(method="integrated_gradients", target="19"),
        cl.importance.Gradient(target="19"),
    ):
        with pytest.raises(CapabilityError, match="other ways than its embedding too"):
            method.run(trace, model)
    assert model.read(IDS, "embed")["embed"].shape == (len(IDS), 32)


def output_of(model, path):
    seen = []
    handle = model.engine.hf.get_submodule(path).register_forward_hook(
        lambda _, __, output: seen.append(output[0] if isinstance(output, tuple) else output)
    )
    try:
        with torch.no_grad():
            model.engine.hf(torch.tensor([IDS]))
    finally:
        handle.remove()
    return seen[0].numpy()


def test_a_part_that_holds_the_stream_is_no_part():
    """Bloom adds the stream within its attention and its MLP: ablating them would take everything away."""
    model = load(tiny.pair("bloom"), store=False)
    assert refused(model) == {use: {"attn_out", "mlp_out"} for use in ("read", "write", "gradient")}
    with pytest.raises(CapabilityError, match="the whole stream that comes out there"):
        model.score(IDS, [Branch(4, IDS[4:])], interventions=Ablate(0, (2,)))


def test_embeddings_of_another_width_are_no_vectors_of_the_stream():
    model = load(tiny.pair("opt"), store=False)
    assert refused(model)["read"] == {"embed"}
    with pytest.raises(CapabilityError, match=r"embed can't be read.*\[1, 6, 16\]"):
        model.read(IDS, "embed")
    assert model.read(IDS, "resid_post.0")["resid_post.0"].shape == (len(IDS), 32)


@pytest.mark.parametrize("family", ["qwen3", "gpt2", "gemma2", "gemma4", "granite", "cohere", "olmo3"])
def test_what_a_direction_adds_to_the_logits_is_what_adding_it_does(family):
    """Two streams of one norm in the last place: their logits differ by what their difference is said to add."""
    model = load(tiny.pair(family), store=False)
    drawn = np.random.default_rng(3).normal(size=(2, 32))
    drawn -= drawn.mean(1, keepdims=True)
    streams = (drawn / drawn.std(1, keepdims=True)).astype(np.float32)
    hf, last, rows = model.engine.hf, model.n_layers - 1, []
    for stream in streams:
        handle = hf.get_submodule(model.engine.layout.layers[last]).register_forward_hook(placed(stream))
        with torch.no_grad():
            rows.append(hf(torch.tensor([IDS])).logits[0, -1].numpy())
        handle.remove()
    if cap := getattr(hf.config, "final_logit_softcapping", None):
        rows = [cap * np.arctanh(row / cap) for row in rows]
    said = model.unembed(streams[1:] - streams[:1])[0]
    assert np.abs(said).max() > 0.1
    np.testing.assert_allclose(said, rows[1] - rows[0], atol=2e-3 * np.abs(said).max() + 1e-4)


def placed(stream):
    def hook(module, args, output):
        value = (output[0] if isinstance(output, tuple) else output).clone()
        value[:, -1] = torch.from_numpy(stream)
        return (value, *output[1:]) if isinstance(output, tuple) else value

    return hook


@pytest.mark.parametrize("family", ["roberta", "bart", "opt", "bloom", "granite", "cohere", "gemma3n"])
def test_scores_are_the_models_own_whatever_it_is_made_of(family):
    """RoBERTa counts positions from 2 on: told to count from 0, it gives other numbers and no error."""
    model = load(tiny.pair(family), store=False)
    with torch.no_grad():
        rows = torch.log_softmax(model.engine.hf(torch.tensor([IDS])).logits[0].float(), -1)
    expected = [rows[i - 1, IDS[i]].item() for i in range(3, len(IDS))]
    np.testing.assert_allclose(model.score(IDS, [Branch(3, IDS[3:])])[0].logprobs, expected, atol=1e-4)
    written = model.reason("How many?", max_new_tokens=5, seed=1)
    again = model.annotate(written, k=1)
    begin = written.meta["begin"]
    np.testing.assert_allclose(written.logprobs[begin:], again.logprobs[begin:], atol=1e-4)


def fresh(family="llama"):
    hf, tokenizer = tiny.pair(family)
    new = AutoModelForCausalLM.from_config(hf.config).eval()
    new.load_state_dict(hf.state_dict())
    return new, tokenizer


def test_a_stream_that_is_changed_between_layers_is_found_out():
    hf, tokenizer = fresh()
    hf.model.layers[1].register_forward_pre_hook(lambda _, args: (args[0] * 1.5, *args[1:]))
    model = load((hf, tokenizer), store=False)
    assert "resid_post" in refused(model)["read"]
    with pytest.raises(CapabilityError, match="not what goes into the next"):
        model.read(IDS, "resid_post.0")


def test_a_token_that_comes_in_by_another_way_is_found_out():
    hf, tokenizer = fresh()
    ids = []
    hf.model.register_forward_pre_hook(lambda _, args, kwargs: ids.append(kwargs["input_ids"]), with_kwargs=True)
    layer = hf.model.layers[2]
    own = layer.forward
    layer.forward = lambda *args, **kwargs: own(*args, **kwargs) + 0.1 * (ids[-1] % 7)[..., None]
    model = load((hf, tokenizer), store=False)
    assert refused(model) == {"write": {"embed"}, "gradient": {"embed"}}


def test_logits_that_are_bent_afterwards_are_found_out():
    hf, tokenizer = fresh()
    hf.lm_head.register_forward_hook(lambda _, __, output: output.abs().sqrt() * output.sign())
    model = load((hf, tokenizer), store=False)
    with pytest.raises(CapabilityError, match="Directions can't be read as logits"):
        model.unembed(VECTOR[None])


def test_where_nothing_is_left_the_capability_goes():
    """A hook set before loading works on what nnsight sees after it: nothing read there would be what goes on."""
    hf, tokenizer = fresh()
    parts = [one for layer in hf.model.layers for one in (layer, layer.self_attn, layer.mlp)]
    for part in (hf.model.embed_tokens, *parts):
        part.register_forward_hook(doubled)
    model = load((hf, tokenizer), store=False)
    assert not (Capability.READ | Capability.WRITE | Capability.GRADIENT) & model.capabilities
    assert Capability.SCORE in model.capabilities
    trace = model.compose("Hi.", "It is 19. So all is said.", "It is 19.")
    with pytest.raises(CapabilityError, match="Gradient needs GRADIENT"):
        cl.importance.Gradient(target="19").run(trace, model)
    with pytest.raises(CapabilityError, match="use another model"):
        model.read(IDS, "embed")


def doubled(module, args, output):
    return (2 * output[0], *output[1:]) if isinstance(output, tuple) else 2 * output


def test_a_model_without_numbers_is_not_judged():
    hf, tokenizer = fresh()
    with torch.no_grad():
        hf.lm_head.weight[0, 0] = float("nan")
    assert not load((hf, tokenizer), store=False).engine.layout.refused


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_rounding_refuses_nothing(dtype):
    for family in ("qwen3_moe", "gemma3"):
        hf, tokenizer = fresh(family)
        assert not load((hf.to(dtype), tokenizer), store=False).engine.layout.refused, family


def test_pretrained_weights_refuse_nothing():
    model = pretrained.model()
    assert not model.engine.layout.refused
    ids = model.codec.encode("Two and two is four.")
    read = model.read(ids, "resid_post.7")["resid_post.7"]
    patched = model.score(ids, [Branch(3, tuple(ids[3:]))], interventions=Patch(7, tuple(range(len(ids))), read))[0]
    plain = model.score(ids, [Branch(3, tuple(ids[3:]))])[0]
    np.testing.assert_allclose(patched.logprobs, plain.logprobs, atol=1e-3)
