"""Blocks run without anything of CoTLens where they are sent: nnsight's own simulation hides what is not there."""

import sys

import numpy as np
import pytest

from cotlens.models.architecture.layout import describe
from cotlens.models.contract import AddVector, Meter
from cotlens.models.contract.interventions import EVER
from cotlens.models.ndif.passes import RemoteRunner
from cotlens.models.tracing import wrap
from tests.model import tiny
from tests.remote.test_ndif import CHANGES

IDS = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)


@pytest.fixture
def simulated(monkeypatch):
    """A model whose jobs are simulated here."""
    from nnsight.intervention.backends.local import LocalSimulationBackend

    family = "gemma3"
    hf, tokenizer = tiny.pair(family)
    traced = wrap(hf, tokenizer)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the simulation leaves it in another order

    class Simulated(RemoteRunner):
        def job(self, hear=None, **env):
            return Here(traced)

    class Here(LocalSimulationBackend):
        def __call__(self, tracer):
            super().__call__(tracer)
            payloads.append(tracer)

    payloads = []
    hf.requires_grad_(False)
    yield Simulated(traced, describe(hf), Meter(), None, ""), payloads
    hf.requires_grad_(True)


def test_passes(simulated):
    from cotlens.models.contract import Branch
    from cotlens.models.ndif import comparing, reading, scoring

    remote, jobs = simulated
    local = tiny.model("gemma3")
    for items in (CHANGES["several"](), CHANGES["clamp of normed"]()):
        items = items if isinstance(items, list) else [items]
        ours = scoring.score(remote, IDS, [Branch(9, IDS[2:6], (3,))], items)
        theirs = local.score(IDS, [Branch(9, IDS[2:6], (3,))], interventions=items)
        np.testing.assert_allclose(ours[0].logprobs, theirs[0].logprobs, atol=1e-5)
    assert set(reading.read(remote, IDS, ["resid_post.1"], None, ())) == {"resid_post.1"}
    blocks = [item for item in CHANGES["several"]() if type(item).__name__ == "BlockAttention"]
    assert np.isfinite(comparing.divergence(remote, IDS, blocks, [(10, 12)], 1.0).kl).all()
    assert reading.unembed(remote, np.ones((1, 32), np.float32)).shape == (1, remote.layout.vocabulary)
    assert len(jobs) == 6


def test_gradients(simulated):
    from cotlens.models.contract import AnswerBranch
    from cotlens.models.whitebox.gradients import gradients

    remote, jobs = simulated
    items = CHANGES["several"]()
    found = gradients(remote, IDS, AnswerBranch((3, 4), 0, 2), ["embed"], "logit_difference", None, items)
    assert np.isfinite(found.gradients["embed"]).all()
    assert len(jobs) == 2


def test_attention(simulated, monkeypatch):
    from cotlens.models.ndif import reading

    remote, jobs = simulated
    monkeypatch.setattr(remote.traced._module.config, "_attn_implementation", "eager")
    found = reading.attention(remote, IDS, [(0, 1)], [(0, 4), (6, 12)])
    assert found[0, 1].shape == (2, 2)
    assert len(jobs) == 2


@pytest.mark.parametrize("change", ["several", "clamp"])
def test_writing(simulated, change):
    from cotlens.models.generation.samples import Sample
    from cotlens.models.generation.sampling import Sampling
    from cotlens.models.ndif import writing

    remote, jobs = simulated
    items = CHANGES[change]()
    items = [*(items if isinstance(items, list) else [items]), AddVector(2, np.ones(32, np.float32), range(4, EVER))]
    samples = [Sample(0), Sample(1)]
    writing.write(remote, IDS, samples, Sampling(3, 4, 1.0, 0.9), frozenset(), interventions=items)
    assert [len(sample.ids) for sample in samples] == [4, 4]
    assert len(jobs) == 2
