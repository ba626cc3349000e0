"""How far raters agree on labels beyond chance: Cohen's kappa, Gwet's AC1, Krippendorff's alpha, McNemar's test.

kappa is small wherever nearly all labels are alike, however often two raters agree; AC1 isn't. So both are read beside
the raw agreement and the prevalences.

Sources: Cohen 1960; Gwet 2008; Krippendorff 2011; McNemar 1947 (exact below 25 discordant pairs).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError

Floats = NDArray[np.float64]
FEWEST_DISCORDANT = 25
"""Discordant pairs from which McNemar's test is by chi-squared; below it is exact."""


class McNemar(NamedTuple):
    """Whether two raters flag equally often, on the same things.

    Args:
        statistic: (b - c)^2 / (b + c) of the discordant pairs, without a correction; NaN where there are none.
        p: exact (binomial) below 25 discordant pairs, else of chi-squared with 1 degree of freedom; 1 without any.
        exact: which of the two.
        first_only, second_only: b and c.
    """

    statistic: float
    p: float
    exact: bool
    first_only: int
    second_only: int


def observed_agreement(tables: ArrayLike) -> Floats:
    """Share of things with the same label, float64 [...] of tables [..., k, k]; NaN of an empty one."""
    found, n = _tables(tables)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.trace(found, axis1=-2, axis2=-1) / n)


def kappa(tables: ArrayLike) -> Floats:
    """Cohen's kappa, float64 [...] of tables [..., k, k]: (p_o - p_e)/(1 - p_e), p_e = sum of products of marginals.

    NaN where both know one label only.
    """
    found, n = _tables(tables)
    with np.errstate(invalid="ignore", divide="ignore"):
        rows, columns = found.sum(axis=-1) / n[..., None], found.sum(axis=-2) / n[..., None]
        return _beyond(observed_agreement(found), (rows * columns).sum(axis=-1))


def of_one_label(table: ArrayLike) -> str:
    """Why kappa of a table [k, k] has no interval: a rater who says one label makes it 0 in every draw; "" else."""
    found, _ = _tables(table)
    alone = [whose for whose, axis in (("first", 1), ("second", 0)) if (found.sum(axis=axis) > 0).sum() == 1]
    if not alone:
        return ""
    known = "both raters said" if len(alone) == 2 else f"the {alone[0]} rater said"
    return f"not measured: {known} one label only, so that kappa is the same in every sample"


def ac1(tables: ArrayLike) -> Floats:
    """Gwet's AC1, float64 [...] of tables [..., k, k]: p_e = sum of q(1 - q)/(k - 1), q the mean marginals."""
    found, n = _tables(tables)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (found.sum(axis=-1) + found.sum(axis=-2)) / (2 * n[..., None])
        return _beyond(observed_agreement(found), (mean * (1 - mean)).sum(axis=-1) / (found.shape[-1] - 1))


def mcnemar(first_only: int, second_only: int) -> McNemar:
    """McNemar's test of the pairs that only the first, or only the second, flags.

    Raises:
        InputError: a count is below 0.
    """
    from scipy import stats

    b, c = int(first_only), int(second_only)
    if min(b, c) < 0:
        raise InputError(f"McNemar's test needs counts from 0; {first_only!r} and {second_only!r} were given.")
    if b + c == 0:
        return McNemar(float("nan"), 1.0, True, b, c)
    statistic, exact = (b - c) ** 2 / (b + c), b + c < FEWEST_DISCORDANT
    p = stats.binomtest(min(b, c), b + c).pvalue if exact else stats.chi2.sf(statistic, 1)
    return McNemar(statistic, float(p), exact, b, c)


def coincidences(codes: ArrayLike, k: int) -> Floats:
    """Krippendorff's coincidences of every thing, float64 [things, k, k], of codes [raters, things]; -1 is missing.

    Their sum is what `alpha` takes; a thing with fewer than two labels has none.
    """
    given = np.asarray(codes, dtype=np.int64)
    counts = np.stack([(given == code).sum(axis=0) for code in range(k)], axis=-1).astype(np.float64)
    labels = counts.sum(axis=-1)
    pairs = counts[:, :, None] * counts[:, None, :] - np.eye(k) * counts[:, :, None]
    return np.where(labels[:, None, None] > 1, pairs / np.maximum(labels - 1, 1)[:, None, None], 0.0)


def alpha(coincidence: ArrayLike) -> Floats:
    """Krippendorff's alpha for nominal labels, float64 [...] of coincidences [..., k, k].

    NaN where there is nothing to compare, or one label only.
    """
    found, n = _tables(coincidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = found.sum(axis=-1)
        apart = n - np.trace(found, axis1=-2, axis2=-1)
        expected = (n**2 - (each**2).sum(axis=-1)) / (n - 1)
        return np.asarray(np.where(expected > 0, 1 - apart / expected, np.nan))


def contingency(first: ArrayLike, second: ArrayLike, k: int) -> Floats:
    """How often the first said i where the second said j, per thing, float64 [things, k, k]; 0 where one is missing."""
    one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    found = np.zeros((len(one), k, k))
    known = np.flatnonzero((one >= 0) & (other >= 0))
    found[known, one[known], other[known]] = 1
    return found


def drawn(per_thing: ArrayLike, clusters: ArrayLike, draws: int, seed: int) -> Floats:
    """Sums of what each thing adds, over clusters drawn with replacement: float64 [draws, ...] of [things, ...].

    Clusters that add the same are drawn together, so that ten thousand of them cost no more than a few.
    """
    given, groups = np.asarray(per_thing, dtype=np.float64), np.unique(np.asarray(clusters), return_inverse=True)[1]
    shape, flat = given.shape[1:], given.reshape(len(given), -1)
    sums = np.zeros((int(groups.max()) + 1 if len(groups) else 0, flat.shape[1]))
    np.add.at(sums, groups, flat)
    kinds, counts = np.unique(sums, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(sums), counts / len(sums), size=draws).astype(np.float64)
    return np.asarray((weights @ kinds).reshape(draws, *shape))


def _beyond(observed: Any, expected: Any) -> Floats:
    return np.asarray(np.where(expected < 1, (observed - expected) / (1 - expected), np.nan))


def _tables(tables: ArrayLike) -> tuple[Floats, Floats]:
    found = np.asarray(tables, dtype=np.float64)
    if found.ndim < 2 or found.shape[-1] != found.shape[-2] or found.shape[-1] < 2:
        raise InputError(f"Agreement needs square tables of at least two labels; the shape {found.shape} was given.")
    return found, np.asarray(found.sum(axis=(-2, -1)))
