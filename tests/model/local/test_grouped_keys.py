"""Query heads that share keys: on a CPU none are copied in passes of ours, and the numbers are those of copies."""

import numpy as np
import pytest
import torch
from transformers.integrations import sdpa_attention

from cotlens.models.contract import AddVector, Branch
from cotlens.models.local import grouped_keys

COPY = sdpa_attention.repeat_kv
TRUNK = list(range(40, 120))
BRANCHES = [Branch(at, tuple(range(at, at + 5))) for at in range(10, 80, 7)]


def scored(model, **options):
    model.engine.trunk = None
    return np.concatenate([one.logprobs for one in model.score(TRUNK, BRANCHES, **options)])


@pytest.mark.parametrize("changes", [(), AddVector(1, np.full(32, 0.1, np.float32), (12, 30))])
def test_none_are_copied_and_the_numbers_are_the_same(qwen, monkeypatch, changes):
    config = qwen.engine.hf.config
    assert config.num_key_value_heads < config.num_attention_heads

    def copied(*_):
        raise AssertionError("keys were copied")

    with monkeypatch.context() as patch:
        patch.setattr(sdpa_attention, "repeat_kv", copied)
        found = scored(qwen, interventions=changes)
    copies = []
    with monkeypatch.context() as patch:
        patch.setattr(grouped_keys, "_TRIED", (99, 0))
        patch.setattr(sdpa_attention, "use_gqa_in_sdpa", lambda *_: False)
        patch.setattr(sdpa_attention, "repeat_kv", lambda *given: copies.append(1) or COPY(*given))
        slow = scored(qwen, interventions=changes)
    assert copies
    np.testing.assert_array_equal(found, slow)


def test_other_passes_are_left_to_transformers(qwen):
    scored(qwen)
    mask, keys = torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 4, 8)
    with torch.no_grad():
        assert not sdpa_attention.use_gqa_in_sdpa(mask, keys, keys)
        with grouped_keys.read_in_place():
            assert sdpa_attention.use_gqa_in_sdpa(mask, keys, keys)
            assert not sdpa_attention.use_gqa_in_sdpa(mask[:, :, :1], keys, keys), "one token"
    with grouped_keys.read_in_place():
        assert not sdpa_attention.use_gqa_in_sdpa(mask, keys, keys), "gradients"
