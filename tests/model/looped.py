"""Small models that think in depth, trained here for a moment and written as their families' own files are.

What they compute is written out below, a text at a time and without any cache, with nothing but the tensors on disk:
the loop that the loaded models are held to. The task is to say the word that a question ends with.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from tests.model import tiny

WIDTH, HEADS, INNER = 32, 4, 48
STEPS = {"huginn": 3, "ouro": 4}
QUESTIONS = ("Say pears", "Say twelve", "Mia says user", "First say wait")
_VALUES = {"std": 0.3, "embed_scale": 2.0, "embedding": 0.02, "out_proj": 0.01}


def tokenizer() -> Any:
    """Of words."""
    return tiny.tokenizer()


def config(family: str, vocabulary: int) -> dict[str, Any]:
    """What config.json says, with what public checkpoints have in it beside."""
    if family == "ouro":
        return {
            "model_type": "ouro", "architectures": ["OuroForCausalLM"], "vocab_size": vocabulary, "hidden_size": WIDTH,
            "intermediate_size": INNER, "num_hidden_layers": 2, "num_attention_heads": HEADS, "num_key_value_heads": 2,
            "total_ut_steps": STEPS[family], "early_exit_threshold": 1.0, "rope_theta": 1000.0, "rms_norm_eps": 1e-6,
            "max_position_embeddings": 256, "tie_word_embeddings": False, "hidden_act": "silu", "use_cache": True,
            "layer_types": ["full_attention"] * 2, "use_sliding_window": False, "sliding_window": None,
            "torch_dtype": "float32", "auto_map": {"AutoModelForCausalLM": "modeling_ouro.OuroForCausalLM"},
        }  # fmt: skip
    return {
        "model_type": "huginn_raven", "architectures": ["RavenForCausalLM"], "n_embd": WIDTH, "n_heads": HEADS,
        "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "n_layers": 4, "n_layers_in_prelude": 1,
        "n_layers_in_recurrent_block": 2, "n_layers_in_coda": 1, "intermediate_size": INNER, "vocab_size": vocabulary,
        "padded_vocab_size": vocabulary, "block_size": 256, "rope_base": 1000, "norm_eps": 1e-6, "bias": False,
        "qk_bias": True, "tie_embeddings": True, "tie_word_embeddings": True, "mean_recurrence": STEPS[family],
        "mean_backprop_depth": 2, "injection_type": "linear", "test_time_noise": 0, "init_values": _VALUES,
        "block_class_name": "SandwichBlock", "torch_dtype": "float32",
        "auto_map": {"AutoModelForCausalLM": "raven_modeling_minimal.RavenForCausalLM"},
    }  # fmt: skip


def tensors(family: str, vocabulary: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """Drawn ones under the names on disk."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int, scale: float | None = None) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * (scale or shape[-1] ** -0.5)

    def gain() -> torch.Tensor:
        return 1 + 0.2 * torch.randn(WIDTH, generator=generator)

    if family == "ouro":
        found = {"model.embed_tokens.weight": drawn(vocabulary, WIDTH, scale=1), "model.norm.weight": gain()}
        found |= {"lm_head.weight": drawn(vocabulary, WIDTH), "model.early_exit_gate.weight": drawn(1, WIDTH)}
        found["model.early_exit_gate.bias"] = drawn(1, scale=1)
        for layer in range(2):
            name = f"model.layers.{layer}"
            for part, rows in (("q", WIDTH), ("k", WIDTH // 2), ("v", WIDTH // 2), ("o", WIDTH)):
                found[f"{name}.self_attn.{part}_proj.weight"] = drawn(rows, WIDTH)
            found |= {f"{name}.mlp.{part}_proj.weight": drawn(INNER, WIDTH) for part in ("gate", "up")}
            found[f"{name}.mlp.down_proj.weight"] = drawn(WIDTH, INNER)
            for norm in ("input_layernorm", "post_attention_layernorm"):
                found |= {f"{name}.{norm}{more}.weight": gain() for more in ("", "_2")}
        return found
    found = {"transformer.wte.weight": drawn(vocabulary, WIDTH), "transformer.ln_f.weight": gain()}
    found["transformer.adapter.weight"] = drawn(WIDTH, 2 * WIDTH)
    for name in ("prelude.0", "core_block.0", "core_block.1", "coda.0"):
        name = f"transformer.{name}"
        found |= {f"{name}.norm_{i}.weight": gain() for i in (1, 2, 3, 4)}
        found |= {f"{name}.attn.Wqkv.weight": drawn(3 * WIDTH, WIDTH), f"{name}.attn.proj.weight": drawn(WIDTH, WIDTH)}
        found[f"{name}.attn.qk_bias"] = drawn(2, 1, HEADS, WIDTH // HEADS, scale=0.5)
        found |= {f"{name}.mlp.fc.weight": drawn(2 * INNER, WIDTH), f"{name}.mlp.proj.weight": drawn(WIDTH, INNER)}
    return found


def normed(x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """By the root mean square."""
    return x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * gain


def _attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """[heads, n, width] of each, a token seeing itself and what came before."""
    n = query.shape[1]
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    seen = torch.ones(n, n, dtype=torch.bool).tril()
    return torch.softmax(scores.masked_fill(~seen, -torch.inf), -1) @ value


def _angles(n: int, width: int) -> torch.Tensor:
    return torch.arange(n)[:, None] * 1000.0 ** (-torch.arange(0, width, 2) / width)


def _ouro_layer(found: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    n, width = len(x), WIDTH // HEADS
    angles = _angles(n, width)

    def turned(part: torch.Tensor) -> torch.Tensor:  # the first half of a head with its second
        one, other = part[..., : width // 2], part[..., width // 2 :]
        return torch.cat([one * angles.cos() - other * angles.sin(), other * angles.cos() + one * angles.sin()], -1)

    y = normed(x, found[f"{name}.input_layernorm.weight"])
    query, key, value = (
        (y @ found[f"{name}.self_attn.{part}_proj.weight"].T).view(n, -1, width).transpose(0, 1) for part in "qkv"
    )
    twice = (part.repeat_interleave(2, 0) for part in (turned(key), value))
    y = _attended(turned(query), *twice).transpose(0, 1).reshape(n, WIDTH) @ found[f"{name}.self_attn.o_proj.weight"].T
    x = x + normed(y, found[f"{name}.input_layernorm_2.weight"])
    y = normed(x, found[f"{name}.post_attention_layernorm.weight"])
    y = F.silu(y @ found[f"{name}.mlp.gate_proj.weight"].T) * (y @ found[f"{name}.mlp.up_proj.weight"].T)
    return x + normed(y @ found[f"{name}.mlp.down_proj.weight"].T, found[f"{name}.post_attention_layernorm_2.weight"])


def _huginn_layer(found: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    n, width = len(x), WIDTH // HEADS
    turn = torch.polar(torch.ones(n, width // 2), _angles(n, width))[:, None]

    def turned(part: torch.Tensor) -> torch.Tensor:  # neighbours as complex numbers
        pairs = torch.view_as_complex(part.reshape(n, HEADS, -1, 2).contiguous())
        return torch.view_as_real(pairs * turn).flatten(2)

    q, k, v = (
        (normed(x, found[f"{name}.norm_1.weight"]) @ found[f"{name}.attn.Wqkv.weight"].T)
        .view(n, 3, HEADS, width)
        .unbind(1)
    )
    bias = found[f"{name}.attn.qk_bias"]
    heads = (part.transpose(0, 1) for part in (turned(q + bias[0]), turned(k + bias[1]), v))
    y = _attended(*heads).transpose(0, 1).reshape(n, WIDTH) @ found[f"{name}.attn.proj.weight"].T
    x = normed(x + y, found[f"{name}.norm_2.weight"])
    gate, value = (normed(x, found[f"{name}.norm_3.weight"]) @ found[f"{name}.mlp.fc.weight"].T).split(INNER, -1)
    return normed(x + (F.silu(gate) * value) @ found[f"{name}.mlp.proj.weight"].T, found[f"{name}.norm_4.weight"])


def run(
    family: str, found: dict[str, torch.Tensor], ids: list[int], steps: int, state: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """What is predicted at every token, [n, vocabulary], and what each holds after every step, [n, steps, width].

    Args:
        state: that a Huginn begins with, [n, width].
    """
    held = []
    if family == "ouro":
        x = found["model.embed_tokens.weight"][torch.tensor(ids)]
        for _ in range(steps):
            for layer in range(2):
                x = _ouro_layer(found, f"model.layers.{layer}", x)
            held.append(x)
            x = normed(x, found["model.norm.weight"])
        return x @ found["lm_head.weight"].T, torch.stack(held, 1)
    assert state is not None
    prelude = _VALUES["embed_scale"] * found["transformer.wte.weight"][torch.tensor(ids)]
    prelude, x = _huginn_layer(found, "transformer.prelude.0", prelude), state
    for _ in range(steps):
        x = torch.cat([x, prelude], -1) @ found["transformer.adapter.weight"].T
        for layer in range(2):
            x = _huginn_layer(found, f"transformer.core_block.{layer}", x)
        held.append(x)
    x = _huginn_layer(found, "transformer.coda.0", normed(x, found["transformer.ln_f.weight"]))
    return normed(x, found["transformer.ln_f.weight"]) @ found["transformer.wte.weight"].T, torch.stack(held, 1)


@cache
def trained(family: str) -> tuple[dict[str, torch.Tensor], list[float]]:
    """Tensors, and the losses of a moment's training: to say what a question ends with, at any depth."""
    words, losses = tokenizer(), []
    found = {name: part.requires_grad_() for name, part in tensors(family, len(words)).items()}
    optimizer = torch.optim.AdamW(found.values(), lr=3e-3, weight_decay=0)
    for step in range(24):
        torch.manual_seed(step)
        ids = words.encode(QUESTIONS[step % len(QUESTIONS)], add_special_tokens=False)
        state = torch.randn(len(ids), WIDTH) * 0.5
        logits, _ = run(family, found, ids, 1 + step % STEPS[family], state)
        loss = F.cross_entropy(logits[-1:], torch.tensor(ids[-1:]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return {name: part.detach() for name, part in found.items()}, losses


def write(folder: Path, family: str, **changed: Any) -> Path:
    """A folder as the family's repository is; `changed` are settings of its config.json."""
    words, (found, _) = tokenizer(), trained(family)
    folder.mkdir(parents=True, exist_ok=True)
    said = {**config(family, len(words)), **changed}
    (folder / "config.json").write_text(json.dumps(said), encoding="utf-8")
    more = {"freqs_cis": torch.zeros(1, 256, 1, WIDTH // HEADS // 2, 2)} if family == "huginn" else {}
    save_file({**found, **more}, folder / "model.safetensors", metadata={"format": "pt"})
    words.save_pretrained(folder)
    return folder
