"""Sparse autoencoders without a model: hook points, configurations, files, encoding in blocks."""

import json
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cotlens._core.errors import InputError
from cotlens.measure.features import load_sae, save_sae
from cotlens.measure.features.autoencoder import sae as module
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.sites import hook_of, place, site_of
from cotlens.measure.features.latents import Latents

WIDTH, LATENTS = 8, 20
RNG = np.random.default_rng(0)


def weights(**changed):
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(*shape, generator=generator)

    made = {
        "W_enc": drawn(WIDTH, LATENTS),
        "b_enc": drawn(LATENTS),
        "W_dec": drawn(LATENTS, WIDTH),
        "b_dec": drawn(WIDTH),
    }
    return {**made, **changed}


def sae(**settings):
    config = {"architecture": "standard", "d_in": WIDTH, "d_sae": LATENTS, "site": "resid_post.1", **settings}
    return SAE(Config(**config), weights(threshold=torch.full((LATENTS,), 1.0)))


def activations(n=13):
    return RNG.normal(size=(n, WIDTH)).astype(np.float32)


@pytest.mark.parametrize(
    ("hook", "site"),
    [
        ("blocks.2.hook_resid_post", "resid_post.2"),
        ("blocks.2.hook_resid_pre", "resid_post.1"),
        ("blocks.0.hook_mlp_out", "mlp_out.0"),
        ("blocks.11.hook_attn_out", "attn_out.11"),
        ("blocks.3.hook_out", "resid_post.3"),
        ("hook_embed", "embed"),
        ("model.layers.12", "resid_post.12"),
        ("model.layers.12.output", "resid_post.12"),
        ("transformer.h.4.attn", "attn_out.4"),
        ("model.layers.1.mlp", "mlp_out.1"),
        ("resid_post.7", "resid_post.7"),
    ],
)
def test_hook_points_are_sites(hook, site):
    assert site_of(hook) == site
    assert site_of(hook_of(site)) == site


@pytest.mark.parametrize(
    "hook", ["blocks.0.hook_resid_pre", "blocks.1.attn.hook_z", "blocks.1.hook_resid_mid", "ln_final"]
)
def test_hook_points_that_are_no_site(hook):
    with pytest.raises(InputError, match="site="):
        site_of(hook)


def test_the_embedding_is_read_only():
    assert place("mlp_out.3") == ("mlp_out", 3)
    with pytest.raises(InputError, match="not changed"):
        place("embed")


def raw(**changed):
    return {
        "architecture": "standard",
        "d_in": WIDTH,
        "d_sae": LATENTS,
        "metadata": {"hook_name": "blocks.1.hook_resid_post"},
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"architecture": "transcoder"}, "'standard'"),
        ({"architecture": "jumprelus"}, "Did you mean 'jumprelu'"),
        ({"architecture": "topk"}, "k=0"),
        ({"architecture": "topk", "k": 21}, "k must be 1 to 20"),
        ({"normalize_activations": "expected_average_only_in"}, "fold the factor"),
        ({"reshape_activations": "hook_z"}, "heads of attention"),
        ({"metadata": {}}, "pass site="),
        ({"d_in": None}, "damaged"),
    ],
)
def test_configurations_that_can_not_be_read(changed, says):
    with pytest.raises(InputError, match=says):
        Config.read(raw(**changed))


def test_a_given_site_stands_before_the_hook_point():
    assert Config.read(raw(), "mlp_out.4").site == "mlp_out.4"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"W_enc": torch.zeros(LATENTS, WIDTH)}, "W_enc of this SAE has the shape"),
        ({"b_enc": torch.full((LATENTS,), float("nan"))}, "b_enc of this SAE holds NaN"),
    ],
)
def test_weights_that_do_not_fit(changed, says):
    with pytest.raises(InputError, match=says):
        SAE(Config("standard", WIDTH, LATENTS, "resid_post.1"), weights(**changed))


def test_a_missing_weight_is_named():
    with pytest.raises(InputError, match="lack threshold"):
        SAE(Config("jumprelu", WIDTH, LATENTS, "resid_post.1"), weights())


def test_activations_that_do_not_fit():
    with pytest.raises(InputError, match=r"shape \[tokens, 8\]"):
        sae().encode(np.zeros((3, WIDTH + 1), np.float32))
    with pytest.raises(InputError, match="NaN or infinite"):
        sae().encode(np.full((3, WIDTH), np.inf, np.float32))
    with pytest.raises(InputError, match="0 to 19"):
        sae().directions([20])


