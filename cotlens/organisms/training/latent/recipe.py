"""The siblings that think in latents, and how each is made: `python -m cotlens.organisms.training.latent.recipe NAME`.

1. terse: `abacus` learns to think five tokens a change, in text.
2. ridge: a linear map from the hidden state before a token of that thought to the token's embedding, in closed form.
3. latent: the tokens give way to latents. The loss is that of the answer, and of each latent's own logits.

Batches of the third stage hold problems of one number of changes. Nothing here was tuned on test problems.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from cotlens.organisms import store
from cotlens.organisms.task.problem import LIMIT
from cotlens.organisms.task.terse import PER_CHANGE, Planted, places_of_total, totals
from cotlens.organisms.training.latent import feedback as loop
from cotlens.organisms.training.latent.examples import TerseExample, example, stream
from cotlens.organisms.training.recipes import Recipe
from cotlens.organisms.training.train import optimizers_of, rate_at

LATENT = 0  # the id that stands for a latent; the tokenizer's padding, which no thought holds
IGNORED = -100  # what torch's cross-entropy leaves out
LENGTHS = (1, 1, 2, 3, 4, 4, 4, 4)
"""How often problems of 1 to 8 changes are drawn."""


@dataclass(frozen=True)
class LatentRecipe:
    """How a latent sibling is made from the terse one.

    Args:
        steps: of the third stage; batch: problems in each.
        swap: share of batches in which half of the thoughts are handed another's total, and go on from it.
        longer_every: steps after which problems of one more change join, from two on.
        feedback_rate: of the map from a latent to an embedding; its inputs are ten times as long as its outputs.
        constant: the control without feedback; rotated: latents that are read through a rotation.
        blinded: whether the loss has a part for each latent by which the output embedding, without the rotation, tells
            the symbols of a thought apart.
    """

    name: str
    steps: int = 700
    batch: int = 32
    swap: float = 0.5
    constant: bool = False
    rotated: bool = False
    blinded: bool = False
    longer_every: int = 60
    learning_rate: float = 5e-4
    muon_rate: float = 0.005
    feedback_rate: float = 1e-4
    seed: int = 0


TERSE = Recipe("abacus-terse", steps=1000, learning_rate=2e-3, muon_rate=0.012, base="abacus", warmup=50, seed=5)
TURNED = Recipe("abacus-terse-turned", steps=300, learning_rate=2e-3, muon_rate=0.012, warmup=20, seed=6)
"""What the rotated sibling learns before its latents: to say its thought through the rotation."""
_BLIND = LatentRecipe("abacus-latent-blinded", rotated=True, blinded=True, longer_every=1)
BLINDED = (
    replace(_BLIND, steps=200, learning_rate=3e-4, muon_rate=0.003),
    replace(_BLIND, steps=300, seed=1),
)
"""What it learns after them. Without it a latent says its token in both ways: the old one is never unlearnt."""
RECIPES = {
    recipe.name: recipe
    for recipe in (
        LatentRecipe("abacus-latent"),
        LatentRecipe("abacus-latent-pause", constant=True, steps=500, swap=0.0),
        LatentRecipe("abacus-latent-rotated", rotated=True),
    )
}


def train_terse(model: Any, coder: Any, recipe: Recipe, feedback: loop.Feedback | None = None, batch: int = 36) -> None:
    """Teach the terse thought in text; a loss on every token after the prompt."""
    examples = stream(coder, random.Random(f"terse-{recipe.seed}"))
    optimizers = optimizers_of(model, recipe)
    began = time.monotonic()
    for step in range(recipe.steps):
        loss = terse_loss(model, [next(examples) for _ in range(batch)], feedback)
        descend(model, optimizers, recipe, step, loss)
        if step % 100 == 99:
            print(f"terse {step + 1} loss {float(loss.detach()):.4f} {time.monotonic() - began:.0f} s", flush=True)


def terse_loss(model: Any, group: list[TerseExample], feedback: loop.Feedback | None = None) -> torch.Tensor:
    """Mean negative log-likelihood of thoughts and answers, in nats; thoughts as a rotated latent would say them."""
    rows = [one.prompt + one.thought + one.answer for one in group]
    ids, mask = loop.left_padded(rows, model.config.pad_token_id)
    hidden = model.model(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0))[0]
    wanted = torch.zeros_like(mask, dtype=torch.bool)
    thought = torch.zeros_like(wanted)
    for row, one in enumerate(group):
        wanted[row, -len(one.thought) - len(one.answer) :] = True
        thought[row, -len(one.thought) - len(one.answer) - 1 : -len(one.answer) - 1] = True
    if feedback is not None:
        hidden = torch.where(thought[..., None], feedback.seen(hidden), hidden)
    return cross_entropy(model.lm_head(hidden[:, :-1][wanted[:, 1:]]), ids[:, 1:][wanted[:, 1:]])


def descend(model: Any, optimizers: list[Any], recipe: Any, step: int, loss: torch.Tensor) -> None:
    """One step of every optimizer at its rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.setdefault("peak", group["lr"])
            group["lr"] = group["peak"] * rate_at(step, recipe)
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for o in optimizers for g in o.param_groups for p in g["params"]], 1.0)
    for optimizer in optimizers:
        optimizer.step()


