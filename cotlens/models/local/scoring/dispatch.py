"""Scoring branches: what was asked for is checked, then goes one of the fast ways or the plain one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cotlens._core.errors import CapabilityError
from cotlens.models.contract import Branch, BranchScore
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.contract.validation import check_branches
from cotlens.models.local.scoring import forked, from_layer, packed, plain
from cotlens.models.local.scoring.token_rows import Ints

if TYPE_CHECKING:
    from cotlens.models.architecture.logits import ScoreTable
    from cotlens.models.contract.interventions import Intervention
    from cotlens.models.local.engine import Engine


WAYS: dict[str, Callable[..., tuple[ScoreTable, Ints]]] = {
    "packed": packed.score,
    "forked": forked.score,
    "plain": plain.score,
}


def score(
    engine: Engine,
    trunk: Sequence[int],
    branches: Sequence[Branch],
    interventions: Sequence[Intervention] = (),
    *,
    way: str = "packed",
    sites: Sequence[str] = (),
) -> list[BranchScore]:
    """Log-probabilities of the tokens of every branch, in the order given.

    Args:
        way: a key of `WAYS`; which of the fast ones a model can be asked is found out by `verification`. Where a model
            keeps a state it is "plain" if attention is blocked, or positions that are left out have to be counted, by a
            window or by interventions.
        sites: activations to return at the tokens that predict; without them nothing is traced. Copies of a state are
            not looked into, so that "forked" is "plain" then.

    Raises:
        InputError: a prefix, token id or hidden position is out of range, nothing is left to predict from, or prefix
            and branch together are longer than the context.
        CapabilityError: positions are hidden and the model can't hide any.
    """
    check_branches(engine, trunk, branches)
    blocked = any(isinstance(item, BlockAttention) for item in interventions)
    if blocked:
        engine.need_hiding()
    if not engine.obeys_masks:
        _check_recurrent(branches)
        gaps = any(one.left_out for one in branches)
        way = "plain" if blocked or (gaps and (engine.layout.window or interventions)) else way
    for site in sites:
        engine.layout.site(site)
    look = {"sites": tuple(dict.fromkeys(sites))} if sites else {}
    # Copies of a state are neither looked into nor changed.
    way = "plain" if way == "forked" and (look or any(one.interventions for one in branches)) else way
    with engine.held():
        if way == "packed" and not (look or interventions):
            return _from_layers(engine, trunk, branches)
        scores, starts = WAYS[way](engine, trunk, branches, interventions, **look)
    return to_branch_scores(scores, starts, branches)


def _from_layers(engine: Engine, trunk: Sequence[int], branches: Sequence[Branch]) -> list[BranchScore]:
    """Packed scores, branches that are changed inside from the layer on at which they are."""
    found: dict[int, BranchScore] = {}
    groups = from_layer.by_beginning(from_layer.beginnings(engine, trunk, branches, packed.score))
    if wanted := [one.layer for one in groups if one]:
        from_layer.streams(engine, trunk, wanted)  # in one reading
    for beginning, indices in groups.items() or [(None, [])]:
        part = [branches[index] for index in indices]
        scores, starts = packed.score(engine, trunk, part, beginning=beginning)
        found.update(zip(indices, to_branch_scores(scores, starts, part), strict=True))
    return [found[index] for index in range(len(branches))]


def _check_recurrent(branches: Sequence[Branch]) -> None:
    """Raise CapabilityError where a token would have to predict from a state that it has gone on since."""
    for index, branch in enumerate(branches):
        if branch.prefix - 1 in branch.hidden and branch.asked and not min(branch.asked):
            raise CapabilityError(
                f"Branch {index} hides the token just before it and asks for its first, which an earlier one would "
                "have to predict, from a state that has gone on since: give given=1 or more on this model."
            )


def to_branch_scores(scores: ScoreTable, starts: Ints, branches: Sequence[Branch]) -> list[BranchScore]:
    """Flat scores as one `BranchScore` per branch; they share the memory of the flat ones."""
    most = max((len(branch.sets) for branch in branches), default=0)
    slack, known = np.zeros(most, np.float32), np.ones(most, bool)
    own = (scores.logprobs, scores.rival_logprobs, scores.rival_ids, scores.greedy_ids)
    for array in (*own, *scores.activations.values(), slack, known):
        array.setflags(write=False)
    return [
        BranchScore(
            scores.logprobs[a:m],
            scores.rival_logprobs[a:m],
            scores.rival_ids[a:m],
            scores.greedy_ids[a:m],
            scores.logprobs[m:b],
            scores.rival_logprobs[m:b],
            slack[: b - m],
            known[: b - m],
            {site: values[a:b] for site, values in scores.activations.items()},
        )
        for branch, (a, b) in zip(branches, pairwise(starts.tolist()), strict=True)
        for m in (b - len(branch.sets),)
    ]
