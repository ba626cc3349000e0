"""Clamped latents held to SAELens' own encoder and decoder inside a plain forward hook, for every architecture."""

import re
import textwrap
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.features import EVER, clamp, load_sae
from cotlens.models import tracing
from cotlens.models.contract import Branch
from cotlens.models.local.scoring import dispatch
from tests.model import tiny

BLOCKS = Path(tracing.__file__).parent
TOLERANCE = 2e-4
N, PREFIX, LATENTS = 36, 24, 48
AT = (5, 20, 25, 30)
ARCHITECTURES = {
    "standard": {"architecture": "standard"},
    "standard, bias kept, layer norm": {
        "architecture": "standard", "apply_b_dec_to_input": False, "normalize_activations": "layer_norm",
    },
    "topk": {"architecture": "topk", "k": 6},
    "topk, rescaled, constant norm": {
        "architecture": "topk", "k": 6, "normalize_activations": "constant_norm_rescale",
    },
    "jumprelu": {"architecture": "jumprelu"},
    "gated": {"architecture": "gated"},
}  # fmt: skip
MODELS = ("llama", "gemma3", "abacus")


def test_every_block_has_the_same_lines():
    found = {path.stem: re.findall(r"^ *shift = .*?^ *step = [^\n]*", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
             for path in BLOCKS.glob("*.py")}  # fmt: skip
    copies = {name: textwrap.dedent("".join(lines)) for name, lines in found.items() if lines}
    assert set(copies) == {"forward", "backward", "writing", "embedded"}
    assert len(set(copies.values())) == 1 and len(copies["forward"].splitlines()) == 9


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus")


@pytest.fixture(params=MODELS)
def model(request):
    return request.getfixturevalue("abacus") if request.param == "abacus" else tiny.model(request.param)


def width_of(model):
    return model.engine.layout.d_model


def saelens(settings, width, layer=1):
    """A random SAE of SAELens; both biases are in play."""
    from sae_lens import SAE  # here, since each worker of the tests imports this module

    hook = {"hook_name": f"blocks.{layer}.hook_resid_post", "model_name": "", "sae_lens_version": "6.54.12"}
    config = {"d_in": width, "d_sae": LATENTS, "dtype": "float32", "device": "cpu", "metadata": hook, **settings}
    sae, generator = SAE.from_dict(config), torch.Generator().manual_seed(3)
    for parameter in sae.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.4
    return sae


def layer_of(model, layer):
    return model.engine.hf.get_submodule(model.engine.layout.module("resid_post", layer))


def held(theirs, latents, wanted, positions):
    """A hook that decodes SAELens' latents before and after they were set, and adds the difference."""

    def hook(module, args, output):
        x = (output[0] if isinstance(output, tuple) else output).clone()
        part = x[:, positions]
        acts = theirs.encode(part)
        before = theirs.decode(acts)
        changed = acts.clone()
        changed[..., latents] = wanted(acts[..., latents])
        theirs.encode(part)  # decoding undoes the normalisation of what was encoded last
        x[:, positions] = part + theirs.decode(changed) - before
        return (x, *output[1:]) if isinstance(output, tuple) else x

    return hook


def reference(model, ids, hook, layer=1):
    with ExitStack() as stack, torch.no_grad():
        stack.callback(layer_of(model, layer).register_forward_hook(hook).remove)
        return torch.log_softmax(model.engine.hf(torch.tensor([ids])).logits[0], -1)


def active(model, sae, ids, count=2):
    """The latents that are active at most of the positions that are changed."""
    latents = sae.encode(model.read(ids, sae.config.site, positions=AT)[sae.config.site])
    found = np.bincount(latents.index, minlength=LATENTS).argsort()[::-1][:count]
    assert (latents.dense()[:, found] > 0).any(0).all()
    return found.tolist()


def ids_of(model):
    return np.random.default_rng(3).integers(0, model.engine.layout.vocabulary, N).tolist()


@pytest.mark.parametrize("case", ARCHITECTURES)
@pytest.mark.parametrize("mode", ["clamp", "scale"])
def test_scores_are_those_of_a_hook(model, case, mode):
    theirs, ids = saelens(ARCHITECTURES[case], width_of(model)), ids_of(model)
    sae = load_sae(theirs)
    latents = active(model, sae, ids)
    change = clamp(sae, latents, [3.0, 0.5], mode=mode, positions=AT)
    factors = torch.tensor([3.0, 0.5])
    wanted = (lambda a: torch.zeros_like(a) + factors) if mode == "clamp" else (lambda a: a * factors)
    logits = reference(model, ids, held(theirs, latents, wanted, list(AT)))
    expected = [float(logits[t - 1, ids[t]]) for t in range(PREFIX, N)]
    branch = Branch(PREFIX, tuple(ids[PREFIX:]))
    fast = model.score(ids, [branch, Branch(10, tuple(ids[10:14]))], interventions=change)[0]
    slow = model.owner.run(lambda: dispatch.score(model.engine, ids, [branch], (change,), way="plain"))[0]
    np.testing.assert_allclose(fast.logprobs, expected, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(slow.logprobs, expected, atol=TOLERANCE, rtol=0)
    assert np.abs(model.score(ids, [branch])[0].logprobs - fast.logprobs).max() > 1e-3


def test_what_is_clamped_is_read_back(model):
    """With a decoder that is orthonormal to the encoder, a latent that was held has the value it was held at."""
    width = width_of(model)
    theirs = saelens({"architecture": "standard"}, width)
    eye = torch.eye(width)[:, :LATENTS] if width >= LATENTS else torch.cat([torch.eye(width)] * 2, 1)[:, :LATENTS]
    theirs.W_enc.data, theirs.W_dec.data = eye.clone(), eye.T.clone()
    theirs.b_enc.data.zero_(), theirs.b_dec.data.zero_()
    sae, ids = load_sae(theirs), ids_of(model)
    found = model.read(ids, sae.config.site, interventions=clamp(sae, 7, 2.5, positions=range(10, EVER)))
    acts = sae.encode(found[sae.config.site]).of(7)
    on = sae.encode(model.read(ids, sae.config.site)[sae.config.site]).of(7) > 0
    np.testing.assert_allclose(acts[10:][on[10:]], 2.5, atol=1e-4)
    np.testing.assert_array_equal(acts[:10] > 0, on[:10])


@pytest.mark.parametrize("case", ["topk", "gated"])
def test_what_is_written_is_what_the_hook_writes(model, case):
    """Greedy continuations token by token, prefix kept; the second half is written under the change."""
    theirs, prompt = saelens(ARCHITECTURES[case], width_of(model)), "Mia has 12 pears and buys 7 more."
    sae = load_sae(theirs)
    trace = model.reason(prompt, seed=0, temperature=0.0, max_new_tokens=12)
    start = len(trace.token_ids) - 6
    change = clamp(sae, [4, 9], 6.0, positions=range(start - 1, EVER))
    written = model.resume(trace, at=start, temperature=0.0, max_new_tokens=8, interventions=change)
    hook = lambda ids: held(theirs, [4, 9], lambda a: torch.full_like(a, 6.0), list(range(start - 1, len(ids))))  # noqa: E731
    for at in range(start, len(written.token_ids)):
        ids = list(written.token_ids[:at])
        row = reference(model, ids, hook(ids))[-1]
        own = float(row[written.token_ids[at]])
        assert own == pytest.approx(float(row.max()), abs=1e-3), "the most probable token under the change"
        assert own == pytest.approx(float(written.logprobs[at]), abs=1e-3)


def test_gradients_flow_through_a_clamp():
    """The slope of the answer at the layer below is that of finite differences under the same change."""
    model = tiny.model("llama")
    sae, ids = load_sae(saelens({"architecture": "jumprelu"}, width_of(model))), ids_of(model)
    change = clamp(sae, [3, 8], [0.0, 4.0], positions=AT)
    trace = model.compose("Mia has 12 pears.", "12 and 7 is 19.", "The answer is 19.")
    answer = model.answer_branch(trace, trace.roles["thought"].end, "19")
    found = model.gradient(trace, answer, "resid_post.1", metric="log_probability", interventions=change)
    read = model.read(
        (*trace.token_ids[: trace.roles["thought"].end], *answer.token_ids), "resid_post.1", interventions=change
    )
    np.testing.assert_allclose(
        found.activations["resid_post.1"], read["resid_post.1"][: len(found.activations["resid_post.1"])], atol=1e-4
    )
    del ids


def test_ablating_is_what_the_exact_effect_measures(abacus):
    """One definition: `features(effect_of=...)` and the answer under an ablating clamp agree."""
    sae = cl.features.load_sae("abacus")
    trace = abacus.reason("Mia has 12 pears and buys 7 more. How many pears does she have?", seed=0)
    latent = int(cl.features.features(trace, abacus, sae).columns["latent"][0])
    found = cl.features.features(trace, abacus, sae, effect_of=[latent], metric="log_probability")
    row = list(found.columns["latent"]).index(latent)
    end = trace.roles["thought"].end
    answer = abacus.answer_branch(trace, end, trace.read_answer().text)
    branch = Branch(end, answer.token_ids)
    change = clamp(sae, latent, positions=range(1, EVER))  # the first token has no latents here
    before, after = (
        float(abacus.score(trace, [branch], interventions=each)[0].logprobs[answer.value_start :].sum())
        for each in ((), change)
    )
    assert before - after == pytest.approx(float(found.columns["effect"][row]), abs=1e-3)


@pytest.mark.parametrize(
    ("latents", "values", "sentence"),
    [
        (LATENTS, 0.0, "not all in this SAE"),
        (1, float("nan"), "finite value"),
        ([1, 2], [1.0, 2.0, 3.0], "finite value per"),
    ],
)
def test_bad_clamps_are_refused(latents, values, sentence):
    sae = load_sae(saelens({"architecture": "standard"}, 32))
    with pytest.raises(InputError, match=sentence):
        clamp(sae, latents, values)


def test_a_sae_of_another_width_is_refused():
    sae = load_sae(saelens({"architecture": "standard"}, 16))
    with pytest.raises(InputError, match="width 16; this model's are 32 wide"):
        tiny.model("llama").score(list(range(8)), [Branch(6, (1, 2))], interventions=clamp(sae, 1))
