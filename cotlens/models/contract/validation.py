"""What is asked of a model is checked before anything runs: ids, positions, prefixes, lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cotlens._core.check import indices, whole
from cotlens._core.errors import InputError
from cotlens.models.contract.branches import Branch
from cotlens.models.contract.interventions import BlockAttention, Intervention, Patch


class Bounds(Protocol):
    """What limits the branches of a model: `layout.vocabulary`, `layout.context`, and whether it can hide tokens."""

    @property
    def layout(self) -> Any:
        """With `vocabulary` and `context`, in tokens."""
        ...

    def need_hiding(self) -> None:
        """Raise CapabilityError where tokens can't be hidden from each other."""
        ...

    def need_skipping(self) -> None:
        """Raise CapabilityError where positions can't be left out."""
        ...


def check_branches(engine: Bounds, trunk: Sequence[int], branches: Sequence[Branch]) -> None:
    """Raise InputError or CapabilityError where `branches` can't be scored."""
    latent = getattr(engine.layout, "latent", None)  # which backends that think in words don't have
    check_ids(engine.layout.vocabulary, trunk, "trunk", latent)
    n = len(trunk)
    for index, branch in enumerate(branches):
        whole("prefix", branch.prefix, of=f"Branch {index}")
        whole("given", branch.given, of=f"Branch {index}")
        if not 1 <= branch.prefix <= n:
            raise InputError(
                f"Branch {index} has prefix {branch.prefix}; it must be 1 to {n}, the number of tokens of the trunk."
            )
        if branch.left_out:
            _check_left_out(engine, index, branch)
        end = branch.positions[-1] + 1 if branch.token_ids else branch.prefix
        if end > engine.layout.context:
            raise InputError(
                f"Branch {index} ends at token {end}, beyond the model's context of {engine.layout.context} tokens; "
                "use a shorter trunk or branch."
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
        if branch.interventions:
            _check_interventions(index, branch)
    tokens = [token for branch in branches for token in branch.token_ids]
    check_ids(engine.layout.vocabulary, tokens, "branches", latent)


def _check_interventions(index: int, branch: Branch) -> None:
    for item in branch.interventions:
        if not isinstance(item, Intervention) or isinstance(item, BlockAttention):
            raise InputError(
                f"Branch {index} can't hold {item!r:.60}: give AddVector, Ablate, Patch or ClampFeature, and hidden= "
                "for what its tokens can't see."
            )
        if isinstance(item, Patch) and not np.isfinite(item.values).all():
            raise InputError(  # what is masked is NaN still, so it would reach the branches beside it
                f"Branch {index} puts NaN or infinite activations into the model; give finite ones."
            )
        at = getattr(item, "positions", None)
        if at is not None and len(at) and min(at[:1] if isinstance(at, range) else at) < branch.prefix:
            raise InputError(
                f"Branch {index} changes a token before its prefix of {branch.prefix}, which all branches share: begin "
                "the branch there, or give interventions= for all."
            )


def _check_left_out(engine: Bounds, index: int, branch: Branch) -> None:
    engine.need_skipping()
    indices("left_out", branch.left_out, of=f"Branch {index}")
    if min(branch.left_out) < branch.prefix:
        raise InputError(
            f"Branch {index} leaves out position {min(branch.left_out)}, which its prefix of {branch.prefix} tokens "
            "takes; begin the branch there."
        )


def _check_hidden(engine: Bounds, index: int, branch: Branch, n: int) -> None:
    engine.need_hiding()
    indices("hidden", branch.hidden, of=f"Branch {index}")
    if min(branch.hidden) < 0 or max(branch.hidden) >= n:
        wrong = next(h for h in branch.hidden if not 0 <= h < n)
        raise InputError(f"Branch {index} hides position {wrong}; positions of this trunk are 0 to {n - 1}.")
    # A softmax over nothing is NaN, or uniform over what was hidden, depending on the kernel: neither is an answer.
    if len(branch.hidden) >= branch.prefix and set(range(branch.prefix)) <= set(branch.hidden):
        raise InputError(f"Branch {index} hides all of its prefix; leave at least one token to predict from.")


def check_ids(vocabulary: int, ids: Sequence[int] | np.ndarray, what: str, latent: int | None = None) -> None:
    """Raise InputError where an id is neither one of the model's nor the one that stands for its latents."""
    array = indices(what, ids)
    wrong = (array < 0) | (array >= vocabulary)
    if latent is not None:
        wrong &= array != latent
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"Token id {int(array[at])} at index {at} of the {what} is not in the model's vocabulary of "
            f"{vocabulary}; use the tokenizer that belongs to this model."
        )


def chosen_positions(ids: Sequence[int], positions: Sequence[int] | None) -> NDArray[np.int64]:
    """Token indices as an array, all of them for None; InputError where one is not in the trace."""
    chosen = np.arange(len(ids)) if positions is None else indices("positions", positions)
    if ((chosen < 0) | (chosen >= len(ids))).any():
        raise InputError(f"Positions {chosen.tolist()} are not all in this trace; it has tokens 0 to {len(ids) - 1}.")
    return chosen


def check_sequence(engine: Bounds, ids: Sequence[int]) -> None:
    """Raise InputError unless `ids` can be run as one sequence."""
    check_ids(engine.layout.vocabulary, ids, "trace", getattr(engine.layout, "latent", None))
    if not 1 <= len(ids) <= engine.layout.context:
        raise InputError(
            f"The trace has {len(ids)} tokens; this model takes 1 to {engine.layout.context}. Use a shorter one."
        )


def checked_targets(targets: Any, n: int) -> NDArray[np.int64]:
    """Token ids int64 [n, m]; [n] is one each, and nothing is m = 0.

    Raises:
        InputError: they are no whole numbers, or not a row per vector.
    """
    if isinstance(targets, str | bytes) or not hasattr(targets, "__len__"):
        raise InputError(f"targets are token ids, a row per vector; {targets!r} was given.")
    if not len(targets):
        return np.empty((n, 0), np.int64)
    try:
        given = np.asarray(targets)
    except ValueError as error:
        raise InputError("targets have rows of different lengths; give as many token ids for each vector.") from error
    if given.dtype.kind not in "iu" or given.ndim not in (1, 2):
        raise InputError(f"targets are token ids [n, m]; an array of {given.dtype} {list(given.shape)} was given.")
    if len(given) != n:
        raise InputError(f"{len(given)} rows of targets were given for {n} vectors; give one per vector.")
    return given.reshape(n, -1).astype(np.int64)
