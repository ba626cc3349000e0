"""Rollouts on a plane: the two directions in which what they say differs the most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError
from cotlens.measure.rollouts.sentences import vectors


class Plane(NamedTuple):
    """Places [n, 2] on the first two principal components, and the share of variance that each explains."""

    places: NDArray[np.float64]
    explained: tuple[float, float]


def place(rollouts: Sequence[Sequence[str]], embeddings: ArrayLike | None = None) -> Plane:
    """Principal components of the mean vector of each rollout's sentences, or of embeddings that are given.

    Args:
        embeddings: [n, d] numbers, one row for each rollout.

    Raises:
        InputError: the embeddings are not finite, or of another number of rollouts.
    """
    given = _means(rollouts) if embeddings is None else checked(embeddings, len(rollouts))
    if len(given) < 2:
        return Plane(np.zeros((len(given), 2)), (0.0, 0.0))
    left, size, _ = np.linalg.svd(given - given.mean(axis=0), full_matrices=False)
    places = np.zeros((len(given), 2))
    places[:, : min(2, len(size))] = (left * size)[:, :2]
    shares = [*(size**2 / max(float((size**2).sum()), 1e-12)), 0.0]
    return Plane(places, (float(shares[0]), float(shares[1])))


def checked(embeddings: ArrayLike, n: int) -> NDArray[np.float64]:
    """Embeddings of n rollouts [n, d]; InputError where they are something else."""
    given = np.asarray(embeddings, dtype=np.float64)
    if given.ndim != 2 or len(given) != n or not np.isfinite(given).all():
        raise InputError(
            f"Embeddings of {n} rollouts are as many rows of finite numbers; an array of shape {given.shape} was given."
        )
    return given


def _means(rollouts: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    width = vectors(["a"]).shape[1]
    return np.array([vectors(said).mean(axis=0) if len(said) else np.zeros(width) for said in rollouts]).reshape(
        -1, width
    )
