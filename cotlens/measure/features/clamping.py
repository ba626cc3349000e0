"""From an autoencoder to an intervention: its latents held at an activation, with the weights that takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.sites import place
from cotlens.models.contract import ClampFeature, Positions


def clamp(
    sae: SAE,
    latents: int | Sequence[int],
    values: float | Sequence[float] = 0.0,
    *,
    mode: Literal["clamp", "scale"] = "clamp",
    positions: Positions = None,
) -> ClampFeature:
    """Hold latents of `sae` at `values`, or scale them by these; the default takes them out.

        model.resume(trace.truncate(60), interventions=cl.features.clamp(sae, 118, 6.0, positions=range(48, 60)))

    Give all latents that are to be held at one place in one call: they then read the same activation, whereas several
    interventions act one after the other. A TopK autoencoder's whole encoder travels with it, since whether one of its
    latents is active depends on all others.

    Args:
        latents: their numbers.
        values: activations (mode "clamp") or factors (mode "scale"), one for all or one each.
        positions: token indices; None for every token. `range(n, cl.features.EVER)` also covers what is still written.

    Raises:
        InputError: there is no such latent, a value isn't finite, or the SAE's site can only be read.
    """
    chosen = check.indices("latents", [latents] if np.ndim(latents) == 0 else latents)
    decoder = sae.directions(chosen)
    kind, layer = place(sae.config.site)
    encoder, bias, threshold = _topk(sae) if sae.config.architecture == "topk" else _single(sae, chosen)
    return ClampFeature(
        layer=layer,
        features=tuple(chosen.tolist()),
        values=tuple(np.atleast_1d(check.array("values", values)).tolist()),
        encoder=encoder,
        bias=bias,
        threshold=threshold,
        decoder=decoder,
        k=sae.config.k if sae.config.architecture == "topk" else 0,
        normalize=sae.config.normalize_activations,  # type: ignore[arg-type]
        mode=mode,
        positions=positions,
        site=kind,  # type: ignore[arg-type]
        sae=sae.folder.name if sae.folder is not None else str(sae.config.metadata.get("release", "")),
    )


Columns = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _single(sae: SAE, chosen: NDArray[np.int64]) -> Columns:
    """Encoder columns, biases and thresholds of some latents, as those of a JumpReLU."""
    weights = {
        name: tensor[..., chosen].cpu().numpy().astype(np.float64)
        for name, tensor in sae.weights.items()
        if name not in ("W_dec", "b_dec")
    }
    slope = np.exp(weights["r_mag"]) if sae.config.architecture == "gated" else np.ones(len(chosen))
    encoder = weights["W_enc"] * slope
    # The decoder's bias comes off the input: a constant once it went through the encoder.
    off = sae.weights["b_dec"].cpu().numpy() @ encoder if sae.config.apply_b_dec_to_input else 0.0
    if sae.config.architecture == "gated":
        bias = weights["b_mag"] - off
        threshold = weights["b_mag"] - slope * weights["b_gate"]
    else:
        bias, threshold = weights["b_enc"] - off, weights.get("threshold", np.zeros(len(chosen)))
    return encoder.astype(np.float32), bias.astype(np.float32), np.maximum(threshold, 0).astype(np.float32)


_encoders: dict[str, Columns] = {}
_KEPT = 2  # whole encoders


def _topk(sae: SAE) -> Columns:
    """The whole encoder, made once per autoencoder and known by its content: interventions share it."""
    content = sae.fingerprint
    if content not in _encoders:
        while len(_encoders) >= _KEPT:
            _encoders.pop(next(iter(_encoders)))
        _encoders[content] = _made(sae)
    return _encoders[content]


def _made(sae: SAE) -> Columns:
    encoder = np.array(sae.weights["W_enc"].cpu().numpy())
    off = sae.weights["b_dec"].cpu().numpy() @ encoder if sae.config.apply_b_dec_to_input else 0.0
    made = (
        encoder,
        np.array(sae.weights["b_enc"].cpu().numpy() - off, np.float32),
        np.zeros(sae.config.d_sae, np.float32),
    )
    for array in made:
        array.setflags(write=False)
    return made
