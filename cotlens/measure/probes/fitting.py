"""Fitting and predicting across folds of problems, by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.optional import need

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PENALTIES = (1.0, 10.0, 100.0, 1000.0, 10000.0)  # of ridge, chosen by leave-one-out within the training folds
MODES = ("class", "number")
METHODS = ("ridge", "means")


def estimator(method: str, mode: str) -> Any:
    """A linear map behind a standardisation, both made on what they are fitted to alone.

    "ridge": closed-form ridge, on classes or a number. "means": the nearest class mean, so that the direction between
    two classes is the difference of their means.

    Raises:
        MissingPackage: scikit-learn isn't installed.
    """
    need("sklearn", "Fitting a probe", "probes")
    from sklearn.linear_model import RidgeClassifierCV, RidgeCV
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if mode == "number":
        return make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
    return make_pipeline(StandardScaler(), RidgeClassifierCV(PENALTIES) if method == "ridge" else NearestCentroid())


@dataclass(frozen=True)
class Task:
    """What is to be predicted, and how examples are split.

    Args:
        labels: int64 class numbers or float64 numbers [n].
        tokens: the control task's labels, of the same kind [n].
        groups: number of the problem of each example [n].
        fold: which fold holds each example out [n].
        mode: "class" or "number".
        method: "ridge" or "means".
        names: the classes, in the order of their numbers; empty for numbers.
    """

    labels: NDArray[Any]
    tokens: NDArray[Any]
    groups: Ints
    fold: Ints
    mode: str
    method: str
    seed: int
    names: tuple[Any, ...] = ()

    def right(self, x: Floats, labels: NDArray[Any] | None = None) -> Floats:
        """How right a probe of x is at each example that it didn't see, float64 [n]; the mean is accuracy or R^2."""
        labels = self.labels if labels is None else labels
        return self._predicted(labels, lambda train, test: self._fitted(x, labels, train).predict(x[test]))

    def shuffled(self, x: Floats) -> Floats:
        """The same of probes that were fitted on labels shuffled between the training examples."""
        rng = np.random.default_rng(self.seed)

        def predict(train: NDArray[np.bool_], test: NDArray[np.bool_]) -> Any:
            moved = self.labels.copy()
            moved[train] = rng.permutation(moved[train])
            return self._fitted(x, moved, train).predict(x[test])

        return self._predicted(self.labels, predict)

    def majority(self) -> Floats:
        """The same of the training examples' most frequent class, or their mean."""

        def predict(train: NDArray[np.bool_], test: NDArray[np.bool_]) -> Any:
            seen = self.labels[train]
            return np.full(test.sum(), np.bincount(seen).argmax() if self.mode == "class" else seen.mean())

        return self._predicted(self.labels, predict)

    def _fitted(self, x: Floats, labels: NDArray[Any], train: NDArray[np.bool_]) -> Any:
        if len(np.unique(labels[train])) > 1:
            return estimator(self.method, self.mode).fit(x[train], labels[train])
        return _Constant(labels[train][0])

    def _predicted(self, labels: NDArray[Any], predict: Callable[..., Any]) -> Floats:
        said = np.empty(len(labels), labels.dtype)
        for out in np.unique(self.fold):
            test = self.fold == out
            said[test] = predict(~test, test)
        if self.mode == "class":
            return (said == labels).astype(np.float64)
        return 1 - (said - labels) ** 2 / labels.var()


@dataclass(frozen=True)
class _Constant:
    """Where training saw one class alone."""

    value: Any

    def predict(self, x: Floats) -> NDArray[Any]:
        return np.full(len(x), self.value)


def folds_of(groups: Ints, folds: int, seed: int) -> Ints:
    """Which fold holds each example out, int64 [n]; all of one problem in one."""
    names = np.unique(groups)
    drawn = np.random.default_rng(seed).permutation(len(names)) % folds
    return drawn[np.searchsorted(names, groups)]


def over_problems(values: Floats, groups: Ints, seed: int, repeats: int = 1000) -> tuple[float, float]:
    """95 % interval of a mean over examples, problems drawn again; NaN for fewer than two problems or no values."""
    names, index = np.unique(groups, return_inverse=True)
    if len(names) < 2 or np.isnan(values).any():
        return float("nan"), float("nan")
    totals, counts = np.bincount(index, values), np.bincount(index)
    drawn = np.random.default_rng(seed).integers(0, len(names), (repeats, len(names)))
    low, high = np.quantile(totals[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
    return float(low), float(high)
