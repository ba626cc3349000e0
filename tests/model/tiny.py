"""Tiny random models of many architectures with real tokenizers, made in memory: what the model tests run on.

Weights are drawn wide enough that distributions are far from flat. Sliding windows are on and shorter than the test
sequences.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

WINDOW = 8
CONTEXT = 512
SENTENCES = (
    "Mia has 12 pears and buys 7 more. How many pears does she have?",
    "First I add 12 and 7, which gives 19. Wait, let me check that again.",
    "The answer is 19. So the final answer is nineteen, and that is all.",
    "Caf\u00e9, na\u00efve, \u4f60\u597d, \U0001f600 and e\u0301 are words with more bytes than letters.\r\n\n",
    "The final answer is \\boxed{42}. user assistant think <b> x = 3 * (4 - 1);",
)
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
OPENED = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def tokenizer(
    template: str | None = CHATML,
    specials: tuple[str, ...] = SPECIALS,
    markers: tuple[str, ...] = ("<think>", "</think>"),
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of about 400 pieces. `markers` are added tokens that aren't special, as in Qwen3."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    raw.train_from_iterator(list(SENTENCES) * 3, trainer)
    raw.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    raw.add_tokens([AddedToken(token, special=False, normalized=False) for token in markers])
    fast = PreTrainedTokenizerFast(tokenizer_object=raw)
    if "<|im_end|>" in specials:
        fast.eos_token = "<|im_end|>"
    if template is not None:
        fast.chat_template = template
    return fast


def sentencepiece() -> PreTrainedTokenizerFast:
    """A tokenizer in the manner of Llama 2: spaces as lower blocks, one put before the text, bytes as <0x0A>."""
    raw = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="first", split=False)
    raw.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    ascii_only = ["".join(char for char in text if " " <= char < "\x7f") for text in SENTENCES]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=specials, show_progress=False)
    raw.train_from_iterator(ascii_only * 3, trainer)
    state = json.loads(raw.to_str())
    state["added_tokens"] = [t for t in state["added_tokens"] if not t["content"].startswith("<0x")]
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)), bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


FAMILIES = ("qwen3", "llama", "gpt2", "gemma3", "gpt_oss", "olmo3", "mistral", "phi3", "qwen3_moe")
MIXED = ["sliding_attention", "full_attention", "sliding_attention"]


def _configs(vocabulary: int) -> dict[str, Any]:
    import transformers as tf

    common = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.25,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    narrow = {**common, "head_dim": 8}
    sliding = {"sliding_window": WINDOW}
    linear = {
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "layer_types": ["linear_attention", "full_attention", "linear_attention"],
    }
    per_layer = {"vocab_size_per_layer_input": vocabulary, "hidden_size_per_layer_input": 8, "global_head_dim": 16}
    eyes = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    moe = {"num_experts_per_tok": 2}
    rope = {"rope_type": "default", "rope_theta": 10000.0}
    return {
        "qwen3": lambda: tf.Qwen3Config(**narrow),
        "qwen3_wide": lambda: tf.Qwen3Config(**common, head_dim=32),  # the narrowest heads that vLLM's CPU kernels take
        "llama": lambda: tf.LlamaConfig(**common),
        "gpt2": lambda: tf.GPT2Config(
            vocab_size=vocabulary, n_embd=32, n_layer=3, n_head=4, n_positions=CONTEXT, initializer_range=0.25,
            bos_token_id=None, eos_token_id=None,
        ),
        "gemma3": lambda: tf.Gemma3TextConfig(**narrow, **sliding, layer_types=MIXED),
        "gpt_oss": lambda: tf.GptOssConfig(
            **narrow, **sliding, **moe, num_local_experts=4, layer_types=MIXED, rope_parameters=rope
        ),
        "olmo3": lambda: tf.Olmo3Config(**common, **sliding, layer_types=MIXED),
        "mistral": lambda: tf.MistralConfig(**narrow, **sliding),
        "phi3": lambda: tf.Phi3Config(**common, **sliding),
        "qwen3_moe": lambda: tf.Qwen3MoeConfig(**narrow, **moe, num_experts=4, moe_intermediate_size=16),
        "qwen3_next": lambda: tf.Qwen3NextConfig(
            **narrow, **moe, num_experts=4, moe_intermediate_size=16, shared_expert_intermediate_size=16,
            **linear,
        ),
        "qwen2": lambda: tf.Qwen2Config(**common),
        "qwen3_5": lambda: tf.Qwen3_5TextConfig(**narrow, **linear),
        "llama3": lambda: tf.LlamaConfig(
            **common, tie_word_embeddings=True,
            rope_parameters={
                **rope, "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
        ),
        "deepseek_v3": lambda: tf.DeepseekV3Config(  # keys and values of different widths, made from a latent vector
            **{**common, "num_key_value_heads": 4}, **moe, n_routed_experts=4, n_shared_experts=1, n_group=2,
            topk_group=1, moe_intermediate_size=16, first_k_dense_replace=1, q_lora_rank=16, kv_lora_rank=16,
            qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=12,
        ),
        "gemma2": lambda: tf.Gemma2Config(
            **narrow, **sliding, attn_logit_softcapping=5.0, final_logit_softcapping=10.0, query_pre_attn_scalar=8,
        ),
        "gemma4": lambda: tf.Gemma4TextConfig(
            **narrow, **sliding, **per_layer, layer_types=[*MIXED[:2], "full_attention"], num_kv_shared_layers=0,
            num_global_key_value_heads=1, final_logit_softcapping=10.0,
        ),
        "gemma4_shared": lambda: tf.Gemma4TextConfig(  # the last two layers use keys and values of earlier ones
            **{**narrow, "num_hidden_layers": 4}, **sliding, **per_layer, layer_types=MIXED[:2] * 2,
            num_kv_shared_layers=2,
        ),
        "gemma3_images": lambda: tf.Gemma3Config(
            text_config=_configs(vocabulary)["gemma3"]().to_dict(), vision_config=eyes, mm_tokens_per_image=4
        ),
        "mistral3": lambda: tf.Mistral3Config(
            text_config=_configs(vocabulary)["mistral"]().to_dict(), vision_config={**eyes, "model_type": "pixtral"}
        ),
        "seed_oss": lambda: tf.SeedOssConfig(**narrow),
        "phi3_long": lambda: tf.Phi3Config(
            **common, original_max_position_embeddings=128, partial_rotary_factor=0.5,
            rope_parameters={
                "rope_type": "longrope", "rope_theta": 10000.0, "partial_rotary_factor": 0.5,
                "short_factor": [1.0, 1.1], "long_factor": [2.0, 3.0], "original_max_position_embeddings": 128,
            },
        ),
        "nemotron_h": lambda: tf.NemotronHConfig(
            **narrow, **moe, layers_block_type=["mamba", "attention", "moe"], mamba_num_heads=4, mamba_head_dim=16,
            ssm_state_size=8, n_groups=2, chunk_size=8, n_routed_experts=4, moe_intermediate_size=16,
        ),
        "mamba": lambda: tf.MambaConfig(
            vocab_size=vocabulary, hidden_size=32, state_size=8, num_hidden_layers=3,
            bos_token_id=None, eos_token_id=None,
        ),
        "gemma3n": lambda: tf.Gemma3nTextConfig(  # four streams between its layers, and inputs per layer
            **narrow, **sliding, layer_types=MIXED, num_kv_shared_layers=0, vocab_size_per_layer_input=vocabulary,
            hidden_size_per_layer_input=8, laurel_rank=4, activation_sparsity_pattern=[0.0] * 3,
        ),
        "granite": lambda: tf.GraniteConfig(
            **common, logits_scaling=4.0, residual_multiplier=0.5, embedding_multiplier=3.0, attention_multiplier=0.3,
        ),
        "cohere": lambda: tf.CohereConfig(**common, logit_scale=0.25),  # attention and MLP side by side
        "opt": lambda: tf.OPTConfig(  # embeddings are narrower than the stream, and its norms come after
            vocab_size=vocabulary, hidden_size=32, ffn_dim=48, num_hidden_layers=3, num_attention_heads=4,
            word_embed_proj_dim=16, do_layer_norm_before=False, max_position_embeddings=CONTEXT, pad_token_id=None,
            bos_token_id=None, eos_token_id=None, init_std=0.25,
        ),
        "roberta": lambda: tf.RobertaConfig(  # counts positions from 2 on
            vocab_size=vocabulary, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
            max_position_embeddings=CONTEXT, is_decoder=True, initializer_range=0.25, bos_token_id=None,
            eos_token_id=None,
        ),
        "bart": lambda: tf.BartConfig(  # the decoder alone
            vocab_size=vocabulary, d_model=32, decoder_layers=3, encoder_layers=3, decoder_ffn_dim=48,
            encoder_ffn_dim=48, decoder_attention_heads=4, encoder_attention_heads=4,
            max_position_embeddings=CONTEXT, init_std=0.25, bos_token_id=None, eos_token_id=None,
        ),
        "bloom": lambda: tf.BloomConfig(
            vocab_size=vocabulary, hidden_size=32, n_layer=3, n_head=4, initializer_range=0.25,
            bos_token_id=None, eos_token_id=None,
        ),
    }  # fmt: skip


def hf_model(family: str, vocabulary: int, seed: int = 0) -> Any:
    """A random float32 model in eval mode."""
    return random_model(_configs(vocabulary)[family](), seed)


def random_model(config: Any, seed: int = 0) -> Any:
    """A random float32 model of a config, in eval mode."""
    from cotlens.models.model_config import auto_class

    torch.manual_seed(seed)
    model = auto_class(config).from_config(config).eval().float()
    for name, parameter in model.named_parameters():
        if "sinks" in name or "bias" in name or "correct_output_scale" in name:
            torch.nn.init.normal_(parameter, std=0.5)
        elif not torch.isfinite(parameter).all() or parameter.numel() == 0:
            torch.nn.init.normal_(parameter, std=0.25)
    return model


@cache
def pair(family: str) -> tuple[Any, Any]:
    """A model and tokenizer of `family`; OLMo 3 marks thoughts with ordinary text, GPT-2 has no chat template."""
    if family == "olmo3":
        tok = tokenizer(template=OPENED, markers=())
    elif family == "gpt2":
        tok = tokenizer(template=None, specials=("<|endoftext|>",), markers=())
    else:
        tok = tokenizer()
    return hf_model(family, len(tok)), tok


@cache
def model(family: str) -> Any:
    """The loaded `LocalModel` of `family`, shared by all tests."""
    from cotlens.models.load import load

    return load(pair(family))