@torch.no_grad()
def fit_ridge(model: Any, feedback: loop.Feedback, coder: Any, seed: int, problems: int = 400) -> None:
    """Set the map from what stands before a token of a terse thought to the token's embedding."""
    examples = stream(coder, random.Random(f"ridge-{seed}"))
    hidden, targets = [], []
    for _ in range(problems):
        one = next(examples)
        states = model.model(input_ids=torch.tensor([one.prompt + one.thought]))[0][0]
        hidden.append(states[len(one.prompt) - 1 : -1])
        targets.append(model.get_input_embeddings().weight[torch.tensor(one.thought)])
    weight, bias = loop.ridge(feedback.seen(torch.cat(hidden)), torch.cat(targets))
    feedback.weight.copy_(weight)
    feedback.bias.copy_(bias)


def latent_loss(
    model: Any, feedback: loop.Feedback, group: list[TerseExample], swap: Swap | None = None, blinded: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses of the answers and of the latents' own logits (and of what they say unrotated, if `blinded`), in nats."""
    hand_on = swap.hand_on if swap else None
    thinking = loop.think(model, feedback, [one.prompt for one in group], len(group[0].thought), hand_on)
    thoughts = torch.tensor([one.thought for one in group])
    if swap:
        thoughts[len(group) // 2 :, list(swap.tokens)] = IGNORED  # what is handed over can't be known from the prompt
    own = cross_entropy(model.lm_head(feedback.seen(thinking.latents)).flatten(0, 1), thoughts.flatten())
    if blinded:
        own = own + told_apart(model, thinking.latents, sorted({token for one in group for token in one.thought}))
    width = max(len(one.answer) for one in group)
    answers = torch.tensor([one.answer + [IGNORED] * (width - len(one.answer)) for one in group])
    hidden = loop.go_on(model, thinking, answers.clamp(min=0))[:, :-1]
    wanted = answers != IGNORED
    return cross_entropy(model.lm_head(hidden[wanted]), answers[wanted]), own


def told_apart(model: Any, latents: torch.Tensor, symbols: list[int]) -> torch.Tensor:
    """KL of what the output embedding says of some symbols from saying nothing of them, in nats."""
    said = torch.log_softmax(model.lm_head(latents)[..., symbols], -1)
    return -said.mean() - math.log(len(symbols))


@dataclass(frozen=True)
class Swap:
    """The second half of a batch is handed the first half's total after a change, where the story allows for it."""

    after: int
    allowed: torch.Tensor

    @property
    def tokens(self) -> tuple[int, int]:
        """The two digits of the total: their places in the thought."""
        return places_of_total(self.after)

    def hand_on(self, number: int, own: torch.Tensor) -> torch.Tensor:
        """See `feedback.think`."""
        if number not in self.tokens:
            return own
        donors, receivers = own.chunk(2)
        return torch.cat([donors, torch.where(self.allowed[:, None], donors, receivers)])


def swapped(coder: Any, group: list[TerseExample], after: int) -> tuple[list[TerseExample], Swap]:
    """A batch whose second half goes on from the totals of its first, and where it does."""
    donors, receivers = group[: len(group) // 2], group[len(group) // 2 :]
    allowed = []
    for at, (donor, receiver) in enumerate(zip(donors, receivers, strict=True)):
        planted = Planted(after, donor.problem.totals()[after])
        allowed.append(all(0 <= total <= LIMIT for total in totals(receiver.problem, planted)))
        if allowed[-1]:
            receivers[at] = example(coder, receiver.problem, planted)
    return donors + receivers, Swap(after, torch.tensor(allowed))


def train_latent(model: Any, feedback: loop.Feedback, coder: Any, recipe: LatentRecipe) -> None:
    """Teach the latents, of short problems first: what is handed on wrongly is wrong in all that follows."""
    rng = random.Random(f"{recipe.name}-{recipe.seed}")
    streams = {count: stream(coder, rng, count) for count in range(1, len(LENGTHS) + 1)}
    rates = Recipe(recipe.name, recipe.steps, recipe.learning_rate, recipe.muon_rate, warmup=40)
    optimizers = optimizers_of(model, rates)
    optimizers[1].add_param_group({"params": list(feedback.parameters()), "lr": recipe.feedback_rate})
    began, losses = time.monotonic(), []
    for step in range(recipe.steps):
        longest = min(len(LENGTHS), 2 + step // recipe.longer_every)
        count = rng.choices(range(1, longest + 1), LENGTHS[:longest])[0]
        group, swap = [next(streams[count]) for _ in range(recipe.batch)], None
        if rng.random() < recipe.swap:
            group, swap = swapped(coder, group, rng.randint(1, count))
        answer, own = latent_loss(model, feedback, group, swap, recipe.blinded)
        descend(model, optimizers, rates, step, answer + own)
        losses.append((float(answer.detach()), float(own.detach())))
        if step % 25 == 24:
            means = [sum(part) / len(part) for part in zip(*losses[-25:], strict=True)]
            seconds = time.monotonic() - began
            print(f"latent {step + 1} answer {means[0]:.4f} own {means[1]:.4f} {seconds:.0f} s", flush=True)


@torch.no_grad()
def accuracy(model: Any, feedback: loop.Feedback | None, coder: Any, n: int = 100, seed: int = 9) -> dict[int, float]:
    """Share of right answers by number of changes, on problems of the validation split, written greedily."""
    right = {}
    for count in range(1, len(LENGTHS) + 1):
        examples = stream(coder, random.Random(f"check-{seed}-{count}"), count, "validation")
        group = [next(examples) for _ in range(n)]
        if feedback is None:
            rows = [one.prompt + one.thought for one in group]
            written = _answers(model, loop.think(model, _NONE, rows, 0), group)
        else:
            written = _answers(
                model, loop.think(model, feedback, [one.prompt for one in group], PER_CHANGE * count), group
            )
        right[count] = written
    return right


_NONE = loop.Feedback(torch.zeros(1, 1), torch.zeros(1))


def _answers(model: Any, thinking: loop.Thinking, group: list[TerseExample]) -> float:
    """Share of answers whose every token is the likeliest, given those before."""
    width = max(len(one.answer) for one in group)
    answers = torch.tensor([one.answer + [IGNORED] * (width - len(one.answer)) for one in group])
    hidden = loop.go_on(model, thinking, answers.clamp(min=0))[:, :-1]
    best = model.lm_head(hidden).argmax(-1)
    return float(((best == answers) | (answers == IGNORED)).all(1).float().mean())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=sorted(RECIPES), choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, required=True, help="the folder that the files go to")
    parser.add_argument("--seed", type=int, default=0, help="of the third stage, and of the rotation")
    options = parser.parse_args()
    for name in options.names:
        make(replace(RECIPES[name], seed=options.seed), options.out)


def make(recipe: LatentRecipe, folder: Path) -> None:
    """Train a sibling and save it in a folder, and the terse model before it where that isn't there yet."""
    name = recipe.name
    model, coder, runs = terse_model(folder)
    torch.manual_seed(recipe.seed)
    width = model.config.hidden_size
    rotation = torch.linalg.qr(torch.randn(width, width))[0] if recipe.rotated else None
    feedback = loop.Feedback(torch.zeros(width, width), torch.zeros(width), rotation, recipe.constant)
    began = time.monotonic()
    if recipe.rotated:
        train_terse(model.train(), coder, TURNED, feedback)
        runs = [*runs, told(TURNED, began)]
        began = time.monotonic()
    fit_ridge(model.eval(), feedback, coder, recipe.seed)
    train_latent(model.train(), feedback, coder, recipe)
    for stage in BLINDED if recipe.rotated else ():
        runs, began = [*runs, told(recipe, began)], time.monotonic()
        recipe = replace(stage, seed=recipe.seed + stage.seed)
        train_latent(model, feedback, coder, recipe)
    model.eval()
    about = {"token": LATENT, "feedback": "constant" if recipe.constant else "linear", "per_change": PER_CHANGE}
    store.save(name, model, coder, folder, feedback=feedback.state_dict(), latent=about)
    record(name, folder, [*runs, told(recipe, began)])
    print(name, json.dumps(accuracy(model, feedback, coder)), flush=True)


def terse_model(folder: Path) -> tuple[Any, Any, list[dict[str, Any]]]:
    """The model of the first stage, its tokenizer and how it came to be; from the folder where it is there."""
    if TERSE.name in store.names(folder):
        runs = json.loads((folder / f"{TERSE.name}.training.json").read_text())["runs"]
        return *store.load_pair(TERSE.name, folder), runs
    model, coder = store.load_pair("abacus")
    torch.manual_seed(TERSE.seed)
    began = time.monotonic()
    train_terse(model.train(), coder, TERSE)
    before = json.loads((store.WEIGHTS / "abacus.training.json").read_text())["runs"]
    runs = [*before, told(TERSE, began)]
    store.save(TERSE.name, model.eval(), coder, folder)
    record(TERSE.name, folder, runs)
    print(TERSE.name, json.dumps(accuracy(model, None, coder)), flush=True)
    return model, coder, runs


def told(recipe: Recipe | LatentRecipe, began: float) -> dict[str, Any]:
    """What is recorded of a run."""
    return {"recipe": asdict(recipe), "device": "cpu", "seconds": round(time.monotonic() - began)}


def record(name: str, folder: Path, runs: list[dict[str, Any]]) -> None:
    """Write how a model came to be beside its weights."""
    (folder / f"{name}.training.json").write_text(json.dumps({"runs": runs}, indent=2) + "\n")


if __name__ == "__main__":
    main()
