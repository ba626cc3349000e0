"""Which tokens a latent makes more or less probable, read off its decoder row directly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.models.contract import Model

_BLOCK = 64  # directions x vocabulary that are held at a time

Weighted = tuple[str, float]


@dataclass(frozen=True)
class Direct:
    """What one latent, active at 1, adds to logits on the direct path: later layers and the final scale left out.

    Args:
        raises, lowers: (token, logit added), the largest and the smallest, most extreme first.
    """

    raises: tuple[Weighted, ...]
    lowers: tuple[Weighted, ...]


def top_logits(model: Model, sae: SAE, latents: Sequence[int] | NDArray[np.int64], k: int = 5) -> list[Direct]:
    """The `k` tokens that each of `latents` raises and lowers most.

    Raises:
        InputError: there is no such latent, or the SAE is of another width than the model.
        CapabilityError: the model has no final norm or output embedding that is known.
    """
    chosen, found, k = check.indices("latents", latents), [], check.whole("k", k, 1)
    for start in range(0, len(chosen), _BLOCK):
        logits = model.unembed(sae.directions(chosen[start : start + _BLOCK]))
        k = min(k, logits.shape[1])
        for row in logits:
            top = np.argpartition(-row, k - 1)[:k]
            bottom = np.argpartition(row, k - 1)[:k]
            found.append(
                Direct(
                    _weighted(model, row, top[np.argsort(-row[top], kind="stable")]),
                    _weighted(model, row, bottom[np.argsort(row[bottom], kind="stable")]),
                )
            )
    return found


def pieces(model: Model, ids: Sequence[int]) -> list[str]:
    """The text each token stands for by itself."""
    return [piece.decode("utf-8", "replace") for piece in model.codec.pieces([int(token) for token in ids])]


def _weighted(model: Model, row: NDArray[np.float32], at: NDArray[np.int64]) -> tuple[Weighted, ...]:
    return tuple((piece, round(float(row[i]), 4)) for i, piece in zip(at, pieces(model, at.tolist()), strict=True))
