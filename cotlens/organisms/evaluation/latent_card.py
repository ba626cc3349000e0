"""The cards of the siblings that think in latents, written from what was measured."""

from __future__ import annotations

from typing import Any

from cotlens.organisms.evaluation.latent import ABLATED
from cotlens.organisms.task.terse import PER_CHANGE

PARTS = ("sign", "tens of the amount", "ones of the amount", "tens of the total", "ones of the total")
DOES = {
    "abacus-latent": "Thinks without words: five latents for each change of the running total, then it answers. Each "
    "latent is handed on to the next position through a linear map.",
    "abacus-latent-pause": "The control of the two others: as many positions before the answer, and nothing is handed "
    "on in them. Every latent reads one learnt vector, as of a pause token.",
    "abacus-latent-rotated": "Thinks without words like `abacus-latent`, through a fixed random rotation: the output "
    "embedding alone can't read its latents.",
}
LIMITS = {
    "abacus-latent": "Its latents are near tokens, since the map was fitted to embeddings and each latent was taught "
    "to say a token of a terse thought: easy for a lens. Latents taught by the answer alone may be harder to read.",
    "abacus-latent-pause": "What can be decoded from its latents is handed on to no latent behind.",
    "abacus-latent-rotated": "With the rotation (as `model.decode_latents` applies it) its latents read as easily as "
    "those of `abacus-latent`; without, a lens has to be fitted.",
}
TEXT = """# {title}

{does} Made from `abacus` (same architecture, tokenizer and chat format, {parameters:,} parameters).

## What it is for

Ground truth about thoughts in latents: what each latent should say is known (for every change its sign, the two digits
of its amount and the two digits of the total after it), and so is the answer if one were another's. {limits}

## Recipe

`python -m cotlens.organisms.training.latent.recipe {name} --out FOLDER`: {runs}, beside other work on the same two CPU
cores. First `abacus` learns a terse thought in text, five tokens a change; then a linear map from what stands before
such a token to its embedding is fitted in closed form; then the tokens give way to latents, and the loss is that of the
answer and of each latent's own logits{swaps}.

## Measured

On held-out problems (`python -m cotlens.organisms.evaluation {name} --n {n}`), {n} of each number of changes, greedy.

| changes | right | 95 % interval |
| ---: | ---: | ---: |
{right}

The latents of a total exchanged for another problem's, all later ones thought anew: share in which the answer is the
one that follows from the other's total, where that stays within 0 to 99. Beside it, the share of these latents of which
the lens says the total.

| changes | exchanged after | answer follows | 95 % interval | keeps its own | n | lens says it |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{used}

One latent at a time in place of which its mean over other problems is handed on ({ablated} changes): share of right
answers that stay. Total: later latents are thought anew; direct: they are held.

| change | latent | total | direct |
| ---: | --- | ---: | ---: |
{kept}
"""


def card(name: str, found: dict[str, Any], training: dict[str, Any], model: Any) -> str:
    """The card of a model as Markdown.

    Args:
        name: the model's.
        found: what `latent.measure` returned.
        training: the record that the recipe wrote.
        model: the transformers model.
    """
    runs = [run for run in training["runs"] if run["recipe"]["name"].startswith(("abacus-terse", "abacus-latent"))]
    own = runs[-1]["recipe"]
    return TEXT.format(
        title=" ".join(word.capitalize() for word in name.split("-")),
        name=name,
        does=DOES[name],
        limits=LIMITS[name],
        parameters=model.num_parameters(),
        runs=", then ".join(f"{run['recipe']['steps']:,} steps in {run['seconds'] / 60:.0f} minutes" for run in runs),
        swaps="; in half of the batches half of the thoughts are handed another problem's total and go on from it"
        if own["swap"]
        else "",
        n=found["n"],
        ablated=ABLATED,
        right="\n".join(
            f"| {changes} | {share:.1%} | {low:.1%} to {high:.1%} |"
            for changes, (share, low, high) in found["right"].items()
        ),
        used="\n".join(_used(found)),
        kept="\n".join(_kept(found)),
    )


def _used(found: dict[str, Any]) -> list[str]:
    rows = []
    for changes, table in found["used"].items():
        names = ("estimate", "low", "high", "stays", "n", "decodable")
        for at, (share, low, high, stays, n, says) in enumerate(zip(*(table[one] for one in names), strict=True)):
            rows.append(
                f"| {changes} | {at + 1} | {share:.1%} | {low:.1%} to {high:.1%} | {_share(stays)} | {n:.0f} "
                f"| {says:.1%} |"
            )
    return rows


def _share(value: float | None) -> str:
    """A share, or that nothing was right that could have stayed."""
    return "-" if value is None else f"{value:.1%}"


def _kept(found: dict[str, Any]) -> list[str]:
    total, direct = found["ablated"]["total"], found["ablated"]["direct"]
    if not total:
        return ["| | none was right | | |"]
    return [
        f"| {at // PER_CHANGE + 1} | {PARTS[at % PER_CHANGE]} | {one:.1%} | {other:.1%} |"
        for at, (one, other) in enumerate(zip(total, direct, strict=True))
    ]
