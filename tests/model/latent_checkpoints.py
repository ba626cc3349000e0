"""Small latent reasoners trained here for a moment, and written as Coconut's and CODI's own code writes them.

The loops below are those papers' methods in a few lines of plain transformers, a question at a time: what the loaded
models are held to. The task is to say the word that a question ends with.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.model import tiny

QUESTIONS = ("Say pears", "Say twelve", "Mia says user", "First say wait")
LATENTS = 4  # two at each of two stages
WIDTH = 32
RANK, ALPHA = 4, 16.0
SETTINGS = {"c_thought": 2, "max_latent_stage": 3, "epochs_per_stage": 3, "pad_latent_to_max": True, "model_id": "tiny"}


def base(family: str = "gpt2") -> tuple[Any, Any]:
    """A model and tokenizer of words, as a base is."""
    tokenizer = tiny.tokenizer(template=None, specials=("<|endoftext|>",), markers=())
    tokenizer.eos_token = "<|endoftext|>"
    return tiny.hf_model(family, len(tokenizer), seed=5), tokenizer


def write_base(folder: Path, family: str = "gpt2") -> None:
    """Config and tokenizer of the base."""
    hf, tokenizer = base(family)
    hf.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def loop(hf: Any, ids: list[int], count: int, project: Any) -> torch.Tensor:
    """Latents [count, d] before projection and, of the last, what its position says, by whole passes."""
    inputs, latents = hf.get_input_embeddings()(torch.tensor([ids])), []
    for _ in range(count):
        hidden = hf(inputs_embeds=inputs, output_hidden_states=True).hidden_states[-1][:, -1]
        latents.append(hidden)
        inputs = torch.cat([inputs, project(hidden)[:, None]], 1)
    return torch.stack(latents, 1)[0], inputs


def _trained(
    hf: Any, project: Any, parameters: list[Any], question: Any, closing: list[int], answer: Any
) -> list[float]:
    optimizer, losses = torch.optim.AdamW(parameters, lr=3e-3), []
    for step in range(24):
        text = QUESTIONS[step % len(QUESTIONS)]
        _, inputs = loop(hf, question(text), LATENTS, project)
        tail = torch.tensor([closing + answer(text)])
        whole = torch.cat([inputs, hf.get_input_embeddings()(tail)], 1)
        logits = hf(inputs_embeds=whole).logits[0, inputs.shape[1] + len(closing) - 1 : -1]
        loss = nn.functional.cross_entropy(logits, torch.tensor(answer(text)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@cache
def coconut() -> tuple[Any, Any, Any, list[float]]:
    """(model, tokenizer, a question's ids, losses) of a Coconut: three tokens after the base's, nothing projected."""
    hf, tokenizer = base()
    for token in ("<|start-latent|>", "<|end-latent|>", "<|latent|>"):
        tokenizer.add_tokens(token)
    start, end, _ = range(len(tokenizer) - 3, len(tokenizer))
    hf.resize_token_embeddings(len(tokenizer), mean_resizing=False)

    def question(text: str) -> list[int]:
        return [*tokenizer.encode(text + "\n", add_special_tokens=True), start]

    def answer(text: str) -> list[int]:
        return [*tokenizer.encode("### " + text.split()[-1]), tokenizer.eos_token_id]

    losses = _trained(hf, nn.Identity(), list(hf.parameters()), question, [end], answer)
    return hf.eval(), tokenizer, question, losses


def write_coconut(folder: Path, name: str = "checkpoint_7") -> None:
    """The state dict as torch saves it, of a wrapper that holds the model and, again, its embedding."""
    hf = coconut()[0]
    write_base(folder)
    state = {f"base_causallm.{key}": value for key, value in hf.state_dict().items()}
    torch.save({**state, "embedding.weight": hf.get_input_embeddings().weight.detach()}, folder / name)
    (folder / "gsm_coconut.yaml").write_text("\n".join(f"{key}: {value}" for key, value in SETTINGS.items()))


class _Adapted(nn.Module):
    """A projection with an adapter beside it, both named as PEFT names them."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        wide, out = inner.weight.shape  # GPT-2 keeps its weights [in, out]
        self.base_layer = inner
        self.lora_A = nn.ModuleDict({"default": nn.Linear(wide, RANK, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(RANK, out, bias=False)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base_layer(x) + ALPHA / RANK * self.lora_B["default"](self.lora_A["default"](x))


@cache
def codi() -> tuple[Any, Any, Any, list[float], Any]:
    """The same of a CODI, with its projection: adapters in every block, two linear maps and a norm."""
    hf, tokenizer = base()
    vocabulary = hf.config.vocab_size
    hf.resize_token_embeddings(vocabulary + 3, mean_resizing=False)
    torch.manual_seed(1)
    for block in hf.transformer.h:
        for part, name in ((block.attn, "c_attn"), (block.attn, "c_proj"), (block.mlp, "c_fc"), (block.mlp, "c_proj")):
            setattr(part, name, _Adapted(getattr(part, name)))
    project = nn.Sequential(nn.Dropout(0.0), nn.Linear(WIDTH, 24), nn.GELU(), nn.Linear(24, WIDTH))
    project.add_module("ln", nn.LayerNorm(WIDTH))

    def question(text: str) -> list[int]:
        return [*tokenizer.encode(text), vocabulary + 1]

    def answer(text: str) -> list[int]:
        return [*tokenizer.encode("The answer is: " + text.split()[-1]), tokenizer.eos_token_id]

    learning = [part for name, part in hf.named_parameters() if "lora" in name or "wte" in name]
    losses = _trained(hf, project, [*learning, *project.parameters()], question, [vocabulary + 2], answer)
    return hf.eval(), tokenizer, question, losses, project


def write_codi(folder: Path) -> None:
    """Weights, adapters and projection in one file of safetensors."""
    from safetensors.torch import save_file

    hf, _, _, _, project = codi()
    write_base(folder)
    state = {f"codi.base_model.model.{key}": value for key, value in hf.state_dict().items() if key != "lm_head.weight"}
    state |= {f"prj.{key}": value for key, value in project.state_dict().items()}
    save_file({key: value.detach().clone().contiguous() for key, value in state.items()}, folder / "model.safetensors")


def narrowed(folder: Path, hidden: int) -> None:
    """The same config with another hidden size."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "n_embd": hidden}))
