"""Automatic labels: the concept that a latent's activity matches best, and how well it does on texts not looked at.

A label claims that the latent is active above some share of its maximum exactly where the concept holds. Its score is
F1, the harmonic mean of how often it is right when the latent is active and how much of the concept the latent finds.
Label and threshold are chosen on one half of the texts, the score is taken on the other, so it is not flattered by the
choice. A latent that no concept fits stays without a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.features.latents import Latents

SHARES = (0.0, 0.25, 0.5)
"""Thresholds that are tried, as shares of a latent's maximum on the half where it is chosen."""
LEAST = 0.5
"""Labels that do worse than this where they are chosen are not given."""


@dataclass(frozen=True)
class Label:
    """What a latent is called.

    Args:
        text: the concept; "" where none fits.
        chosen: F1 on the half it was chosen on.
        score: F1 on the other half; NaN without a label, or where neither latent nor concept comes up there.
        share: the threshold, as a share of the latent's maximum.
    """

    text: str
    chosen: float
    score: float
    share: float


UNLABELLED = Label("", float("nan"), float("nan"), 0.0)


def label_latents(
    latents: Latents, flags: NDArray[np.bool_], names: Sequence[str], half: NDArray[np.bool_]
) -> dict[int, Label]:
    """Labels of all latents that are active in the half that labels are chosen on.

    Args:
        flags: bool [tokens, concepts], named by `names`.
        half: bool [tokens], whether labels are chosen on the token; on the others they are scored.
    """
    active, bounds, tokens, values = latents.transposed()
    supports = {True: flags[half].sum(0), False: flags[~half].sum(0)}
    found = {}
    for row, latent in enumerate(active):
        mine = slice(bounds[row], bounds[row + 1])
        found[int(latent)] = _label(tokens[mine], values[mine], flags, names, half, supports)
    return found


def _label(
    tokens: NDArray[np.int64],
    values: NDArray[np.float32],
    flags: NDArray[np.bool_],
    names: Sequence[str],
    half: NDArray[np.bool_],
    supports: dict[bool, NDArray[np.int64]],
) -> Label:
    inside = half[tokens]
    if not inside.any() or not names:
        return UNLABELLED
    top, best = float(values[inside].max()), UNLABELLED
    for share in SHARES:
        above = values > share * top
        scores = _f1(flags, tokens[above & inside], supports[True])
        concept = int(scores.argmax())
        chosen = float(scores[concept])
        if chosen >= LEAST and not chosen <= best.chosen:
            held = _f1(flags[:, [concept]], tokens[above & ~inside], supports[False][[concept]])
            best = Label(names[concept], chosen, float(held[0]), share)
    return best


def _f1(flags: NDArray[np.bool_], tokens: NDArray[np.int64], support: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 of "active at `tokens`" for every concept; NaN where neither holds anywhere."""
    hits, either = flags[tokens].sum(0), len(tokens) + support
    return np.divide(2 * hits, either, out=np.full(len(support), np.nan), where=either > 0)
