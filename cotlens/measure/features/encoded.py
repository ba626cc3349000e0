"""A text as latents, with how much of each token the reconstruction misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.features.activations import SINK
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.latents import Latents
from cotlens.models.contract import Capability, Model, remedy
from cotlens.trace import Trace

POOR = 0.5
"""Above this share of variance left over, the latents of a token don't tell its story."""
_BLOCK = 2048  # tokens that are reconstructed at a time


@dataclass(frozen=True, eq=False)
class Encoded:
    """The latents of a text.

    Args:
        latents: of every token; none at the first, which is left out (see `activations.SINK`).
        error: float32 [n], |x - x'|² / |x - mean|², x' the reconstruction, the mean over this text; NaN at the first.
        explained_variance: 1 - sum |x - x'|² / sum |x - mean|².
    """

    latents: Latents
    error: NDArray[np.float32]
    explained_variance: float


def encode_text(model: Model, sae: SAE, text: Trace | Sequence[int]) -> Encoded:
    """Read `text` at the SAE's site and encode it, a block of tokens at a time.

    Raises:
        InputError: a text of one token, or a SAE of another width or of a layer that the model doesn't have.
        CapabilityError: the model's activations can't be read.
        Cancelled: between two blocks.
    """
    if Capability.READ not in model.capabilities:
        raise CapabilityError(
            f"The activations of {model.name!r} can't be read: {remedy(Capability.READ, model.backend)}."
        )
    ids = text.token_ids if isinstance(text, Trace) else tuple(text)
    if len(ids) <= SINK:
        raise InputError("The text has no token beyond the first, which is left out; give a longer one.")
    return encode_activations(sae, model.read(text, sae.config.site)[sae.config.site])


def encode_activations(sae: SAE, activations: NDArray[np.float32]) -> Encoded:
    """The same for activations float32 [n, d_in] of a whole text."""
    given, current = activations[SINK:], control.current()
    parts, left = [], []
    for start in range(0, len(given), _BLOCK):
        current.check()
        block = given[start : start + _BLOCK]
        parts.append(sae.encode(block))
        left.append(np.square(block - sae.decode(parts[-1])).sum(1))
    spread = np.square(given - given.mean(0)).sum(1)
    missed = np.concatenate(left)
    error = np.divide(missed, spread, out=np.full(len(given), np.nan, np.float32), where=spread > 0)
    whole = float(spread.sum(dtype=np.float64))
    explained = 1 - float(missed.sum(dtype=np.float64)) / whole if whole else float("nan")
    nothing = np.full(SINK, np.nan, np.float32)
    return Encoded(_shifted(Latents.join(parts, sae.config.d_sae)), np.concatenate([nothing, error]), explained)


def _shifted(latents: Latents) -> Latents:
    """With the tokens that were left out back in front, empty."""
    zeros = np.zeros(SINK, np.float32)
    return replace(
        latents,
        bounds=np.append([0] * SINK, latents.bounds),
        shift=None if latents.shift is None else np.append(zeros, latents.shift),
        scale=None if latents.scale is None else np.append(zeros, latents.scale),
    )