@pytest.mark.parametrize("settings", [{}, {"architecture": "topk", "k": 4}, {"architecture": "jumprelu"},
                                      {"normalize_activations": "layer_norm"}])  # fmt: skip
def test_blocks_make_no_difference(monkeypatch, settings):
    one, x = sae(**settings), activations()
    whole = one.encode(x)
    monkeypatch.setattr(module, "_ENTRIES", 3 * LATENTS)
    blocks = one.encode(x)
    for name in ("bounds", "index"):
        np.testing.assert_array_equal(getattr(blocks, name), getattr(whole, name))
    np.testing.assert_allclose(blocks.values, whole.values, atol=1e-5)
    np.testing.assert_allclose(one.decode(blocks), one.decode(whole), atol=1e-4)


def test_latents_know_their_tokens():
    dense = np.zeros((4, 6), np.float32)
    dense[0, 2], dense[0, 5], dense[3, 2] = 1.0, 2.0, 3.0
    latents = Latents(np.array([0, 2, 2, 2, 3]), np.array([2, 5, 2]), np.array([1, 2, 3], np.float32), 6)
    np.testing.assert_array_equal(latents.dense(), dense)
    assert latents.l0.tolist() == [2, 0, 0, 1]
    assert latents.of(2).tolist() == [1, 0, 0, 3]
    active, bounds, tokens, values = latents.transposed()
    assert (active.tolist(), bounds.tolist(), tokens.tolist(), values.tolist()) == (
        [2, 5],
        [0, 2, 3],
        [0, 3, 0],
        [1, 3, 2],
    )


def test_no_activations_have_no_latents():
    found = sae().encode(np.empty((0, WIDTH), np.float32))
    assert len(found) == 0
    assert sae().decode(found).shape == (0, WIDTH)


def test_files_keep_a_sae(tmp_path):
    one = SAE(Config("standard", WIDTH, LATENTS, "mlp_out.3", metadata={"model_name": "m"}), weights(),
              np.linspace(-3, -1, LATENTS).astype(np.float32))  # fmt: skip
    again = load_sae(save_sae(one, tmp_path / "deep" / "sae"))
    x = activations()
    np.testing.assert_array_equal(again.encode(x).dense(), one.encode(x).dense())
    np.testing.assert_array_equal(again.log_sparsity, one.log_sparsity)
    assert (again.config.site, again.config.model_name) == ("mlp_out.3", "m")


def test_numbers_too_large_for_half_precision(tmp_path):
    large = SAE(Config("standard", WIDTH, LATENTS, "mlp_out.3"), weights(b_dec=torch.full((WIDTH,), 1e6)))
    with pytest.raises(InputError, match="too large for float16"):
        save_sae(large, tmp_path, "float16")


@pytest.mark.parametrize("name", ["nowhere/at/all", "gemma-scope"])
def test_a_folder_that_is_not_there(name):
    with pytest.raises(InputError, match="'abacus', or a release together with sae_id="):
        load_sae(name)


@pytest.mark.parametrize("broken", ["cfg.json", "sae_weights.safetensors"])
def test_damaged_files(tmp_path, broken):
    folder = save_sae(sae(), tmp_path)
    (folder / broken).write_bytes(b"not what it should be")
    with pytest.raises(InputError, match="get the"):
        load_sae(folder)


def test_pickled_weights_are_never_opened(tmp_path):
    (tmp_path / "cfg.json").write_text(json.dumps(raw()))
    (tmp_path / "sae_weights.pt").write_bytes(b"")
    with pytest.raises(InputError, match="pickled weights are never opened"):
        load_sae(tmp_path)


def test_a_factor_per_latent_is_refused(tmp_path):
    (tmp_path / "cfg.json").write_text(json.dumps(raw()))
    save_file(weights(scaling_factor=torch.full((LATENTS,), 2.0)), tmp_path / "sae_weights.safetensors")
    with pytest.raises(InputError, match="fine-tuned with a factor"):
        load_sae(tmp_path)


def test_a_release_without_saelens_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sae_lens", None)
    with pytest.raises(InputError, match=r"pip install 'cotlens\[sae\]'"):
        load_sae("gemma-scope-2b-pt-res-canonical", "layer_20/width_16k/canonical")


def test_something_else_is_no_sae():
    with pytest.raises(InputError, match="A dict is no SAE"):
        load_sae({})
