"""The training recipe: `python -m cotlens.models.abacus.train [NAME] [--out DIR]`.

Trains from scratch on fresh problems of the train split: next-token loss on the targets of `dataset.py`, AdamW,
linear warm-up and cosine decay to zero. Deterministic for a seed on one machine; uses a GPU when there is one.
Recipes are data (`RECIPES`); the tokenizer is built from its own seed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens.models.abacus import dataset, store, tokenizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Stage:
    """One run of the optimizer, from warm-up to a learning rate of zero. `batch_tokens` bounds a padded batch."""

    steps: int
    learning_rate: float = 3e-3
    batch_tokens: int = 7000
    mix: dataset.Mix = field(default_factory=dataset.Mix)


@dataclass(frozen=True)
class Recipe:
    """How one model is trained: stages in order, the first from random weights."""

    name: str
    stages: tuple[Stage, ...]
    warmup: int = 150
    weight_decay: float = 0.02
    seed: int = 0


# Changes recalled in words other than the story's teach to find the next change by its place; at temperature 1 every
# word chosen so is one more chance to go wrong, so the second stage settles on the story's own words.
RECIPES = {
    "abacus": Recipe(
        "abacus",
        stages=(
            Stage(steps=4000, mix=dataset.Mix(echo=False, timed=False)),
            Stage(steps=3600, learning_rate=2e-3, batch_tokens=5000, mix=dataset.Mix(timed=False)),
            Stage(steps=1500, learning_rate=1.5e-3, batch_tokens=5000),
        ),
    )
}

SHAPE = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 32,
    "intermediate_size": 384,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
    "rope_theta": 10000.0,
}


def batches(
    examples: Iterator[dataset.Example], rng: random.Random, batch_tokens: int
) -> Iterator[list[dataset.Example]]:
    """Batches of examples of similar length, at most `batch_tokens` padded tokens each, in random order."""
    while True:
        pool = sorted(itertools.islice(examples, 1200), key=lambda example: len(example.ids))
        groups: list[list[dataset.Example]] = [[]]
        for example in pool:
            if len(example.ids) * (len(groups[-1]) + 1) > batch_tokens:
                groups.append([])
            groups[-1].append(example)
        rng.shuffle(groups)
        yield from (group for group in groups if group)


def collate(group: list[dataset.Example], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded ids and labels, int64 [batch, length]."""
    import torch

    width = max(len(example.ids) for example in group)
    ids = torch.full((len(group), width), pad)
    labels = torch.full((len(group), width), dataset.IGNORE)
    for row, example in enumerate(group):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        labels[row, : len(example.ids)] = torch.tensor(example.labels)
    return ids, labels


def loss_of(model: Any, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of the targets, in nats; logits are computed at targets only."""
    import torch

    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    targets = labels[:, 1:]
    wanted = targets != dataset.IGNORE
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]), targets[wanted])


def train(recipe: Recipe) -> tuple[Any, Any, dict[str, Any]]:
    """Train `recipe` from scratch: model, tokenizer and a record of what was done."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(recipe.seed)
    coder = tokenizer.build(seed=recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    special = {"bos_token_id": None, "eos_token_id": coder.eos_token_id, "pad_token_id": coder.pad_token_id}
    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(coder), **SHAPE, **special)).to(device)
    stages = [run_stage(model, coder, recipe, number) for number in range(len(recipe.stages))]
    return model.eval().to("cpu"), coder, {"recipe": asdict(recipe), "device": device, "stages": stages}


def run_stage(model: Any, coder: Any, recipe: Recipe, number: int, report_every: int = 100) -> dict[str, Any]:
    """Train `model` in place through one stage; its seconds and final loss."""
    import torch

    stage, seed = recipe.stages[number], recipe.seed + 1000 * number
    model.train()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=stage.learning_rate, betas=(0.9, 0.98))
    source = batches(dataset.stream(coder, seed, stage.mix), random.Random(seed), stage.batch_tokens)
    began, losses = time.monotonic(), []
    for step in range(stage.steps):
        decay = 0.5 * (1 + math.cos(math.pi * step / stage.steps))
        for group in optimizer.param_groups:
            group["lr"] = stage.learning_rate * min(1, (step + 1) / recipe.warmup) * decay
        ids, labels = collate(next(source), coder.pad_token_id)
        loss = loss_of(model, ids.to(model.device), labels.to(model.device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % report_every == report_every - 1:
            recent, elapsed = sum(losses[-report_every:]) / report_every, time.monotonic() - began
            print(f"stage {number + 1} step {step + 1} loss {recent:.4f} {elapsed:.0f} s", flush=True)
    return {"steps": stage.steps, "seconds": round(time.monotonic() - began), "loss": sum(losses[-100:]) / 100}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="abacus", choices=sorted(RECIPES))
    parser.add_argument(
        "--out", type=Path, default=store.WEIGHTS, help="folder to write to (default: the package's own)"
    )
    options = parser.parse_args()
    model, coder, record = train(RECIPES[options.name])
    store.save(options.name, model, coder, options.out)
    (options.out / f"{options.name}.training.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
