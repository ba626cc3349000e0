"""Tiny random models of every architecture in transformers that keeps a state, made in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode

from tests.model import tiny

T = TypeVar("T")

LINEAR = {
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
    "layer_types": ["linear_attention", "full_attention", "linear_attention"],
}  # fmt: skip
MAMBA = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_n_groups": 2, "mamba_chunk_size": 8}
INKLING = {
    "swa_num_attention_heads": 4, "swa_num_key_value_heads": 2, "swa_head_dim": 8, "d_rel": 4, "rel_extent": 32,
    "n_routed_experts": 4,
}  # fmt: skip
LATENT = {
    "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 12, "num_key_value_heads": 4,
    "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2, "num_local_experts": 4, "moe_intermediate_size": 16,
}  # fmt: skip


def configs(vocabulary: int) -> dict[str, Any]:
    """Architecture -> a function that makes its config, mostly recurrent and with the quirks on."""
    import transformers as tf

    own = {
        "vocab_size": vocabulary, "hidden_size": 32, "num_hidden_layers": 3, "initializer_range": 0.25,
        "bos_token_id": None, "eos_token_id": None, "pad_token_id": None,
    }  # fmt: skip
    common = {
        **own, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": tiny.CONTEXT,
    }  # fmt: skip
    narrow = {**common, "head_dim": 8}
    moe = {"num_experts_per_tok": 2, "moe_intermediate_size": 16}
    conv = {"layer_types": ["conv", "full_attention", "conv"]}
    mixed = {"layer_types": LINEAR["layer_types"]}
    return {
        "qwen3_5": lambda: tf.Qwen3_5TextConfig(**narrow, **LINEAR),
        "qwen3_5_moe": lambda: tf.Qwen3_5MoeTextConfig(
            **narrow, **LINEAR, **moe, num_experts=4, shared_expert_intermediate_size=16
        ),
        "qwen3_next": lambda: tf.Qwen3NextConfig(
            **narrow, **LINEAR, **moe, num_experts=4, shared_expert_intermediate_size=16
        ),
        "qwen4_exp": lambda: tf.Qwen4ExpTextConfig(
            **narrow, **LINEAR, **moe, num_experts=4, shared_expert_intermediate_size=16, hc_count=2, hc_lowrank=8,
            indexer_n_heads=2, indexer_kv_heads=1, indexer_head_dim=8, indexer_budget=16, indexer_compress_ratio=4,
        ),
        "nemotron_h": lambda: tf.NemotronHConfig(
            **narrow, **moe, layers_block_type=["mamba", "attention", "moe"], mamba_num_heads=4, mamba_head_dim=16,
            ssm_state_size=8, n_groups=2, chunk_size=8, n_routed_experts=4,
        ),
        "granitemoehybrid": lambda: tf.GraniteMoeHybridConfig(
            **common, **MAMBA, layer_types=["mamba", "attention", "mamba"], num_local_experts=4, num_experts_per_tok=2,
            shared_intermediate_size=16,
        ),
        "lfm2": lambda: tf.Lfm2Config(**common, **conv, block_multiple_of=16),
        "lfm2_moe": lambda: tf.Lfm2MoeConfig(**common, **conv, **moe, num_experts=4, num_dense_layers=1),
        "lfm3": lambda: tf.Lfm3Config(
            **narrow, sliding_window=tiny.WINDOW, layer_types=["conv", "full_attention", "sliding_attention"]
        ),
        "kimi_linear": lambda: tf.KimiLinearConfig(
            **{**common, **LATENT}, **mixed, linear_head_dim=8, linear_num_heads=4,
            mlp_layer_types=["dense", "sparse", "sparse"],
        ),
        "olmo_hybrid": lambda: tf.OlmoHybridConfig(**common, **LINEAR),
        "falcon_h1": lambda: tf.FalconH1Config(**common, **MAMBA, mamba_d_ssm=64),
        "bamba": lambda: tf.BambaConfig(**common, **MAMBA, attn_layer_indices=[1]),
        "jamba": lambda: tf.JambaConfig(
            **common, num_experts=4, num_experts_per_tok=2, attn_layer_period=3, attn_layer_offset=1, mamba_d_state=8,
        ),
        "minimax": lambda: tf.MiniMaxConfig(
            **narrow, **mixed, num_local_experts=4, num_experts_per_tok=2, block_size=8
        ),
        "glm5_next": lambda: tf.Glm5NextConfig(  # picks all keys: untrained, it picks among equals
            text_config=tf.Glm5NextTextConfig(
                **{**common, **LATENT, "head_dim": 0, "qk_rope_head_dim": 0}, **mixed, linear_head_dim=8,
                linear_num_heads=4, q_lora_rank=16, index_topk=512, index_head_dim=8, index_n_heads=2, index_kpool=4,
                hc_mult=2, n_routed_experts=4, mlp_layer_types=["dense", "sparse", "sparse"],
            ).to_dict(),
            vision_config={
                "depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 16, "image_size": 28,
                "patch_size": 14, "out_hidden_size": 32, "projection_intermediate_size": 16,
            },
        ),
        "bailing_hybrid": lambda: tf.BailingHybridConfig(
            **{**common, **LATENT}, **mixed, head_dim=8, mlp_layer_types=["dense", "sparse", "sparse"],
        ),
        "recurrent_gemma": lambda: tf.RecurrentGemmaConfig(
            **{k: v for k, v in common.items() if k not in ("max_position_embeddings", "initializer_range")},
            lru_width=32, attention_window_size=tiny.WINDOW, block_types=["recurrent", "recurrent", "attention"],
            w_init_variance_scale=1.0,
        ),
        "zamba": lambda: tf.ZambaConfig(
            **{**common, "num_key_value_heads": 4, "num_hidden_layers": 4}, mamba_d_state=8,
            layers_block_type=["mamba", "hybrid", "mamba", "hybrid"], n_mamba_heads=2, mamba_dt_rank=4,
        ),
        "zamba2": lambda: tf.Zamba2Config(
            **{**common, "num_key_value_heads": 4}, layers_block_type=["mamba", "hybrid", "mamba"], mamba_d_state=8,
            n_mamba_heads=4, chunk_size=8,
        ),
        "zaya": lambda: tf.ZayaConfig(
            **{k: v for k, v in narrow.items() if k != "intermediate_size"}, moe_intermediate_size=16, num_experts=4,
            router_hidden_size=16,
        ),
        "mamba": lambda: tf.MambaConfig(**own, state_size=8),
        "mamba2": lambda: tf.Mamba2Config(
            **own, state_size=8, num_heads=4, head_dim=16, n_groups=2, chunk_size=8
        ),
        "falcon_mamba": lambda: tf.FalconMambaConfig(**own, state_size=8),
        "rwkv": lambda: tf.RwkvConfig(
            vocab_size=vocabulary, hidden_size=32, num_hidden_layers=3, context_length=tiny.CONTEXT, bos_token_id=None,
            eos_token_id=None,
        ),
        "inkling": lambda: tf.InklingTextConfig(  # attention in every layer, behind convolutions that keep a state
            **narrow, **moe, **INKLING, sliding_window_size=tiny.WINDOW, n_shared_experts=1,
            logits_mup_width_multiplier=1.0,
        ),
        "inkling2": lambda: tf.Inkling2TextConfig(**narrow, **moe, **INKLING, sliding_window=tiny.WINDOW),
    }  # fmt: skip


@cache
def model(name: str) -> Any:
    """The loaded model of an architecture, shared by all tests of a process."""
    from cotlens.models.local.model import LocalModel

    tokenizer = tiny.tokenizer()
    return LocalModel(tiny.random_model(configs(len(tokenizer))[name]()), tokenizer, store=False)


class _Doubled(TorchFunctionMode):
    """What is asked to be single precision by name is double precision."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `func`, with the other precision."""
        func = torch.Tensor.double if func is torch.Tensor.float else func
        return func(*map(_double, args), **{name: _double(one) for name, one in (kwargs or {}).items()})


def _double(given: Any) -> Any:
    return torch.float64 if given is torch.float32 else given


def exactly(model: Any, ask: Callable[[], T]) -> T:
    """What `ask()` gives on the thread of the model while all that it computes is in double precision.

    Architectures compute parts of themselves in float32, whatever the weights are in; here those are in float64, too.
    """

    def asked() -> T:
        hf, engine, before = model.engine.hf, model.engine, torch.get_default_dtype()
        experts = hf.config._experts_implementation
        hf.set_experts_implementation("eager")  # the grouped products have no double precision
        torch.set_default_dtype(torch.float64)
        engine.forks = None
        try:
            with _Doubled():
                hf.double()
                return ask()
        finally:
            torch.set_default_dtype(before)
            hf.float()
            hf.set_experts_implementation(experts)
            engine.forks = None

    return model.owner.run(asked)
