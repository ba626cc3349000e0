"""Every architecture held to SAELens' own encode and decode, and files that each writes opened by the other."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cotlens.measure.features import load_sae, save_sae

WIDTH, LATENTS, TOKENS = 16, 40, 30
HOOK = {"hook_name": "blocks.1.hook_resid_post", "model_name": "tiny", "sae_lens_version": "6.54.12"}
CASES = {
    "standard": {"architecture": "standard"},
    "standard, bias kept": {"architecture": "standard", "apply_b_dec_to_input": False},
    "standard, layer norm": {"architecture": "standard", "normalize_activations": "layer_norm"},
    "topk": {"architecture": "topk", "k": 5},
    "topk, fewer positive than k": {"architecture": "topk", "k": 36},
    "topk, rescaled": {"architecture": "topk", "k": 5, "rescale_acts_by_decoder_norm": True},
    "topk, constant norm": {"architecture": "topk", "k": 5, "normalize_activations": "constant_norm_rescale"},
    "jumprelu": {"architecture": "jumprelu"},
    "gated": {"architecture": "gated"},
    "gated, layer norm": {"architecture": "gated", "normalize_activations": "layer_norm"},
}


def saelens_class() -> Any:
    """SAELens' class, imported where it is used: each worker of the tests imports this module, and it brings a lot."""
    from sae_lens import SAE

    return SAE


def saelens(settings, seed=0):
    """A SAE of SAELens with random weights, all of them in play."""
    config = {"d_in": WIDTH, "d_sae": LATENTS, "dtype": "float32", "device": "cpu", "metadata": dict(HOOK), **settings}
    sae, generator = saelens_class().from_dict(config), torch.Generator().manual_seed(seed)
    for parameter in sae.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.5
    return sae


def activations(seed=1):
    return (np.random.default_rng(seed).normal(size=(TOKENS, WIDTH)) * 3 + 0.5).astype(np.float32)


@pytest.mark.parametrize("case", CASES)
def test_encode_and_decode_are_those_of_saelens(case):
    theirs, x = saelens(CASES[case]), activations()
    ours = load_sae(theirs)
    with torch.no_grad():
        acts = theirs.encode(torch.from_numpy(x))
        rebuilt = theirs.decode(acts).numpy()
    found = ours.encode(x)
    assert 0 < len(found.index) < TOKENS * LATENTS
    np.testing.assert_allclose(found.dense(), acts.numpy(), atol=1e-5, rtol=1e-5)
    np.testing.assert_array_equal(found.dense() > 0, acts.numpy() > 0)
    np.testing.assert_allclose(ours.decode(found), rebuilt, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_parts_of_latents_add_up_to_the_reconstruction(case):
    theirs, x = saelens(CASES[case]), activations()
    ours = load_sae(theirs)
    found = ours.encode(x)
    parts = sum(ours.contribution(found, latent) for latent in range(LATENTS))
    nothing = ours.decode(
        type(found)(found.bounds * 0, found.index[:0], found.values[:0], LATENTS, found.shift, found.scale)
    )
    np.testing.assert_allclose(parts + nothing, ours.decode(found), atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_what_saelens_writes_is_read(case, tmp_path):
    theirs, x = saelens(CASES[case]), activations()
    theirs.save_model(tmp_path)
    np.testing.assert_array_equal(load_sae(tmp_path).encode(x).dense(), load_sae(theirs).encode(x).dense())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("case", CASES)
def test_saelens_reads_what_is_written(case, dtype, tmp_path):
    ours, x = load_sae(saelens(CASES[case])), activations()
    theirs = saelens_class().load_from_disk(save_sae(ours, tmp_path / "sae", dtype))
    assert theirs.cfg.metadata.hook_name == HOOK["hook_name"]
    again = load_sae(tmp_path / "sae")
    with torch.no_grad():
        acts = theirs.encode(torch.from_numpy(x))
        np.testing.assert_allclose(again.encode(x).dense(), acts.numpy(), atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(again.decode(again.encode(x)), theirs.decode(acts).numpy(), atol=1e-4, rtol=1e-5)


def test_flat_files_of_saelens_before_6(tmp_path):
    theirs, x = saelens(CASES["topk"]), activations()
    save_file(
        {name: tensor.contiguous() for name, tensor in theirs.state_dict().items()},
        tmp_path / "sae_weights.safetensors",
    )
    old = {"d_in": WIDTH, "d_sae": LATENTS, "dtype": "float32", "hook_point": HOOK["hook_name"], "model_name": "tiny"}
    old |= {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5}, "normalize_activations": "none"}
    (tmp_path / "cfg.json").write_text(json.dumps(old))
    ours, again = load_sae(tmp_path), saelens_class().load_from_disk(tmp_path)
    assert ours.config.site == "resid_post.1"
    assert ours.config.model_name == again.cfg.metadata.model_name == "tiny"
    with torch.no_grad():
        np.testing.assert_allclose(ours.encode(x).dense(), again.encode(torch.from_numpy(x)).numpy(), atol=1e-5)


def test_the_shipped_sae_opens_in_saelens():
    ours, x = load_sae("abacus"), np.random.default_rng(2).normal(size=(20, 128)).astype(np.float32) * 5
    theirs = saelens_class().load_from_disk(ours.folder)
    with torch.no_grad():
        acts = theirs.encode(torch.from_numpy(x))
        np.testing.assert_allclose(ours.encode(x).dense(), acts.numpy(), atol=1e-4, rtol=1e-4)
        np.testing.assert_allclose(ours.decode(ours.encode(x)), theirs.decode(acts).numpy(), atol=1e-3, rtol=1e-4)
