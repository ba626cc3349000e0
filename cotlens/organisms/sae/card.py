"""The card of a shipped SAE, written from what was measured: no figure in it is typed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

TEXT = """# A sparse autoencoder of Abacus

{latents:,} latents of `{site}` ({hook} in TransformerLens's words) of the reasoner that ships with CoTLens, TopK with
k = {k}, in the format of SAELens 6: `cl.features.load_sae("abacus")` and `sae_lens.SAE.load_from_disk` open it.

## What it is for

Course material, demo and test bed of `cl.features`. It was trained on `abacus` alone: on its siblings, which were
fine-tuned from it, read the explained variance of each table before its latents.

## Recipe

`python -m cotlens.organisms.sae`: {tokens:,} activations of thoughts about problems of the train split
(written by the task's own grammar, {wrong:.0%} of them with a wrong number), {steps:,} steps of {batch:,} tokens
({seconds} s on two CPU cores beside other work), learning rate {rate}, an auxiliary loss of weight {auxiliary:.3g} on
latents that were silent for {silent:,} tokens (Gao et al. 2024, arXiv 2406.04093). The first token of a text is left
out throughout.

## Measured

On thoughts that the model wrote itself, at temperature 1, about problems of the test split ({n:,} tokens):

| | |
| --- | ---: |
| explained variance | {explained:.4f} |
| latents active per token (L0) | {l0:.2f} |
| latents never active there | {dead:.2%} |
| loss, nats per token written ({scored:,} tokens) | {loss:.4f} |
| ... with the reconstruction in place of the activation | {rebuilt:.4f} |
| ... with zero in its place | {zero:.4f} |
| ... with the mean in its place | {mean:.4f} |
| loss recovered, against zero | {recovered:.4f} |
| loss recovered, against the mean | {from_mean:.4f} |

`dashboard.json` holds, for the {seen:,} latents that are active in {texts} further held-out thoughts, density, largest
activation, top contexts, top and bottom logits, and an automatic label: the one of {concepts} concepts (tokens and
their neighbours, numbers, roles, moves of the task's grammar) whose places the latent finds best, chosen on one half of
the texts. {labelled:,} latents have one (F1 of 0.5 or more on that half); on the other half the median F1 is {score},
and {good:,} reach 0.8. The others have no label, since none of these concepts fits them.

| latent | label | F1, other half | density | most active on |
| ---: | --- | ---: | ---: | --- |
{rows}
"""
SHOWN = 12


def card(found: dict[str, Any], sae: Any, board: Any) -> str:
    """The card as Markdown.

    Args:
        found: what `recipe.make` measured.
        sae: the `cl.features.SAE`.
        board: its `Dashboard`, where the example rows come from: the best labels, one row per label.
    """
    quality, recipe, labels, config = found["quality"], found["recipe"], found["labels"], sae.config
    return TEXT.format(
        latents=config.d_sae,
        site=config.site,
        hook=config.metadata["hook_name"],
        k=config.k,
        tokens=config.metadata["training_tokens"],
        wrong=found["wrong"],
        steps=recipe["steps"],
        batch=recipe["batch"],
        seconds=found["training_seconds"],
        rate=recipe["learning_rate"],
        auxiliary=recipe["auxiliary"],
        silent=recipe["silent_after"],
        n=quality["tokens"],
        explained=quality["explained_variance"],
        l0=quality["l0"],
        dead=quality["dead"],
        scored=quality["scored"],
        loss=quality["loss"],
        rebuilt=quality["loss_reconstructed"],
        zero=quality["loss_zero"],
        mean=quality["loss_mean"],
        recovered=quality["loss_recovered"],
        from_mean=quality["loss_recovered_from_mean"],
        seen=labels["latents seen"],
        texts=board.about["traces"],
        concepts=board.about["concepts"],
        labelled=labels["labelled"],
        score=labels["median score"],
        good=labels["score of 0.8 or more"],
        rows="\n".join(_rows(board)),
    )


def _rows(board: Any) -> list[str]:
    rows: dict[str, str] = {}
    for row in np.argsort(-np.nan_to_num(board.score, nan=-1.0), kind="stable"):
        label = board.label[row]
        if label and label not in rows:
            before, token, after, _ = board.contexts[row][0]
            shown = f"{before[-24:]}[{token}]{after[:8]}".replace("|", "\\|").replace("\n", "↵")
            rows[label] = (
                f"| {board.latents[row]} | {label} | {board.score[row]:.2f} | {board.density[row]:.2%} | `{shown}` |"
            )
    return list(rows.values())[:SHOWN]
