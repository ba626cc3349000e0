"""Gradients of a forced answer with respect to activations: one forward and one backward pass.

Whether the value has ended may hang on what follows a "." or ",": those tokens stand behind the answer, each blind to
the other, or in a copy of the sequence of its own where a model can't hide tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import BackendError, InputError, did_you_mean
from cotlens.models.architecture.gradient_target import GradientTarget
from cotlens.models.architecture.logits import WHERE_NOT_FINITE
from cotlens.models.contract import ANSWER_METRICS, AnswerBranch, Ending, Gradients
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.contract.validation import check_sequence

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.architecture.runner import ModelRunner
    from cotlens.models.contract.interventions import Intervention


def gradients(
    engine: ModelRunner,
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
    goal = target_of(engine, whole, len(ids) + answer.value_start, answer.ending, metric)
    value, seen, slopes = engine.differentiate(goal, sites, embeddings=embeddings, interventions=interventions)
    found = Gradients(float(value), _numpy(seen), _numpy(slopes))
    if not (np.isfinite(found.value) and all(np.isfinite(slope).all() for slope in found.gradients.values())):
        raise BackendError(f"The gradient of the {metric.replace('_', ' ')} is NaN or infinite; {WHERE_NOT_FINITE}.")
    return found


def target_of(
    runner: ModelRunner, whole: Sequence[int], first: int, ending: Ending | None, metric: str
) -> GradientTarget:
    """The goal for the tokens of `whole` from `first` on, which end with the value."""
    n = len(whole)
    ids, positions, visible = runner.tensor(whole), np.arange(n), None
    ask: dict[str, Any] = {"metric": metric, "targets": ids[0, first:], "sets": {}, "pending": [], "places": []}
    if ending is None:
        return GradientTarget(ids, positions, None, n, first, ask)
    ask["sets"] = _flags(ending, runner.layout.vocabulary)
    ask["pending"], more = list(ending.pending), len(ending.pending)
    m = n - first
    if more < 2 or runner.obeys_masks:
        ids = runner.tensor((*whole, *ending.pending))
        ask["places"] = [(0, m + 1 + i) for i in range(more)]
        # All of them at one position, each blind to the others: each asks what follows the same answer.
        if more > 1:
            visible = torch.ones(n + more, n + more, dtype=torch.bool, device=runner.device).tril()
            visible[n:, n:] = torch.eye(more, dtype=torch.bool, device=runner.device)
        positions = np.concatenate([positions, np.full(more, n)])
    else:
        # Without masks each needs a copy of the whole sequence.
        ids = torch.cat([runner.tensor((*whole, token)) for token in ending.pending])
        ask["places"] = [(i, m + 1) for i in range(more)]
        positions = np.arange(n + 1)
    return GradientTarget(ids, positions, visible, n, first, ask)


def _flags(ending: Ending, vocabulary: int) -> dict[str, Tensor]:
    """What each sum is over and what counts against it, bool [vocabulary]."""
    named = {"after": ending.after, "merged": ending.merged, "closed": ending.closed, "onward": ending.onward}
    found = {}
    for name, one in named.items():
        if one is not None:
            found[name], found[f"against {name}"] = one.flags(vocabulary)
    return {name: torch.from_numpy(flags) for name, flags in found.items()}


def _check(
    engine: ModelRunner,
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
