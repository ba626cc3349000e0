"""A probe that is kept: read other traces with it, steer along it, save it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, files
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens._core.fingerprint import fingerprint
from cotlens._core.frozen import frozen_array
from cotlens.measure.method import check_made_for, check_setting, model_data
from cotlens.measure.probes import calibrating
from cotlens.measure.probes.example import Example, check_examples, check_reads, examples_of, read
from cotlens.measure.probes.fitting import METHODS, MODES, estimator
from cotlens.measure.probes.probe import ExampleSet, task_of
from cotlens.measure.steering.norms import check_layer, residual_norm
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import LAYER_SITES, Model
from cotlens.results import Provenance
from cotlens.trace import Trace

FORMAT = "cotlens-probe/1"


@dataclass(frozen=True, eq=False, repr=False)
class FittedProbe:
    """A linear map from one site to classes or a number.

    Args:
        layer, site: where it reads, "resid_post" after block `layer`.
        classes: what it tells apart; empty where it predicts a number.
        weights: float32 [classes or 1, d_model], on activations as they are.
        bias: float32 [classes or 1].
        lengths: float32 [classes or 1], how far the two sides of each class lie apart along its direction.
        temperature: what scores are divided by to be probabilities; NaN for numbers.
        floor: how sure of its leading class a probe is that was fitted on shuffled labels, the 97.5 % quantile over
            places that were held out: what reads no surer than this says nothing. NaN for numbers, and where it wasn't
            measured.
        unit: mean norm of the residual stream there, as of a `Vector`; NaN where it wasn't measured.
        provenance: how and on which model it was fitted.
    """

    layer: int
    site: str
    classes: tuple[Hashable, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    lengths: NDArray[np.float32]
    temperature: float
    unit: float = math.nan
    provenance: Provenance = field(default_factory=lambda: Provenance("given"))
    floor: float = math.nan

    def __post_init__(self) -> None:
        if not isinstance(self.classes, tuple | list):
            raise InputError(f"A probe was given classes={self.classes!r:.60}: give a tuple, empty for a number.")
        object.__setattr__(self, "classes", tuple(self.classes))
        rows = max(1, len(self.classes))
        for name in ("weights", "bias", "lengths"):
            given = check.array(name, getattr(self, name), of="A probe")
            object.__setattr__(self, name, frozen_array(given, np.float32))
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"The {name} of a probe hold NaN or infinite values; fit it again.")
        if self.weights.ndim != 2 or not len(self.weights) == len(self.bias) == len(self.lengths) == rows:
            raise InputError(f"A probe of {rows} outputs can't have weights of shape {self.weights.shape}.")
        check_setting("FittedProbe", "site", self.site, LAYER_SITES)

    def __repr__(self) -> str:
        what = f"{len(self.classes)} classes" if self.classes else "a number"
        return f"<FittedProbe of {what}: {self.site}.{self.layer}, {self.weights.shape[1]} wide>"

    @property
    def fingerprint(self) -> str:
        """32 hex digits for all that it reads."""
        return fingerprint(f"{self.site}.{self.layer} {self.classes!r} {self.temperature}", self.weights, self.bias)

    def scores(self, vectors: NDArray[Any]) -> NDArray[np.float64]:
        """What it makes of activations [n, d_model], float64 [n, classes or 1]: scores of classes, or the number."""
        given = check.array("vectors", vectors, of="A probe")
        if given.ndim != 2 or given.shape[1] != self.weights.shape[1]:
            raise InputError(
                f"This probe reads vectors [n, {self.weights.shape[1]}]; an array of shape {given.shape} was given."
            )
        found: NDArray[np.float64] = given @ self.weights.T.astype(np.float64) + self.bias
        return found

    def probabilities(self, vectors: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated probability of every class, float64 [n, classes].

        Raises:
            InputError: the vectors have another width, or the probe predicts a number.
        """
        if not self.classes:
            raise InputError("This probe predicts a number, which has no probability; use scores.")
        return calibrating.probabilities(self.scores(vectors), self.temperature)

    def read(self, trace: Trace, model: Model, positions: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Probabilities [positions, classes] at tokens of a trace, or the numbers [positions, 1]; one pass.

        Raises:
            InputError: the probe was fitted on other weights, or a position is not in the trace.
        """
        self.check(model)
        site = f"{self.site}.{self.layer}"
        seen = model.read(trace, site, positions=positions)[site]
        return self.probabilities(seen) if self.classes else self.scores(seen)

    def vector(self, label: Hashable = None, *, name: str = "") -> Vector:
        """The direction along which `label` gets likelier than the other classes (or the number larger), to steer with.

        As long as the two sides' means lie apart along it; of a number, as its standard deviation along it.

        Raises:
            InputError: there is no such class, or the probe doesn't read the residual stream.
        """
        if self.site != "resid_post":
            raise InputError(f"Vectors are added to resid_post, and this probe reads {self.site}: fit one there.")
        row = 0
        if self.classes:
            if label not in self.classes:
                known = ", ".join(map(repr, self.classes[:8]))
                raise InputError(f"This probe knows no class {label!r}; it tells {known} apart.")
            row = self.classes.index(label)
        slope = direction(self.weights.astype(np.float64), row)
        values = slope * (float(self.lengths[row]) / np.linalg.norm(slope))
        made = Provenance(**{**self.provenance.data(), "settings": {
            **self.provenance.settings, "label": str(label), "code": f"probe.vector({label!r})",
        }})  # fmt: skip
        said = name or (f"probe for {label!r}" if self.classes else "probe for the number")
        return Vector(said, self.layer, values.astype(np.float32), self.unit, made)

    def check(self, model: Model) -> None:
        """Raise InputError where it was fitted on another model, CapabilityError where nothing can be read."""
        check_reads(model)
        check_layer(model, self.layer)
        check_made_for("probe", self.provenance, model)

    def save(self, path: PathLike) -> None:
        """Write it to one JSON file, provenance included; `load_probe` reads it.

        Raises:
            InputError: the file can't be written, or a class is nothing that can be saved.
        """
        data = {
            "layer": self.layer, "site": self.site, "classes": list(self.classes), "weights": self.weights,
            "bias": self.bias, "lengths": self.lengths, "temperature": self.temperature, "unit": self.unit,
            "floor": self.floor,
            "provenance": self.provenance.data(),
        }  # fmt: skip
        files.write(path, FORMAT, files.plain(data, "probe"))


def load_probe(path: PathLike) -> FittedProbe:
    """A probe that `FittedProbe.save` wrote.

    Raises:
        InputError: the file is missing, damaged or something else.
    """
    told = files.revive(files.read(path, FORMAT, "probe"))
    try:
        return FittedProbe(
            check.whole("layer", told["layer"], 0), told["site"], tuple(_hashable(one) for one in told["classes"]),
            told["weights"], told["bias"], told["lengths"], float(told["temperature"]), float(told["unit"]),
            Provenance(**told["provenance"]), float(told.get("floor", math.nan)),
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is a damaged probe ({error}); save the probe again.") from error


def _hashable(value: Any) -> Hashable:
    return tuple(_hashable(one) for one in value) if isinstance(value, list) else value


def direction(weights: NDArray[np.float64], row: int) -> NDArray[np.float64]:
    """Where the score of one row grows against the mean of the others."""
    others = np.delete(weights, row, 0)
    found: NDArray[np.float64] = weights[row] - others.mean(0) if len(others) else weights[row]
    return found


def fit(
    examples: Sequence[Example],
    model: Model,
    *,
    layer: int,
    site: str = "resid_post",
    labels: str = "class",
    method: str = "ridge",
    folds: int = 5,
    seed: int = 0,
) -> FittedProbe:
    """A probe of one layer, fitted on all examples; how good it is on others is what `Probe` measures.

    Its probabilities are calibrated on problems that were held out in turn. Arguments as of `Probe`.

    Raises:
        InputError: labels of one class, fewer problems than folds, traces of different models, no such layer.
        CapabilityError: the model's activations can't be read.
    """
    for name, value, allowed in (("site", site, LAYER_SITES), ("labels", labels, MODES), ("method", method, METHODS)):
        check_setting("fit", name, value, allowed)
    check_reads(model)
    given, folds = examples_of(examples), check.whole("folds", folds, 2, of="fit")
    check_examples(given, folds)
    check_layer(model, layer)
    place = f"{site}.{layer}"
    x = read(model, given, [place])[place].astype(np.float64)
    task = task_of(given, labels, method, folds, check.seed(seed))
    weights, bias = calibrating.linear(estimator(method, labels).fit(x, task.labels))
    warmth = floor = math.nan
    if task.names:
        scores = calibrating.held_out_scores(x, task.labels, task.fold, method, len(task.names))
        warmth = calibrating.temperature(scores, task.labels)
        mixed = np.random.default_rng(seed).permutation(task.labels)
        nothing = calibrating.held_out_scores(x, mixed, task.fold, method, len(task.names))
        floor = float(np.quantile(calibrating.probabilities(nothing, warmth).max(1), 0.975))
    settings = {"site": site, "layer": layer, "labels": labels, "method": method, "examples": len(given), "code": ""}
    made = Provenance.record(
        method="probe", settings=settings, **model_data(model), seed=seed, trace_id=ExampleSet(given).id
    )
    unit = residual_norm(model, layer, [one.trace for one in given[:50]]) if site == "resid_post" else math.nan
    lengths = [_length(x, weights, row, task.labels, bool(task.names)) for row in range(len(weights))]
    return FittedProbe(
        layer, site, task.names, weights.astype(np.float32), bias.astype(np.float32),
        np.array(lengths, np.float32), warmth, unit, made, floor,
    )  # fmt: skip


def _length(x: NDArray[np.float64], weights: NDArray[np.float64], row: int, labels: Any, classes: bool) -> float:
    """How far apart the sides lie along the direction of a row, in the units of the activations."""
    slope = direction(weights, row)
    along = x @ (slope / np.linalg.norm(slope))
    if not classes:
        return float(along.std())
    return float(abs(along[labels == row].mean() - along[labels != row].mean()))
