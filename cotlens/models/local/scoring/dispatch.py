"""Scoring branches: what was asked for is checked, then goes the fast or the plain way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cotlens._core.check import indices, whole
from cotlens._core.errors import InputError
from cotlens.models.contract import Branch, BranchScore
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.local.scoring import packed, plain
from cotlens.models.local.scoring.trie import Ints, seen_from

if TYPE_CHECKING:
    from cotlens.models.architecture.logits import Scores
    from cotlens.models.contract.interventions import Intervention
    from cotlens.models.local.engine import Engine


def score(
    engine: Engine,
    trunk: Sequence[int],
    branches: Sequence[Branch],
    interventions: Sequence[Intervention] = (),
    *,
    pack: bool = True,
) -> list[BranchScore]:
    """Log-probabilities of the tokens of every branch, in the order given.

    Raises:
        InputError: a prefix, token id or hidden position is out of range, nothing is left to predict from, or prefix
            and branch together are longer than the context.
        CapabilityError: positions are hidden and the model can't hide any.
    """
    check(engine, trunk, branches)
    if any(isinstance(item, BlockAttention) for item in interventions):
        engine.need_masks()
    way = packed if pack else plain
    scores, starts = way.score(engine, trunk, branches, interventions)
    return told(scores, starts, branches)


def told(scores: Scores, starts: Ints, branches: Sequence[Branch]) -> list[BranchScore]:
    """Flat scores as one `BranchScore` per branch; they share the memory of the flat ones."""
    most = max((len(branch.sets) for branch in branches), default=0)
    slack, known = np.zeros(most, np.float32), np.ones(most, bool)
    for array in (scores.logprobs, scores.rival_logprobs, scores.rival_ids, scores.greedy_ids, slack, known):
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
        )
        for branch, (a, b) in zip(branches, pairwise(starts.tolist()), strict=True)
        for m in (b - len(branch.sets),)
    ]


class Bounds(Protocol):
    """What limits the branches of a model: `layout.vocabulary`, `layout.context`, and whether it can hide tokens."""

    @property
    def layout(self) -> Any:
        """With `vocabulary` and `context`, in tokens."""
        ...

    def need_masks(self) -> None:
        """Raise CapabilityError where tokens can't be hidden from each other."""
        ...


def check(engine: Bounds, trunk: Sequence[int], branches: Sequence[Branch]) -> None:
    """Raise InputError or CapabilityError where `branches` can't be scored."""
    check_ids(engine.layout.vocabulary, trunk, "trunk")
    n = len(trunk)
    for index, branch in enumerate(branches):
        whole("prefix", branch.prefix, of=f"Branch {index}")
        whole("given", branch.given, of=f"Branch {index}")
        if not 1 <= branch.prefix <= n:
            raise InputError(
                f"Branch {index} has prefix {branch.prefix}; it must be 1 to {n}, the number of tokens of the trunk."
            )
        if branch.prefix + len(branch.token_ids) > engine.layout.context:
            raise InputError(
                f"Branch {index} ends at token {branch.prefix + len(branch.token_ids)}, beyond the model's context of "
                f"{engine.layout.context} tokens; use a shorter trunk or branch."
            )
        if not 0 <= branch.given <= len(branch.token_ids):
            raise InputError(
                f"Branch {index} of {len(branch.token_ids)} tokens has given={branch.given}; "
                "it must be 0 to the number of its tokens."
            )
        if any(not branch.given <= at <= len(branch.token_ids) for at, _ in branch.sets):
            raise InputError(
                f"Branch {index} of {len(branch.token_ids)} tokens asks for sets at {[at for at, _ in branch.sets]}; "
                f"they must be from given={branch.given} to the number of its tokens."
            )
        if branch.hidden:
            _check_hidden(engine, index, branch, n)
    check_ids(engine.layout.vocabulary, [token for branch in branches for token in branch.token_ids], "branches")


def _check_hidden(engine: Bounds, index: int, branch: Branch, n: int) -> None:
    engine.need_masks()
    indices("hidden", branch.hidden, of=f"Branch {index}")
    if min(branch.hidden) < 0 or max(branch.hidden) >= n:
        wrong = next(h for h in branch.hidden if not 0 <= h < n)
        raise InputError(f"Branch {index} hides position {wrong}; positions of this trunk are 0 to {n - 1}.")
    if len(branch.hidden) >= branch.prefix and seen_from(branch.prefix, branch.hidden)[1] < 0:
        raise InputError(f"Branch {index} hides all of its prefix; leave at least one token to predict from.")


def check_ids(vocabulary: int, ids: Sequence[int] | np.ndarray, what: str) -> None:
    """Raise InputError where an id isn't one of the model's."""
    array = indices(what, ids)
    wrong = (array < 0) | (array >= vocabulary)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"Token id {int(array[at])} at index {at} of the {what} is not in the model's vocabulary of "
            f"{vocabulary}; use the tokenizer that belongs to this model."
        )
