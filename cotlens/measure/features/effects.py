"""What the answer owes to a latent: exactly, by taking it out, or to first order for all latents at once.

Ablating latent l takes its part a_l(t) W_dec[l] of the reconstruction off the activation of every token t where it is
active, up to and with the forced answer; what the SAE doesn't reconstruct is left as it is. With m the metric of the
forced answer (see `measure.answers.forced`),

    effect = m(as it is) - m(latent ablated)          + = the latent supports the answer

    estimate = sum over t of a_l(t) W_dec[l] . dm/dx(t)

The text is held fixed: what the model would have written without the latent is another question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import ForcedQuery, score_queries, target_answer
from cotlens.measure.answers.forms import form_of
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.sites import place
from cotlens.measure.features.encoded import encode_activations
from cotlens.measure.features.latents import Latents
from cotlens.models.contract import AnswerBranch, Model, Patch
from cotlens.trace import Trace
from cotlens.trace.latents import followed

_BLOCK = 4096  # entries whose decoder rows are held at a time


@dataclass(frozen=True, eq=False)
class ForcedTarget:
    """The forced answer whose change is asked for: its metric, its tokens, and the whole sequence with them."""

    target: str
    metric: str
    end: int
    answer: AnswerBranch
    ids: Trace | tuple[int, ...]


def forced_target(model: Model, trace: Trace, target: str | None, metric: str) -> ForcedTarget:
    """The answer after the whole thought.

    Raises:
        InputError: the trace has no thought, or no answer and none was given.
    """
    if "thought" not in trace.roles:
        raise InputError(
            "This trace has no thought to answer after, so no effect can be measured: give one with a thought."
        )
    value, end = target_answer(trace, target, model.reader).surface, trace.roles["thought"].end
    answer = model.answer_branch(trace, end, value, form_of(trace, model))
    return ForcedTarget(value, metric, end, answer, followed(trace, end, answer.token_ids))


def exact(
    model: Model, sae: SAE, trace: Trace, asked: ForcedTarget, latents: Sequence[int]
) -> Iterator[tuple[float, float]]:
    """(metric as it is, metric with the latent ablated), one latent after the other; a forward pass each.

    Raises:
        InputError: there is no such latent, or the SAE's site can only be read.
        Cancelled: between two latents.
    """
    kind, layer = place(sae.config.site)
    sae.directions(latents)
    activations = model.read(asked.ids, sae.config.site)[sae.config.site]
    found, current = encode_activations(sae, activations).latents, control.current()
    before = _metric(model, trace, asked, None)
    for done, latent in enumerate(latents):
        current.check()
        current.report(done, len(latents), "ablating latents")
        part = sae.contribution(found, int(latent))
        at = np.flatnonzero(part.any(1))
        change = Patch(layer, tuple(at.tolist()), activations[at] - part[at], kind)  # type: ignore[arg-type]
        with control.using(current.silent()):
            after = _metric(model, trace, asked, change) if len(at) else before
        yield before, after
    current.report(len(latents), len(latents), "ablating latents")


def first_order(model: Model, sae: SAE, trace: Trace, asked: ForcedTarget) -> dict[int, float]:
    """The estimate for every latent that is active somewhere up to the answer; one forward and one backward pass."""
    slopes = model.gradient(trace, asked.answer, sae.config.site, at=asked.end, metric=asked.metric)
    site = sae.config.site
    latents = encode_activations(sae, slopes.activations[site]).latents
    return _along(sae, latents, slopes.gradients[site])


def _along(sae: SAE, latents: Latents, slopes: NDArray[np.float32]) -> dict[int, float]:
    values = latents.values.astype(np.float64)
    tokens = latents.tokens
    if latents.scale is not None:
        values = values * latents.scale[tokens]
    for start in range(0, len(values), _BLOCK):
        block = slice(start, start + _BLOCK)
        values[block] *= (sae.directions(latents.index[block]) * slopes[tokens[block]]).sum(1)
    active, row = np.unique(latents.index, return_inverse=True)
    sums = np.bincount(row, weights=values, minlength=len(active))
    return {int(latent): float(total) for latent, total in zip(active, sums, strict=True)}


def _metric(model: Model, trace: Trace, asked: ForcedTarget, change: Patch | None) -> float:
    [forced] = score_queries(model, trace, [ForcedQuery(asked.answer, asked.end)], () if change is None else [change])
    return float(getattr(forced, asked.metric))
