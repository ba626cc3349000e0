"""Several prompts that are answered together: each as if alone, as transformers writes it, and kept on errors."""

import numpy as np
import pytest
import torch

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import Cancelled, InputError, OutOfMemory
from cotlens.models.contract import EVER, AddVector
from tests.model import tiny, tiny_latent

PROMPTS = [
    "Mia has 12 pears and buys 7 more.",
    "Why?",
    "First I add 12 and 7, which gives 19. Wait, let me check that again. How many pears does she have?",
    "Mia has 12 pears and buys 9 more.",
]
HOT = {"max_new_tokens": 14, "temperature": 1.3, "top_p": 0.95}


def same(one, other):
    """Two traces of one text; what was measured at its tokens may differ by the order of sums."""
    assert one.token_ids == other.token_ids
    assert one.meta == other.meta
    assert {role: (span.start, span.end) for role, span in one.roles.items()} == {
        role: (span.start, span.end) for role, span in other.roles.items()
    }
    np.testing.assert_allclose(one.logprobs, other.logprobs, atol=1e-4)
    np.testing.assert_allclose(one.top_logprobs, other.top_logprobs, atol=1e-4)
    assert [len(pieces) for pieces in one.top_pieces] == [len(pieces) for pieces in other.top_pieces]


def test_company_changes_nothing(each_model):
    many = each_model.reason(PROMPTS, n=2, seed=5, prefill="First 12", **HOT)
    assert len(many) == 8
    for place, prompt in enumerate(PROMPTS):
        alone = each_model.reason(prompt, n=2, seed=5, prefill="First 12", **HOT)
        for one, other in zip(many[2 * place : 2 * place + 2], alone, strict=True):
            same(one, other)


def test_the_best_tokens_are_those_of_transformers(each_model):
    hf = each_model.engine.hf
    stop = sorted(each_model.format.stop_ids)
    for trace in each_model.reason(PROMPTS, max_new_tokens=12, temperature=0):
        begin = trace.meta["begin"]
        ids = torch.tensor([trace.token_ids[:begin]])
        with torch.no_grad():
            written = hf.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12, eos_token_id=stop,
                pad_token_id=stop[0],
            )  # fmt: skip
        assert trace.token_ids == tuple(written[0].tolist())


def test_a_token_is_computed_once_and_all_side_by_side(qwen):
    def spent(ask):
        before = qwen.meter.forwards
        ask()
        return qwen.meter.forwards - before

    alone = spent(lambda: [qwen.reason(prompt, **HOT) for prompt in PROMPTS])
    assert spent(lambda: qwen.reason(PROMPTS, **HOT)) < alone / 2


def test_a_model_that_takes_no_masks_answers_them_one_by_one():
    model = tiny.model("bloom")
    assert not model.engine.obeys_masks
    for one, prompt in zip(model.reason(PROMPTS[:2], seed=4, **HOT), PROMPTS, strict=False):
        same(one, model.reason(prompt, seed=4, **HOT))


def test_who_listens_or_changes_something_gets_them_one_by_one(qwen):
    heard = []
    many = qwen.reason(PROMPTS[:2], on_token=lambda at, text: heard.append(at), **HOT)
    assert heard == [at for one in many for at in range(one.meta["begin"], len(one.token_ids))]
    push = AddVector(1, np.full(32, 0.3, np.float32), range(30, EVER))
    for one, prompt in zip(qwen.reason(PROMPTS[:2], interventions=push, **HOT), PROMPTS, strict=False):
        same(one, qwen.reason(prompt, interventions=push, **HOT))


def test_too_little_memory_means_smaller_batches(qwen, monkeypatch):
    free, forward = qwen.reason(PROMPTS, n=3, **HOT), qwen.engine.forward

    def narrow(ids, *rest, **options):
        if len(ids) > 4:
            raise OutOfMemory("full")
        return forward(ids, *rest, **options)

    monkeypatch.setattr(qwen.engine, "forward", narrow)
    for one, other in zip(qwen.reason(PROMPTS, n=3, **HOT), free, strict=True):
        same(one, other)


def test_progress_is_told_and_a_cancel_keeps_what_was_written(qwen):
    told = []

    def hear(done, total, label):
        told.append((done, total, label))
        if done >= 2:
            control.current().cancel()

    mine = Control(hear)
    with control.using(mine), pytest.raises(Cancelled) as caught:
        qwen.reason(PROMPTS, n=2, max_new_tokens=300, seed=2, temperature=30.0)
    partial = caught.value.partial
    assert [trace.prompt for trace in partial] == [prompt for prompt in PROMPTS for _ in range(2)]
    ends = [trace.meta["finish"] for trace in partial]
    assert "cancelled" in ends and ends.count("stop") == told[-1][0] >= 2
    assert told[-1][1:] == (8, "writing")
    cancelled = [trace for trace in partial if trace.meta["finish"] == "cancelled"]
    assert all(len(trace.token_ids) > trace.meta["begin"] for trace in cancelled)


def test_one_that_can_not_be_answered_is_refused_before_any_is_written(qwen):
    before = qwen.meter.tokens
    with pytest.raises(InputError, match="context holds"):
        qwen.reason([PROMPTS[0], "pear " * 600], **HOT)
    assert qwen.meter.tokens == before


@pytest.mark.parametrize("family", ["qwen3", "gemma3"])
def test_words_after_latents_are_written_together(family):
    latent_model = tiny_latent.model(family)
    many = latent_model.reason(PROMPTS, latents=3, temperature=0, max_new_tokens=6)
    for one, prompt in zip(many, PROMPTS, strict=True):
        alone = latent_model.reason(prompt, latents=3, temperature=0, max_new_tokens=6)
        same(one, alone)
        np.testing.assert_allclose(one.latents, alone.latents, atol=1e-5)
