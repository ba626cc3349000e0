"""How far two distributions of answers lie apart: KL over a vocabulary, freed of its bias, with its interval.

The plain estimate from a few samples is mostly noise: at n = 100 and with the smoothing of the published code (1e-9)
two draws of one distribution (.95 and a tail) differ by 0.81 nats on average; with alpha = 0.5 by 0.05. So counts are
smoothed, the bias that is left is taken out (`unbiased_kl`), and a KL is read beside its floor (`kl_floor`).

Source: Miller 1955 (the first-order bias of an entropy estimated from counts).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from cotlens._core.errors import InputError
from cotlens.measure.stats.null import NAN, Floor, floor_of, permutation_p
from cotlens.measure.stats.proportions import Interval

OTHER = "(other)"
"""The entry of a vocabulary that counts every answer which isn't in it."""


def tally(samples: Iterable[Any], vocabulary: Sequence[Any]) -> NDArray[np.int64]:
    """How often each entry of the vocabulary was sampled, int64 [V]; None (no answer) is left out.

    Raises:
        InputError: the vocabulary is empty or repeats an entry, or a sample isn't in it and it has no `OTHER`.
    """
    place = {entry: i for i, entry in enumerate(vocabulary)}
    if not place or len(place) != len(vocabulary):
        raise InputError(f"A vocabulary holds different answers, at least one; {list(vocabulary)!r} was given.")
    counts = np.zeros(len(place), dtype=np.int64)
    for sample in samples:
        at = place.get(sample, place.get(OTHER))
        if at is None and sample is not None:
            raise InputError(f"The answer {sample!r} is not in the vocabulary; declare it, or the entry {OTHER!r}.")
        if sample is not None and at is not None:
            counts[at] += 1
    return counts


def kl(counts_p: ArrayLike, counts_q: ArrayLike, alpha: float = 0.5) -> Any:
    """KL(p || q) in nats of two distributions given by counts over one vocabulary.

    p = (counts + alpha)/(n + alpha V), q likewise. alpha = 0.5 is Jeffreys' prior, 1 a flat one; 1e-9 gives the
    published Thought Anchors columns. alpha = 0 gives infinity where q has none of an answer that p has.

    Args:
        counts_p, counts_q: counts [..., V]; leading axes broadcast.

    Returns:
        A float for one pair, otherwise an array of the leading shape; NaN where an arm is empty or has a NaN.

    Raises:
        InputError: the vocabularies differ in size, a count is negative, or alpha is.
    """
    p, q = np.asarray(counts_p, dtype=np.float64), np.asarray(counts_q, dtype=np.float64)
    if p.ndim == 0 or q.ndim == 0 or p.shape[-1] != q.shape[-1] or p.shape[-1] == 0:
        raise InputError(f"KL needs counts over one vocabulary; those given have the shapes {p.shape} and {q.shape}.")
    if bool((p < 0).any() or (q < 0).any()) or not alpha >= 0:
        raise InputError("KL needs counts and an alpha that are not negative.")
    with np.errstate(invalid="ignore", divide="ignore"):
        sums = special.rel_entr(_smoothed(p, alpha), _smoothed(q, alpha)).sum(axis=-1)
    nats = np.maximum(sums, 0)  # rounding may fall below; NaN stays
    return float(nats) if nats.ndim == 0 else nats


def unbiased_kl(counts_p: ArrayLike, counts_q: ArrayLike, alpha: float = 0.5) -> Any:
    """`kl` less its bias to first order, (answers seen - 1)/2n of either arm, and never below 0.

    Args:
        counts_p, counts_q: counts [..., V]; leading axes broadcast.

    Raises:
        InputError: as `kl`.
    """
    p, q = np.asarray(counts_p, dtype=np.float64), np.asarray(counts_q, dtype=np.float64)
    nats = np.maximum(kl(p, q, alpha) - (_bias(p) + _bias(q)), 0)
    return float(nats) if np.ndim(nats) == 0 else nats


def kl_interval(
    samples_p: Iterable[Any],
    samples_q: Iterable[Any],
    vocabulary: Sequence[Any],
    seed: int = 0,
    level: float = 0.95,
    repeats: int = 2000,
) -> Interval:
    """An interval of KL(p || q), nats: of the KL between what the samples are drawn from, not of a smoothed one.

    Quantiles of the KL over both posteriors under Jeffreys' prior, with one answer beside those counted that neither
    arm gave. Such a draw lies too high twice, by the noise of the samples and by its own, so for the low end twice the
    first-order bias is taken off; and the low end is 0 where re-splitting the two arms gives as large a KL too often to
    tell it from none (permutation p >= 1 - level). It covers at least as often as it says, or nearly so, from 2 answers
    on (`tests/unit/measure/stats/test_divergence.py`). NaN where an arm has fewer than 2.

    Raises:
        InputError: as `tally`.
    """
    p, q = tally(samples_p, vocabulary), tally(samples_q, vocabulary)
    if min(p.sum(), q.sum()) < 2:
        return Interval(NAN, NAN)
    rng = np.random.default_rng(seed)
    # The appended entry is the answer that neither arm gave yet.
    first, second = (rng.dirichlet(np.append(each, 0) + 0.5, repeats) for each in (p, q))
    drawn = kl(first, second, alpha=0)
    low = max(0.0, float(np.quantile(drawn, (1 - level) / 2)) - 2 * float(_bias(p) + _bias(q)))
    _, p_value = kl_floor(p, q, seed=seed, repeats=repeats)
    return Interval(low if p_value < 1 - level else 0.0, float(np.quantile(drawn, (1 + level) / 2)))


def kl_floor(
    counts_p: ArrayLike, counts_q: ArrayLike, alpha: float = 0.5, seed: int = 0, repeats: int = 2000
) -> tuple[Floor, float]:
    """The floor of `unbiased_kl` for two arms given by counts [V], and the permutation p-value of the KL observed.

    NaN where an arm is empty.
    """
    p, q = np.asarray(counts_p, dtype=np.int64), np.asarray(counts_q, dtype=np.int64)
    if min(p.sum(), q.sum()) == 0:
        return Floor(NAN, NAN), NAN
    rng = np.random.default_rng(seed)
    # Re-splitting pooled answers at random is drawing counts without replacement: no answer has to be shuffled.
    first = rng.multivariate_hypergeometric(p + q, int(p.sum()), size=repeats)
    others = p + q - first
    return floor_of(unbiased_kl(first, others, alpha)), permutation_p(kl(first, others, alpha), kl(p, q, alpha))


def _bias(counts: NDArray[Any]) -> NDArray[np.float64]:
    """What the noise of one arm adds to a KL, to first order, [...]."""
    total = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((counts > 0).sum(axis=-1) - 1) / (2 * total))


def _smoothed(counts: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    total = counts.sum(axis=-1, keepdims=True)
    shares = (counts + alpha) / (total + alpha * counts.shape[-1])
    return np.where(total > 0, shares, np.nan)
