"""Training on made-up activations whose true dictionary is known."""

import numpy as np
import pytest
import torch

from cotlens._core import control
from cotlens._core.errors import Cancelled, InputError
from cotlens.measure.features.autoencoder import train
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.train import Recipe, fit

WIDTH, TRUE, ACTIVE = 16, 24, 2


def planted(n, seed=0):
    """Activations that are sums of `ACTIVE` of `TRUE` directions with positive weights, away from 0; the directions."""
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(TRUE, WIDTH))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    chosen = np.array([rng.permutation(TRUE)[:ACTIVE] for _ in range(n)])
    weights = rng.uniform(4, 8, size=(n, ACTIVE))
    return ((weights[..., None] * rows[chosen]).sum(1) + 3).astype(np.float32), rows


SMALL = Recipe(latents=32, k=ACTIVE, steps=400, batch=128, learning_rate=1e-2, silent_after=5000)


def test_a_planted_dictionary_is_found():
    given, rows = planted(4000)
    weights, density = fit(given, SMALL)
    sae = SAE(Config("topk", WIDTH, SMALL.latents, "resid_post.0", k=ACTIVE), weights)
    held, _ = planted(500, seed=1)
    latents = sae.encode(held)
    left = np.square(held - sae.decode(latents)).sum() / np.square(held - held.mean(0)).sum()
    assert left < 0.15
    cosines = np.abs(rows @ weights["W_dec"].numpy().T).max(1)
    assert np.median(cosines) > 0.95
    np.testing.assert_allclose(np.linalg.norm(weights["W_dec"].numpy(), axis=1), 1, atol=1e-5)
    assert density.sum() == pytest.approx(ACTIVE, abs=0.2)


def test_training_is_deterministic_under_its_seed():
    given, _ = planted(600)
    short = Recipe(latents=32, k=2, steps=40, batch=128, silent_after=300)
    one, again = fit(given, short)[0], fit(given, short)[0]
    other = fit(given, Recipe(latents=32, k=2, steps=40, batch=128, silent_after=300, seed=1))[0]
    for name in one:
        assert np.array_equal(one[name].numpy(), again[name].numpy())
    assert not np.array_equal(one["W_dec"].numpy(), other["W_dec"].numpy())


def gradients(auxiliary):
    """Gradients of one batch's loss where latents 0 to 4 never are among the k largest and count as silent."""
    given, _ = planted(64)
    recipe = Recipe(latents=32, k=ACTIVE, auxiliary=auxiliary)
    weights = train._start(torch.from_numpy(given), 1.0, recipe, torch.Generator().manual_seed(0))
    weights["b_enc"].data[:5] = -1e4
    silent = torch.arange(32) < 5
    loss, active = train._loss(torch.from_numpy(given), weights, silent, recipe)
    assert not silent[active].any()
    loss.backward()
    return {name: weights[name].grad for name in ("W_dec", "b_enc")}, silent


def test_the_auxiliary_loss_teaches_silent_latents_and_no_others():
    (without, silent), (with_it, _) = gradients(0.0), gradients(1 / 32)
    for name in ("W_dec", "b_enc"):
        assert (without[name][silent] == 0).all()
        assert (with_it[name][silent] != 0).any()
        torch.testing.assert_close(with_it[name][~silent], without[name][~silent])


def test_training_reports_and_can_be_cancelled():
    given, _ = planted(300)
    seen = []
    work = control.Control(lambda done, total, label: (seen.append((done, total)), work.cancel()))
    with control.using(work), pytest.raises(Cancelled):
        fit(given, SMALL)
    assert seen == [(0, SMALL.steps)]


@pytest.mark.parametrize("wrong", [{"k": 0}, {"latents": 4, "k": 5}, {"learning_rate": 0.0}, {"steps": -1}])
def test_recipes_that_can_not_be(wrong):
    with pytest.raises(InputError, match="Recipe was given"):
        Recipe(**wrong)
