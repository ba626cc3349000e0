"""How well scores tell positives from negatives, and whether they are probabilities.

Sources: Hanley and McNeil 1982 (AUROC with ties); Rogan and Gladen 1978; Roelofs et al. 2022 (bins of equal mass).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError

Floats = NDArray[np.float64]
NAN = float("nan")
BINS = 10
_NULL_DRAWS = 400


class Calibration(NamedTuple):
    """How far scores are from being probabilities.

    Args:
        error: expected calibration error over bins of equal mass: mean |mean score - share of positives|.
        floor: what 95 % of scores that are perfect probabilities stay below, with as many things: an error of no more
            than this says nothing.
        brier: mean squared difference of score and truth.
        log_loss: mean negative log-likelihood in nats; infinite where a score of 0 or 1 is wrong.
    """

    error: float
    floor: float
    brier: float
    log_loss: float


def auroc(scores: ArrayLike, truth: ArrayLike) -> float:
    """How often a positive scores above a negative, ties counting half; NaN without both."""
    from scipy.stats import rankdata

    values, positive = _pairs(scores, truth)
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return NAN
    return float((rankdata(values)[positive].sum() - n * (n + 1) / 2) / (n * m))


def tpr_at_fpr(scores: ArrayLike, truth: ArrayLike, fpr: float) -> float:
    """The largest share of positives at or above a threshold that at most a share `fpr` of the negatives reaches.

    Nothing is interpolated: with fewer than 1/fpr negatives none of them may reach it. NaN without both.
    """
    values, positive = _pairs(scores, truth)
    above, below = np.sort(values[positive]), np.sort(values[~positive])
    if not len(above) or not len(below):
        return NAN
    allowed = int(np.floor(fpr * len(below) + 1e-9))
    if allowed >= len(below):
        return 1.0
    limit = below[len(below) - 1 - allowed]  # the threshold has to lie above this one
    return float((above > limit).mean())


def precision_at(tpr: float, fpr: float, prevalence: float) -> float:
    """Share of what is flagged that is positive, where a share `prevalence` is; NaN where nothing is flagged."""
    flagged = tpr * prevalence + fpr * (1 - prevalence)
    return tpr * prevalence / flagged if flagged > 0 else NAN


def corrected_prevalence(flagged: float, sensitivity: float, specificity: float) -> float:
    """The share of positives behind a share that was flagged (Rogan and Gladen), within 0 and 1; NaN for a coin."""
    told = sensitivity + specificity - 1
    return float(np.clip((flagged + specificity - 1) / told, 0, 1)) if told > 0 else NAN


def calibration(scores: ArrayLike, truth: ArrayLike, bins: int = BINS, seed: int = 0) -> Calibration:
    """Calibration of scores from 0 to 1; NaN without any.

    Raises:
        InputError: a score is outside 0 to 1.
    """
    values, positive = _pairs(scores, truth)
    if not len(values):
        return Calibration(NAN, NAN, NAN, NAN)
    if values.min() < 0 or values.max() > 1:
        raise InputError("Calibration is of scores from 0 to 1; some of those given are outside.")
    order = np.argsort(values, kind="stable")
    values, outcome = values[order], positive[order].astype(np.float64)
    groups = _equal_mass(values, bins)
    null = np.random.default_rng(seed).random((_NULL_DRAWS, len(values))) < values
    floor = float(np.quantile([_error(values, drawn.astype(np.float64), groups) for drawn in null], 0.95))
    with np.errstate(divide="ignore"):
        loss = -np.log(np.where(outcome > 0, values, 1 - values)).mean()
    brier = float(((values - outcome) ** 2).mean())
    return Calibration(_error(values, outcome, groups), floor, brier, float(loss))


def _equal_mass(values: Floats, bins: int) -> NDArray[np.int64]:
    """The bin of each of the sorted values; equal values are in one."""
    groups = np.arange(len(values)) * bins // len(values)
    firsts = np.searchsorted(values, values, side="left")
    return np.asarray(groups[firsts])


def _error(values: Floats, outcome: Floats, groups: NDArray[np.int64]) -> float:
    gaps = np.bincount(groups, values - outcome)
    return float(np.abs(gaps).sum() / len(values))


def _pairs(scores: ArrayLike, truth: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    values, positive = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if values.ndim != 1 or values.shape != positive.shape:
        raise InputError(
            f"Scores and truths are two vectors of one length; {values.shape}, {positive.shape} were given."
        )
    known = ~(np.isnan(values) | np.isnan(positive))
    return values[known], positive[known] > 0
