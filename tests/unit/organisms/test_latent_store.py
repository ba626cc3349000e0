"""Shipped reasoners that think in latents: what is written beside their weights, and how it is opened."""

import json
import random

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.errors import BackendError, InputError
from cotlens.models import shipped
from cotlens.models.contract.feedback import Constant, Rotated
from cotlens.organisms import store
from cotlens.organisms.task.problem import Extras
from cotlens.organisms.task.problems import draw
from cotlens.organisms.task.prompts import changes_in

PLAIN = Extras(code=0.0, hint=0.0, trigger=0.0, everyday=0.2)


def test_the_changes_of_a_puzzle_are_counted():
    rng = random.Random("changes")
    wrong = []
    for index in range(1200):
        problem = draw(rng, 1 + index % 8, fork=False, extras=PLAIN)
        if changes_in(problem.prompt) != len(problem.steps):
            wrong.append(problem.prompt)
    assert wrong == []
    assert changes_in("Why?") == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three siblings made of Abacus, with feedbacks that nobody trained."""
    where = tmp_path_factory.mktemp("weights")
    hf, tokenizer = store.load_pair("abacus")
    rng = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(128, 128, generator=rng) * 0.02, torch.randn(128, generator=rng)
    rotation = torch.linalg.qr(torch.randn(128, 128, generator=rng))[0]
    plain = {"weight": weight, "bias": bias, "rotation": None}
    for name, feedback, kind in (
        ("abacus-latent", plain, "linear"),
        ("abacus-latent-pause", plain, "constant"),
        ("abacus-latent-rotated", {**plain, "rotation": rotation}, "linear"),
    ):
        about = {"token": tokenizer.pad_token_id, "feedback": kind, "per_change": 5}
        store.save(name, hf, tokenizer, where, feedback, about)
    store.save("abacus", hf, tokenizer, where)
    return where


def test_a_sibling_is_opened_with_its_feedback(folder, monkeypatch):
    monkeypatch.setattr(store, "WEIGHTS", folder)
    for name in ("names", "load_pair", "latent_format"):
        kept = getattr(store, name)
        monkeypatch.setattr(store, name, lambda *given, kept=kept: kept(*given, folder))
    assert "abacus-latent" in shipped.names()
    model = cl.load("abacus-latent")
    prompt = "Adam owns 19 bottles. At stop 1, he loses 4 of them. At stop 2, he buys 3. How many bottles are left?"
    trace = model.reason(prompt, max_new_tokens=4)
    assert trace.latents.shape == (10, 128) and trace.tokens[trace.latent_tokens[0] - 2] == "<think>"
    with pytest.raises(InputError, match="trained with"):
        model.reason("Why?")
    assert len(model.reason("Why?", latents=5, max_new_tokens=1).latents) == 5
    hf, form = model.engine.hf, model.latent_format
    with torch.no_grad():  # the loop of the training, from its first latent
        ids = torch.tensor([trace.token_ids[: trace.latent_tokens[0]]])
        hidden = hf.model(input_ids=ids).last_hidden_state[:, -1]
        inputs = torch.cat([hf.model.embed_tokens(ids), torch.tensor(form.feedback(hidden.numpy()))[:, None]], 1)
        second = hf.model(inputs_embeds=inputs).last_hidden_state[0, -1]
    np.testing.assert_allclose(trace.latents[:2], torch.stack([hidden[0], second]), rtol=1e-3, atol=1e-3)


def test_kinds_of_feedback(folder):
    assert store.latent_format("abacus", folder) is None
    assert isinstance(store.latent_format("abacus-latent-pause", folder).feedback, Constant)
    rotated = store.latent_format("abacus-latent-rotated", folder)
    assert isinstance(rotated.feedback, Rotated)
    assert rotated.counts == (5, 10, 15, 20, 25, 30, 35, 40)


def test_damaged_latents_are_refused(folder, tmp_path):
    hf, tokenizer = store.load_pair("abacus", folder)
    for about in (
        {"token": 0},
        {"token": 0, "feedback": "cubic", "per_change": 5},
        {"token": 0, "feedback": "linear", "per_change": 5},
    ):
        store.save("abacus-latent", hf, tokenizer, tmp_path, None, about)
        with pytest.raises(BackendError, match="latents of 'abacus-latent'"):
            store.latent_format("abacus-latent", tmp_path)
    assert json.loads((tmp_path / store.CHECKSUMS).read_text())
