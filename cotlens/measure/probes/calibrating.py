"""Probabilities out of a probe's scores: one temperature, fitted on examples that the probe didn't see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.probes.fitting import Floats, Ints, estimator, folds_of

INNER = 3  # folds of the training problems on which the temperature is found
_COLDEST, _WARMEST = 1e-3, 1e2


def linear(made: Any) -> tuple[Floats, Floats]:
    """The weights [classes or 1, d] and biases of a fitted `estimator`, on features as they are, not standardised."""
    scaler, last = made[0], made[-1]
    if hasattr(last, "centroids_"):  # nearest mean m: the largest x m - |m|^2 / 2
        weights, bias = last.centroids_, -(last.centroids_**2).sum(1) / 2
    else:
        weights, bias = np.atleast_2d(last.coef_), np.atleast_1d(last.intercept_)
        if hasattr(last, "classes_") and len(weights) == 1:
            weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    raw = weights / scaler.scale_
    return raw, bias - raw @ scaler.mean_


def probabilities(scores: Floats, temperature: float) -> Floats:
    """softmax(scores / temperature), [n, classes]."""
    scaled = scores / temperature
    shares = np.exp(scaled - scaled.max(1, keepdims=True))
    found: Floats = shares / shares.sum(1, keepdims=True)
    return found


def temperature(scores: Floats, labels: Ints) -> float:
    """The one that makes the labels of held-out examples likeliest."""
    from scipy.optimize import minimize_scalar

    def loss(log: float) -> float:
        own = probabilities(scores, float(np.exp(log)))[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(own, 1e-12)).mean())

    found = minimize_scalar(loss, bounds=(np.log(_COLDEST), np.log(_WARMEST)), method="bounded")
    return float(np.exp(found.x))


def held_out_scores(x: Floats, labels: Ints, fold: Ints, method: str, classes: int) -> Floats:
    """Scores [n, classes] of probes that saw no example of the problem; a class unseen in training scores lowest."""
    scores = np.zeros((len(labels), classes))
    for out in np.unique(fold):
        test, seen = fold == out, np.unique(labels[fold != out])
        if len(seen) < 2:
            continue
        weights, bias = linear(estimator(method, "class").fit(x[~test], labels[~test]))
        part = x[test] @ weights.T + bias
        scores[test] = part.min(1, keepdims=True)
        scores[np.ix_(test, seen)] = part
    return scores


def calibrated(x: Floats, labels: Ints, groups: Ints, fold: Ints, method: str, seed: int) -> NDArray[np.float64]:
    """Held-out probabilities [n, classes]: probe and temperature of each fold know nothing of its problems."""
    classes = int(labels.max()) + 1
    scores, found = held_out_scores(x, labels, fold, method, classes), np.empty((len(labels), classes))
    for out in np.unique(fold):
        train = fold != out
        inner = folds_of(groups[train], INNER, seed)
        own = temperature(held_out_scores(x[train], labels[train], inner, method, classes), labels[train])
        found[~train] = probabilities(scores[~train], own)
    return found


def calibration_error(shares: Floats, labels: Ints, bins: int = 10) -> float:
    """Expected calibration error of the leading class: mean |accuracy - confidence| over bins of confidence."""
    lead, sure = shares.argmax(1), shares.max(1)
    which = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs((lead == labels)[which == b].mean() - sure[which == b].mean()) * (which == b).mean()
            for b in np.unique(which)]  # fmt: skip
    return float(sum(gaps))
