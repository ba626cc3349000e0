"""Gradients of a forced answer with respect to activations: one forward and one backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import BackendError, InputError, did_you_mean
from cotlens.models.contract import ANSWER_METRICS, AnswerBranch, Gradients
from cotlens.models.interventions import BlockAttention
from cotlens.models.reading import check_sequence

if TYPE_CHECKING:
    from cotlens.models.interventions import Intervention
    from cotlens.models.machine import Machine


def gradients(
    engine: Machine,
    ids: Sequence[int],
    answer: AnswerBranch,
    sites: Sequence[str],
    metric: str,
    embeddings: NDArray[np.float32] | None,
    interventions: Sequence[Intervention],
) -> Gradients:
    """Gradients of the metric of `answer` after `ids`, all in one pass.

    Raises:
        InputError: no site, an unknown site or metric, embeddings of another shape, or a sequence that can't be run.
        BackendError: the metric or a gradient is NaN.
    """
    whole = (*ids, *answer.token_ids)
    _check(engine, whole, answer, sites, metric, embeddings)
    if any(isinstance(item, BlockAttention) for item in interventions):
        engine.need_masks()
    control.current().check()
    first = len(ids) + answer.value_start
    value, seen, slopes = engine.differentiate(
        engine.tensor(whole), first, sites, metric, embeddings=embeddings, interventions=interventions
    )
    found = Gradients(float(value), _numpy(seen), _numpy(slopes))
    if not (np.isfinite(found.value) and all(np.isfinite(slope).all() for slope in found.gradients.values())):
        raise BackendError(
            f"The gradient of the {metric.replace('_', ' ')} is NaN or infinite; load the model with dtype='float32', "
            "or undo the intervention that blew up."
        )
    return found


def _check(
    engine: Machine,
    whole: Sequence[int],
    answer: AnswerBranch,
    sites: Sequence[str],
    metric: str,
    embeddings: NDArray[np.float32] | None,
) -> None:
    if metric not in ANSWER_METRICS:
        raise InputError(f"There is no metric {metric!r} of an answer. {did_you_mean(metric, ANSWER_METRICS)}")
    if not sites:
        raise InputError("No site was given to take gradients at; give one such as 'embed' or 'resid_post.0'.")
    for site in sites:
        engine.layout.site(site, "gradient")
    if embeddings is not None:
        engine.layout.site("embed", "write")
    check_sequence(engine, whole)
    if not 0 <= answer.value_start < len(answer.token_ids) < len(whole):
        raise InputError("The answer holds no token of a value after the text; make it with model.answer_branch.")
    wanted = (len(whole), engine.layout.d_model)
    if embeddings is not None and np.shape(embeddings) != wanted:
        raise InputError(
            f"The embeddings given have the shape {np.shape(embeddings)}; this text with its answer needs {wanted}, "
            "one row per token."
        )


def _numpy(tensors: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    return {site: tensor.detach().float().cpu().numpy() for site, tensor in tensors.items()}


__all__ = ["gradients"]
