"""Vectors that a panel makes of what is picked in it: a token, a stretch of the text, a latent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cotlens._core.errors import InputError
from cotlens.measure.steering.fitting import fit
from cotlens.measure.steering.sources import from_latent, from_token
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace
from cotlens.workbench.branches.node import short
from cotlens.workbench.steering_panel.vector_settings import stretch

if TYPE_CHECKING:
    from cotlens.measure.features.autoencoder.sae import SAE


def of_token(model: Model, trace: Trace, token_id: int) -> Vector:
    """What raises the logit of a token, after the last layer, where nothing can undo it."""
    return from_token(model, token_id, model.n_layers - 1, traces=[trace])


def of_stretch(model: Model, trace: Trace, start: int, end: int) -> Vector:
    """What tokens start..end have that the sentences of the thought beside them haven't, at the middle layer.

    Raises:
        InputError: there is no such stretch, or no sentence beside it.
    """
    span = stretch(trace, start, end)
    if span is None:
        raise InputError(
            f"Tokens {start} to {end} are no stretch of this trace; it has the tokens 0 to {len(trace.token_ids) - 1}."
        )
    others = [one for one in _sentences(trace) if one.end <= span.start or one.start >= span.end]
    if not others:
        raise InputError("No sentence of the thought stands beside this stretch to set it against; pick a shorter one.")
    layer = model.n_layers // 2
    name = f"\N{LEFT DOUBLE QUOTATION MARK}{short(trace.text[span.char_start : span.char_end])}"
    made = fit(
        model,
        [(trace, span)],
        [(trace, one) for one in others],
        layer=layer,
        name=f"{name}\N{RIGHT DOUBLE QUOTATION MARK}",
    )
    beside = f"[(trace, s) for s in trace.spans('sentence') if s.end <= {span.start} or s.start >= {span.end}]"
    code = f"cl.steering.fit(model, [(trace, cl.{span!r})], {beside}, layer={layer})"
    settings = {**made.provenance.settings, "code": code}
    return replace(made, provenance=replace(made.provenance, settings=settings))


def of_latent(model: Model, trace: Trace, sae: SAE | None, latent: int) -> Vector:
    """The decoder row of a latent, at the layer that its autoencoder reads.

    Raises:
        InputError: the panel was given no autoencoder, or it has no such latent.
    """
    if sae is None:
        raise InputError(
            "This panel has no autoencoder to take a latent of: give one with SteeringPanel(..., sae=sae)."
        )
    if not 0 <= latent < sae.config.d_sae:
        raise InputError(f"There is no latent {latent} in this SAE; it has 0 to {sae.config.d_sae - 1}.")
    return from_latent(sae, latent, model=model, traces=[trace])


def _sentences(trace: Trace) -> list[Span]:
    return trace.spans("sentence") if "thought" in trace.roles else []
