"""What the siblings that think in latents do: right answers, what their latents say, and whether they are used.

Measured by `cotlens.measure.latent` on held-out problems, the three siblings in the same way: the one without feedback
is the others' control.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cotlens.measure.latent.ablation import LatentAblation
from cotlens.measure.latent.side_by_side import decodable_and_used
from cotlens.measure.stats import wilson
from cotlens.organisms import store
from cotlens.organisms.task.problems import MAX_STEPS
from cotlens.organisms.truth.latents import latent_cases, total_groups

ASKED = (1, 2, 3, 4, 6)
"""Numbers of changes of which every total is exchanged."""
ABLATED = 3


def measure(model: Any, n: int, seed: int = 21) -> dict[str, Any]:
    """Accuracy for every number of changes, lens and interchange for some, ablation for one.

    Args:
        model: as `cotlens.load` gives it.
        n: problems of each number of changes.
    """
    return {
        "n": n,
        "seed": seed,
        "right": {changes: _right(model, n, changes, seed) for changes in range(1, MAX_STEPS + 1)},
        "used": {changes: _used(model, n, changes, seed) for changes in ASKED},
        "ablated": _ablated(model, n, seed),
    }


def _right(model: Any, n: int, changes: int, seed: int) -> list[float]:
    """Share of right answers, and its interval."""
    cases = latent_cases(n, changes, seed)
    traces = model.reason([case.prompt for case in cases], seed=seed, temperature=0)
    right = sum(_answer(trace) == case.answer for trace, case in zip(traces, cases, strict=True))
    interval = wilson(right, n)
    return [right / n, float(interval.low), float(interval.high)]


def _answer(trace: Any) -> str:
    found = trace.read_answer()
    return "" if found is None else str(found.text)


def _used(model: Any, n: int, changes: int, seed: int) -> dict[str, list[float | None]]:
    """For each change: share of its total's latents that say it, and of interchanges that are followed; their n.

    None where no case counts.
    """
    found = decodable_and_used(model, latent_cases(n, changes, seed + 1), groups=total_groups(changes), seed=seed)
    names = ("decodable", "estimate", "low", "high", "n", "stays")
    table = {name: np.asarray(found.columns[name], np.float64).round(4).tolist() for name in names}
    return {name: [None if np.isnan(one) else one for one in column] for name, column in table.items()}


def _ablated(model: Any, n: int, seed: int) -> dict[str, list[float]]:
    """For each latent of three changes: share that is still right with its mean in its place, total and direct."""
    cases = latent_cases(n, ABLATED, seed + 2)
    traces = model.reason([case.prompt for case in cases], seed=seed, temperature=0)
    right = [(one, at) for at, (one, case) in enumerate(zip(traces, cases, strict=True)) if _answer(one) == case.answer]
    found = {}
    for effect in ("total", "direct"):
        method = LatentAblation(mode="mean", effect=effect)
        kept = [
            np.asarray(method.run(trace, model, others=[*traces[:at], *traces[at + 1 :]]).columns["kept"])
            for trace, at in right
        ]
        found[effect] = np.mean(kept, 0).round(4).tolist() if kept else []
    return found


def loaded(name: str, folder: Path) -> Any:
    """A model of a folder, as measures need it."""
    from cotlens.models.local.model import LocalModel
    from cotlens.trace.answers import Number

    pair = store.load_pair(name, folder)
    return LocalModel(*pair, name=name, reader=Number(), latent=store.latent_format(name, folder))
