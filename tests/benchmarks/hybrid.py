"""Early answers after every token of a long thought, on a model whose layers are mostly recurrent.

Random weights: the numbers mean nothing, but every one of them is held to the plain side. Small as it is, the model has
the proportions of real ones: three recurrent layers to one of attention, and the sizes of the heads to the width. The
limit takes a token to cost the same wherever it is run.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks import scoring
from tests.benchmarks.table import Row
from tests.model import tiny

GOAL = "at least 15 times at 1,000 tokens"
LAYERS, WIDTH, CONTEXT = 8, 256, 8192


def _config(vocabulary: int) -> Any:
    from transformers import Qwen3_5TextConfig

    return Qwen3_5TextConfig(
        vocab_size=vocabulary, hidden_size=WIDTH, intermediate_size=3 * WIDTH, num_hidden_layers=LAYERS,
        num_attention_heads=4, num_key_value_heads=1, head_dim=64, linear_num_key_heads=4, linear_num_value_heads=4,
        linear_key_head_dim=32, linear_value_head_dim=32, max_position_embeddings=CONTEXT, initializer_range=0.05,
        layer_types=["linear_attention", "linear_attention", "linear_attention", "full_attention"] * (LAYERS // 4),
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip


def early_answers(tokens: int = scoring.TOKENS) -> list[Row]:
    """Every-token EarlyAnswer: forked against one forward per prefix in plain transformers, which takes long."""
    from cotlens.models.local.model import LocalModel

    tokenizer = tiny.tokenizer()
    model = LocalModel(tiny.random_model(_config(len(tokenizer))), tokenizer, store=False)
    return scoring.compared(model, tokens, f" on a hybrid of {LAYERS} layers", GOAL, every=100, rounds=1)
