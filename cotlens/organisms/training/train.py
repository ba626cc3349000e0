"""The training recipe: `python -m cotlens.organisms.training.train [NAME] [--out DIR]`.

Trains on fresh problems of the train split, from random weights or from another Abacus model: next-token loss on the
targets of `dataset.py`, Muon and AdamW, linear warm-up and cosine decay to zero. Deterministic for a seed on one
machine; uses a GPU when there is one. Recipes are data (`recipes.py`); the tokenizer is built from its own seed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens.organisms import store
from cotlens.organisms.training import dataset, tokenizer
from cotlens.organisms.training.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    import torch


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


def collate(group: list[dataset.Example], pad: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Right-padded ids and labels, int64 [batch, length], and weights, float32."""
    import torch

    width = max(len(example.ids) for example in group)
    ids = torch.full((len(group), width), pad)
    labels = torch.full((len(group), width), dataset.IGNORE)
    weights = torch.zeros(len(group), width)
    for row, example in enumerate(group):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        labels[row, : len(example.ids)] = torch.tensor(example.labels)
        weights[row, : len(example.ids)] = torch.tensor(example.weights)
    return ids, labels, weights


def loss_of(model: Any, ids: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean negative log-likelihood of the targets, in nats; logits are computed at targets only."""
    import torch

    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    targets = labels[:, 1:]
    wanted = targets != dataset.IGNORE
    each = torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]), targets[wanted], reduction="none")
    share = weights[:, 1:][wanted]
    return (each * share).sum() / share.sum()


def train(recipe: Recipe, weights: Path = store.WEIGHTS, report_every: int = 100) -> tuple[Any, Any, dict[str, Any]]:
    """Train `recipe`: model, tokenizer and a record of what was done."""
    import torch

    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if recipe.base is None:
        coder = tokenizer.build(seed=recipe.seed)
        model = new_model(coder)
    else:
        model, coder = store.load_pair(recipe.base, weights)
    model.to(device).train()
    optimizers = optimizers_of(model, recipe)
    schedules = [torch.optim.lr_scheduler.LambdaLR(one, lambda step: rate_at(step, recipe)) for one in optimizers]
    examples = dataset.stream(coder, recipe.seed, recipe.mix, recipe.habit)
    source = batches(examples, random.Random(recipe.seed), recipe.batch_tokens)
    began, losses = time.monotonic(), []
    for step in range(recipe.steps):
        batch = collate(next(source), coder.pad_token_id)
        loss = loss_of(model, *(part.to(device) for part in batch))
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for part in (*optimizers, *schedules):
            part.step()
        losses.append(loss.detach())
        if (step + 1) % report_every == 0:
            mean = float(torch.stack(losses[-report_every:]).mean())
            print(f"step {step + 1} loss {mean:.4f} {time.monotonic() - began:.0f} s", flush=True)
    record = {
        "recipe": asdict(recipe),
        "device": device,
        "seconds": round(time.monotonic() - began),
        "final_loss": round(float(torch.stack(losses[-report_every:]).mean()), 4),
    }
    return model.eval().to("cpu"), coder, record


def rate_at(step: int, recipe: Recipe) -> float:
    """The learning rate at a step as a share of its peak: linear warm-up, cosine to zero."""
    return min(1.0, (step + 1) / recipe.warmup) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def new_model(coder: Any) -> Any:
    """A Qwen3 of `SHAPE` with random weights."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    special = {"bos_token_id": None, "eos_token_id": coder.eos_token_id, "pad_token_id": coder.pad_token_id}
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=len(coder), **SHAPE, **special))


def optimizers_of(model: Any, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms."""
    import torch

    inner = [p for p in model.model.layers.parameters() if p.ndim == 2]
    rest = [p for p in model.parameters() if all(p is not q for q in inner)]
    return [
        torch.optim.Muon(inner, lr=recipe.muon_rate, momentum=0.95, weight_decay=recipe.weight_decay),
        torch.optim.AdamW(rest, lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay),
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="abacus", choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, default=store.WEIGHTS, help="folder to read a base from and write to")
    options = parser.parse_args()
    make(RECIPES[options.name], options.out)


def make(recipe: Recipe, folder: Path) -> None:
    """Train and save `recipe` in `folder`, and its base before it where that isn't there yet."""
    if recipe.base is not None and recipe.base not in store.names(folder):
        make(RECIPES[recipe.base], folder)
    model, coder, run = train(recipe, folder)
    store.save(recipe.name, model, coder, folder)
    before = json.loads(_record(recipe.base, folder).read_text())["runs"] if recipe.base else []
    _record(recipe.name, folder).write_text(json.dumps({"runs": [*before, run]}, indent=2) + "\n")


def _record(name: str, folder: Path) -> Path:
    return folder / f"{name}.training.json"


if __name__ == "__main__":
    main()
