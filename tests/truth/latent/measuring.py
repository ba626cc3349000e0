"""What is known of latents, and what measures and a lens say of it: on problems that nothing was tuned on.

Two things are known for certain of a thought of which each latent says its part of a terse one:

- read: the answer copies the last total. With all other latents held, only the two that say it can matter, where the
  other thought says another digit there.
- told: where another thought's latent says the same digit of a total, nothing should change; where it says another,
  the answer should.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import cotlens as cl
from cotlens.measure.stats.detection import auroc
from cotlens.organisms import latent_cases, total_groups

SEED = 4711
MODELS = ("abacus-latent", "abacus-latent-rotated", "abacus-latent-pause")
CONTROL = "abacus-latent-pause"
CHANGES, THOUGHTS, EXCHANGED = 3, 24, 60
ROUNDING = 1e-3  # nats; effects of the control are below 1e-5
Rows = list[dict[str, Any]]


@cache
def _model(name: str) -> Any:
    return cl.load(name, store=False)


def ranked(name: str) -> Rows:
    """AUROC of effects for what is known to matter, and of the lens's confidence for the same; two rows."""
    model, cases = _model(name), latent_cases(THOUGHTS, CHANGES, SEED)
    traces = model.reason([case.prompt for case in cases], temperature=0)
    kept = [(case, trace) for case, trace in zip(cases, traces, strict=True) if trace.read_answer() is not None]
    last = set(total_groups(CHANGES)[-1])
    totals = [step for group in total_groups(CHANGES) for step in group]
    read, told = [], []
    for at, (case, trace) in enumerate(kept):
        other_case, other = kept[(at + 1) % len(kept)]
        sure = cl.latent.LatentLens().run(trace, model, says=case.says).columns["estimate"]
        direct = _effects(model, trace, other, "direct")
        apart = [own != its for own, its in zip(case.says, other_case.says, strict=True)]
        read.append((direct, sure, np.array([step in last and one for step, one in enumerate(apart)])))
        total = _effects(model, trace, other, "total")[totals]
        told.append((total, sure[totals], np.array([apart[step] for step in totals])))
    return [_row(name, "read", read), _row(name, "told", told)]


def _effects(model: Any, trace: Any, donor: Any, effect: str) -> Any:
    """Sizes of effects, nats; what is no more than the rounding of a pass is none."""
    method = cl.latent.LatentAblation(mode="donor", effect=effect)
    found = np.abs(method.run(trace, model, others=[donor]).columns["estimate"])
    return np.where(found < ROUNDING, 0.0, found)


def _row(name: str, question: str, found: list[tuple[Any, Any, Any]]) -> dict[str, Any]:
    effects, sure, truth = (np.stack([one[part] for one in found]) for part in range(3))
    rng = np.random.default_rng(SEED)
    draws = rng.integers(0, len(found), (1000, len(found)))  # thoughts, not latents, are drawn again
    interval = np.nanquantile([auroc(effects[draw].ravel(), truth[draw].ravel()) for draw in draws], [0.025, 0.975])
    return {
        "model": name, "question": question, "thoughts": len(found), "latents": int(truth.size),
        "auroc": auroc(effects.ravel(), truth.ravel()), "low": float(interval[0]), "high": float(interval[1]),
        "decodable": auroc(sure.ravel(), truth.ravel()),
    }  # fmt: skip


def used(name: str) -> Rows:
    """Of each total: decodable, exchanged and followed; a row per change."""
    found = cl.latent.decodable_and_used(
        _model(name), latent_cases(EXCHANGED, CHANGES, SEED + 1), groups=total_groups(CHANGES), seed=SEED
    )
    names = ("decodable", "estimate", "low", "high", "stays", "kept", "n")
    return [
        {"model": name, "change": at + 1, "right": found.extras["right"] / EXCHANGED}
        | {one: float(found.columns[one][at]) for one in names}
        for at in range(len(found))
    ]
