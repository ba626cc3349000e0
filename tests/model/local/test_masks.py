"""Masks are float, per kind of layer, with windows in position space."""

import numpy as np
import pytest
import torch

from cotlens.models.architecture import masks
from cotlens.models.contract.interventions import BlockAttention, covers
from tests.model import tiny

ROWS = np.asarray([5, 6, 20, 21])
COLUMNS = np.concatenate([np.arange(5), ROWS])


def seen(mask):
    assert mask.dtype == torch.float32
    assert set(mask.unique().tolist()) <= {0.0, float(torch.finfo(torch.float32).min)}
    return mask[0] == 0


def built(family, *blocks):
    layout = tiny.model(family).engine.layout
    visible = masks.causal(4, 5, torch.device("cpu"))
    return masks.build(layout, visible, ROWS, COLUMNS, torch.float32, blocks), visible


def test_one_kind_of_layer_has_one_mask():
    made, visible = built("qwen3")
    assert torch.equal(seen(made.base)[0], visible)
    assert not made.per_layer


@pytest.mark.parametrize("family", ["gemma3", "olmo3", "gpt_oss"])
def test_mixed_layers_have_a_mask_each_and_windows_count_positions(family):
    made, visible = built(family)
    assert set(made.base) == {"full_attention", "sliding_attention"}
    assert torch.equal(seen(made.base["full_attention"])[0], visible)
    near = torch.tensor(ROWS[:, None] - COLUMNS[None] < tiny.WINDOW)
    assert torch.equal(seen(made.base["sliding_attention"])[0], visible & near)
    assert not near[2, 6]  # row 20 is two rows after position 6 but fourteen positions away


def test_models_that_only_slide_have_one_windowed_mask():
    made, visible = built("mistral")
    near = torch.tensor(ROWS[:, None] - COLUMNS[None] < tiny.WINDOW)
    assert torch.equal(seen(made.base)[0], visible & near)


def test_blocks_touch_their_layers_and_heads_only_and_never_oneself():
    made, visible = built("qwen3", BlockAttention((6, 20), None, (1,), (0, 3)))
    assert list(made.per_layer) == [1]
    per_head = seen(made.per_layer[1])
    assert torch.equal(per_head[1], visible)
    assert torch.equal(per_head[2], visible)
    for head in (0, 3):
        assert per_head[head].sum(dim=1).tolist() == [6, 1, 1, 9]
        assert per_head[head][1, 6]
    assert torch.equal(seen(made.base)[0], visible)


def test_positions_cover_tuples_ranges_and_everything():
    at = np.asarray([0, 3, 4, 9])
    assert covers(None, at).all()
    assert covers((3, 9), at).tolist() == [False, True, False, True]
    assert covers(range(3, 10, 2), at).tolist() == [False, True, False, True]


def test_the_layout_is_read_off_the_model():
    layout = tiny.model("gemma3").engine.layout
    assert (layout.n_layers, layout.heads, layout.d_model, layout.window) == (3, 4, 32, tiny.WINDOW)
    assert layout.site("resid_post.2") == ("model.layers.2", 2)
    assert layout.site("embed") == ("model.embed_tokens", -1)
    assert tiny.model("gpt2").engine.layout.site("attn_out.0") == ("transformer.h.0.attn", 0)
