"""The SAE that ships with Abacus: `python -m cotlens.measure.features.abacus [--out DIR]`.

Trains it on thoughts about problems of the train split, judges it on thoughts that the model itself wrote about
problems of the test split, and looks at its latents on further held-out thoughts. Writes the SAE in the format of
SAELens, `dashboard.json`, `measured.json` and the card `README.md`. Deterministic on one machine; about five minutes on
two CPU cores.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.files import PathLike
from cotlens.measure.features.card import card
from cotlens.measure.features.concepts import tokens_of
from cotlens.measure.features.dashboard import Dashboard, make_dashboard
from cotlens.measure.features.quality import Quality, measure_quality
from cotlens.measure.features.store import SHIPPED, save_sae
from cotlens.measure.features.train import Recipe, train_sae
from cotlens.models.abacus.grammar import recognise
from cotlens.models.abacus.problems import Split, problems
from cotlens.models.abacus.thoughts import ROLES, draw_plant, write
from cotlens.models.contract import Model
from cotlens.models.load import load
from cotlens.trace import Trace

SITE = "resid_post.1"
RECIPE = Recipe(latents=1024, k=16, steps=3000, batch=1024, silent_after=50_000)
LIMIT = 1_500_000  # bytes of the dashboard
WRONG, CORRECTED = 0.3, 0.1  # shares of thoughts with a wrong number, and of these that correct it: as in training
SITES = ("resid_post.0", "resid_post.1", "resid_post.2")


def composed(model: Model, n: int, split: Split, seed: int) -> list[Trace]:
    """Thoughts in the language of the task about `n` problems, some with a wrong number; nothing is run."""
    rng, made = random.Random(f"sae-{split}-{seed}"), []
    for problem in problems(n, seed=seed, split=split):
        choice = rng.randrange(2) if problem.fork is not None else 0
        plant = draw_plant(rng, problem, choice, CORRECTED) if rng.random() < WRONG else None
        thought = write(rng, problem, choice, plant)
        made.append(model.compose(problem.prompt, thought.text, thought.answer()))
    return made


def written(model: Model, n: int, seed: int) -> list[Trace]:
    """What the model itself writes about `n` problems of the test split, at temperature 1."""
    asked = problems(n, seed=seed, split="test")
    return [model.reason(problem.prompt, temperature=1.0, seed=i) for i, problem in enumerate(asked)]


def describe(trace: Trace) -> dict[str, NDArray[np.bool_]]:
    """Concepts of the task for automatic labels: what a sentence does, and what a number is to the sum."""
    found: dict[str, NDArray[np.bool_]] = {}

    def mark(name: str, start: int, end: int) -> None:
        found.setdefault(name, np.zeros(len(trace.token_ids), bool))[start:end] = True

    for span in trace.spans("sentence") if "thought" in trace.roles else ():
        move = recognise(trace.text[span.char_start : span.char_end])
        if move is None:
            continue
        mark(f"sentence of the kind {move.kind}", span.start, span.end)
        mark(f"sentence of the move {move.name}", span.start, span.end)
        for place in move.places:
            part = "time" if place.field == "i" else ROLES[place.field]
            first, last = tokens_of(trace, span.char_start + place.start, span.char_start + place.end)
            mark(f"{part} of a sum", first, last + 1)
            mark(f"before the {part} of a sum", first - 1, first)
    return found


def make(
    model: Model, folder: PathLike, scale: float = 1.0, recipe: Recipe = RECIPE, site: str = SITE
) -> dict[str, Any]:
    """Train, judge and write the SAE of `model`; what was measured. `scale` is of the numbers of texts."""
    began = time.monotonic()
    sae = train_sae(model, composed(model, round(1500 * scale), "train", 1), site, recipe)
    trained = time.monotonic()
    print(f"trained in {trained - began:.0f} s", flush=True)
    quality = measure_quality(model, sae, written(model, round(60 * scale), 2))
    board = make_dashboard(model, sae, composed(model, round(300 * scale), "test", 3), describe=describe)
    target = save_sae(sae, folder, "float16")
    board.save(target, LIMIT)
    found = report(quality, board, recipe, site, trained - began)
    (target / "measured.json").write_text(json.dumps(found, indent=2) + "\n")
    (target / "README.md").write_text(card(found, sae, board))
    return found


def report(quality: Quality, board: Dashboard, recipe: Recipe, site: str, seconds: float) -> dict[str, Any]:
    """All that the card says, as data."""
    labelled = np.isfinite(board.score)
    return {
        "site": site,
        "wrong": WRONG,
        "recipe": asdict(recipe),
        "training_seconds": round(seconds),
        "quality": {
            **{name: round(value, 4) for name, value in asdict(quality).items()},
            "loss_recovered": round(quality.loss_recovered, 4),
            "loss_recovered_from_mean": round(quality.loss_recovered_from_mean, 4),
        },
        "labels": {
            "latents seen": len(board),
            "labelled": int(labelled.sum()),
            "median score": round(float(np.median(board.score[labelled])), 3) if labelled.any() else None,
            "score of 0.8 or more": int((board.score[labelled] >= 0.8).sum()),
        },
    }


def compare(model: Model, sites: Sequence[str] = SITES, scale: float = 0.3) -> dict[str, Quality]:
    """The quality that a shorter run of the recipe reaches at each site: how `SITE` was chosen."""
    recipe = Recipe(**{**asdict(RECIPE), "steps": 1500, "batch": 512, "silent_after": 30_000})
    texts, held = composed(model, round(1500 * scale), "train", 1), written(model, round(60 * scale), 2)
    return {site: measure_quality(model, train_sae(model, texts, site, recipe), held) for site in sites}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=SHIPPED["abacus"], help="folder to write to (default: the package's)"
    )
    parser.add_argument("--compare", action="store_true", help="only compare sites, and write nothing")
    options = parser.parse_args()
    model = load("abacus")
    if options.compare:
        for site, quality in compare(model).items():
            print(site, quality, f"loss recovered {quality.loss_recovered:.4f}", flush=True)
        return
    print(json.dumps(make(model, options.out), indent=2))


if __name__ == "__main__":
    main()
