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
    moe = {"num_experts_per_tok": 2}
    rope = {"rope_type": "default", "rope_theta": 10000.0}
    return {
        "qwen3": lambda: tf.Qwen3Config(**narrow),
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
            linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=8, linear_value_head_dim=8,
            layer_types=["linear_attention", "full_attention", "linear_attention"],
        ),
        "mamba": lambda: tf.MambaConfig(
            vocab_size=vocabulary, hidden_size=32, state_size=8, num_hidden_layers=3,
            bos_token_id=None, eos_token_id=None,
        ),
        "bloom": lambda: tf.BloomConfig(
            vocab_size=vocabulary, hidden_size=32, n_layer=3, n_head=4, initializer_range=0.25,
            bos_token_id=None, eos_token_id=None,
        ),
    }  # fmt: skip


def hf_model(family: str, vocabulary: int, seed: int = 0) -> Any:
    """A random float32 model in eval mode."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = _configs(vocabulary)[family]()
    model = AutoModelForCausalLM.from_config(config).eval().float()
    for name, parameter in model.named_parameters():
        if "sinks" in name or "bias" in name:
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
