"""Vectors that need no fitting: latents of autoencoders, tokens, and values from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.method import model_data
from cotlens.measure.steering.norms import Text, check_layer, residual_norm
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Model
from cotlens.results import Provenance
from cotlens.trace import Trace

if TYPE_CHECKING:
    from cotlens.measure.features.autoencoder.sae import SAE

Reference = Trace | Sequence[Text] | None


def from_latent(
    sae: SAE,
    latent: int,
    layer: int | None = None,
    *,
    model: Model | None = None,
    traces: Reference = None,
    name: str | None = None,
) -> Vector:
    """The decoder row of a latent, added to the residual stream after `layer` (default: the layer that the SAE reads).

    Args:
        model, traces: where the residual norm is measured; without them a coefficient can only be given raw.

    Raises:
        InputError: there is no such latent or layer, or the SAE reads the embedding and no layer was given.
    """
    site = sae.config.site
    if layer is None and "." not in site:
        raise InputError(
            f"This SAE reads {site!r}, which is before all layers; say with layer= where to add its latent."
        )
    at = int(site.split(".")[1]) if layer is None else layer
    values = sae.directions([latent])[0]
    code = f"cl.steering.from_latent(sae, {latent}, layer={at})"
    made = {"latent": int(latent), "site": site, "sae_model": sae.config.model_name, "code": code}
    return _made(name or f"latent {latent}", at, values, "latent", made, model, traces)


def from_token(
    model: Model, token: str | int, layer: int, *, traces: Reference = None, name: str | None = None
) -> Vector:
    """The direction in the residual stream that raises the logit of `token` most: its row of the unembedding, with the
    gain of the final norm.

    Args:
        token: its id, or a text that is one token (" wait" with its space).
        traces: where the residual norm is measured.

    Raises:
        InputError: the text is not one token, or there is no such id or layer.
        CapabilityError: the model doesn't show its unembedding.
    """
    check_layer(model, layer)
    index = _token_id(model, token)
    row = _unembedding_row(model, index)
    text = b"".join(model.codec.pieces([index])).decode("utf-8", "replace")
    made = {"token": index, "text": text, "code": f"cl.steering.from_token(model, {token!r}, layer={layer})"}
    return _made(name or f"token {text!r}", layer, row, "token", made, model, traces)


def given(
    values: Any,
    layer: int,
    *,
    name: str = "given",
    unit: float = math.nan,
    model: Model | None = None,
    traces: Reference = None,
) -> Vector:
    """A vector of given values [d_model].

    Args:
        unit: mean residual norm at the layer, if it is known; else it is measured on `model` and `traces`, if given.

    Raises:
        InputError: the values aren't one finite vector, or don't fit the model.
    """
    code = f"cl.steering.given(values, {layer}, name={name!r})"
    made = _made(name, layer, values, "given", {"code": code}, model, traces, unit)
    if model is not None:
        made.check(model)
    return made


def _made(
    name: str,
    layer: int,
    values: Any,
    method: str,
    settings: dict[str, Any],
    model: Model | None,
    traces: Reference,
    unit: float = math.nan,
) -> Vector:
    about: dict[str, Any] = {}
    if model is not None:
        check_layer(model, layer)
        about = model_data(model)
        if traces is not None and math.isnan(unit):
            unit = residual_norm(model, layer, traces)
    return Vector(name, layer, values, unit, Provenance.record(method=method, settings=settings, **about))


def _token_id(model: Model, token: str | int) -> int:
    if not isinstance(token, str):
        return check.whole("token", token, 0)
    ids = model.codec.encode(token)
    if len(ids) != 1:
        raise InputError(
            f"{token!r} is {len(ids)} tokens to {model.name!r}, not one; give a token's id or its exact text, leading "
            "space included."
        )
    return int(ids[0])


def _unembedding_row(model: Model, token: int) -> np.ndarray[Any, Any]:
    """The row, found by unembedding the unit vectors of the residual stream a block at a time."""
    from cotlens.measure.steering.norms import width

    d = width(model)
    eye = np.eye(d, dtype=np.float32)
    step = max(1, min(d, 256))
    parts = []
    for start in range(0, d, step):
        logits = model.unembed(eye[start : start + step])
        if not 0 <= token < logits.shape[1]:
            raise InputError(f"There is no token {token}; {model.name!r} has ids 0 to {logits.shape[1] - 1}.")
        parts.append(logits[:, token])
    return np.concatenate(parts)
