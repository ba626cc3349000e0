"""Vectors in place of what the token embedding gives: texts of which some tokens are none of the vocabulary's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.models.contract.branches import Branch, BranchScore
from cotlens.models.contract.interventions import Intervention, Patch

Changes = tuple[Intervention, ...]


def with_embeddings(embeddings: Any, ids: Sequence[int], changes: Changes) -> Changes:
    """Interventions by which all tokens of a text are given these embeddings; `changes` act behind that.

    Raises:
        InputError: they aren't finite numbers [tokens, d_model].
    """
    return changes if embeddings is None else (_patch(_checked(embeddings, ids)), *changes)


def by_prefix(
    embeddings: Any,
    ids: Sequence[int],
    branches: Sequence[Branch],
    changes: Changes,
    score: Callable[[list[Branch], Changes], list[BranchScore]],
) -> list[BranchScore]:
    """Scores with the trunk's tokens given as embeddings, those of the branches by their ids.

    Positions name tokens, and a branch's begin at its prefix: so branches of one prefix are scored together.

    Raises:
        InputError: as `with_embeddings`.
    """
    if embeddings is None:
        return score(list(branches), changes)
    given = _checked(embeddings, ids)
    groups: dict[int, list[int]] = {}
    for index, branch in enumerate(branches):
        groups.setdefault(int(branch.prefix), []).append(index)
    found: dict[int, BranchScore] = {}
    for prefix, indices in groups.items():
        own = (_patch(given[: max(0, prefix)]), *changes)
        found.update(zip(indices, score([branches[i] for i in indices], own), strict=True))
    return [found[index] for index in range(len(branches))]


def _patch(embeddings: NDArray[np.float32]) -> Patch:
    return Patch(0, tuple(range(len(embeddings))), embeddings, site="embed")


def _checked(embeddings: Any, ids: Sequence[int]) -> NDArray[np.float32]:
    given = check.array("embeddings", embeddings).astype(np.float32)
    if given.ndim != 2 or len(given) != len(ids):
        raise InputError(
            f"The embeddings given have the shape {given.shape}; this text has {len(ids)} tokens and needs "
            f"({len(ids)}, d_model), one row per token."
        )
    if not np.isfinite(given).all():
        raise InputError("The embeddings given hold NaN or infinite values; give finite ones.")
    return given
