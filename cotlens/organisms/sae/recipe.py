"""How the shipped SAE is made.

It is trained on thoughts about problems of the train split, judged on thoughts that the model itself wrote about
problems of the test split, and its latents are looked at on further held-out thoughts. Writes the SAE in the format of
SAELens, `dashboard.json`, `measured.json` and the card `README.md`. Deterministic on one machine; some seven minutes on
two CPU cores.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure import features
from cotlens.models.contract import Model
from cotlens.organisms.sae.card import card
from cotlens.organisms.store import WEIGHTS
from cotlens.organisms.task.grammar import recognise
from cotlens.organisms.task.injected_errors import draw_plant
from cotlens.organisms.task.problem import Split
from cotlens.organisms.task.problems import problems
from cotlens.organisms.task.thoughts import ROLES, write
from cotlens.trace import Trace
from cotlens.trace.align import tokens_covering

FOLDER = WEIGHTS / "sae"
SITES = ("resid_post.0", "resid_post.1", "resid_post.2")
SITE = SITES[1]  # the middle; its neighbours do as well to within 0.01 of explained variance (`--compare`)
RECIPE = {"latents": 1024, "k": 16, "steps": 3000, "batch": 1024, "silent_after": 50_000}
SHORT = {**RECIPE, "steps": 1500, "batch": 512, "silent_after": 30_000}
LIMIT = 1_500_000  # bytes of the dashboard
WRONG, CORRECTED = 0.3, 0.1  # shares of thoughts with a wrong number, and of these that correct it: as in training


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
            at = span.char_start
            first, end = tokens_covering(trace.offsets, at + place.start, at + place.end)
            mark(f"{part} of a sum", first, end)
            mark(f"before the {part} of a sum", first - 1, first)
    return found


def make(
    model: Model, folder: Path, scale: float = 1.0, recipe: dict[str, Any] | None = None, site: str = SITE
) -> dict[str, Any]:
    """Train, judge and write the SAE of `model`; what was measured. `scale` is of the numbers of texts."""
    chosen, began = features.Recipe(**(recipe or RECIPE)), time.monotonic()
    sae = features.train_sae(model, composed(model, round(1500 * scale), "train", 1), site, chosen)
    seconds = round(time.monotonic() - began)
    print(f"trained in {seconds} s", flush=True)
    quality = features.measure_quality(model, sae, written(model, round(60 * scale), 2))
    looked_at = composed(model, round(300 * scale), "test", 3)
    board = features.make_dashboard(model, sae, looked_at, describe=describe)
    target = features.save_sae(sae, folder, "float16")
    board.save(target, LIMIT)
    found = {
        "site": site,
        "recipe": asdict(chosen),
        "wrong": WRONG,
        "training_seconds": seconds,
        "quality": _judged(quality),
        "labels": _labels(board),
    }
    (target / "measured.json").write_text(json.dumps(found, indent=2) + "\n")
    (target / "README.md").write_text(card(found, sae, board))
    return found


def _judged(quality: Any) -> dict[str, float]:
    derived = {name: getattr(quality, name) for name in ("loss_recovered", "loss_recovered_from_mean")}
    return {name: round(value, 4) for name, value in {**asdict(quality), **derived}.items()}


def _labels(board: Any) -> dict[str, Any]:
    scores = board.score[np.isfinite(board.score)]
    return {
        "latents seen": len(board),
        "labelled": len(scores),
        "median score": round(float(np.median(scores)), 3) if len(scores) else None,
        "score of 0.8 or more": int((scores >= 0.8).sum()),
    }


def compare(model: Model, sites: Sequence[str] = SITES, scale: float = 0.3) -> dict[str, Any]:
    """The quality that a shorter run of the recipe reaches at each site: how `SITE` was chosen."""
    texts, held = composed(model, round(1500 * scale), "train", 1), written(model, round(60 * scale), 2)
    recipe, train, judge = features.Recipe(**SHORT), features.train_sae, features.measure_quality
    return {site: judge(model, train(model, texts, site, recipe), held) for site in sites}
