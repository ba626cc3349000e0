"""A probe per layer, and the four baselines that say what its accuracy is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.method import RunRecord, check_needs, check_setting, chosen_layers
from cotlens.measure.probes import fitting
from cotlens.measure.probes.example import Example, check_examples, covariates, examples_of, read
from cotlens.measure.probes.fitting import Task
from cotlens.measure.steering.norms import check_layer
from cotlens.models.contract import LAYER_SITES, Capability, Model
from cotlens.results import Result

ONE_TOKEN = "not measured: the same token stands at every place, so no hash tells places apart"


@dataclass(frozen=True)
class ExampleSet:
    """Examples as one thing that was measured: `id` is a fingerprint of all of them."""

    given: tuple[Example, ...]

    @property
    def id(self) -> str:
        """Of traces, places and labels."""
        return fingerprint(*(f"{one.trace.id} {one.at} {one.label!r} {one.group!r}" for one in self.given))


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Can a linear map read the label off a layer, better than off what is known without the layer?

    A row per layer: estimate = accuracy on held-out problems, with a 95 % interval by drawing problems again. Every
    example is predicted by a probe that saw no example of its problem; its penalty is chosen within the training folds.
    The columns beside it are the four baselines, on the same examples and folds:

    - `majority`: the most frequent label of the training folds.
    - `shuffled`: probes fitted on labels shuffled between the training examples; what fitting alone can do.
    - `token_control`: probes of a hash of the token at the place, of as many classes; `selectivity` is the accuracy
      less that (Hewitt and Liang 2019, arXiv 1909.03368). NaN with `control_status` where all places hold one token.
    - `nuisance`: probes of the length of the trace, the place, the `nuisance` of the examples and the token embedding;
      `gain` is the accuracy less that. Where the gain's interval holds 0, nothing was read that wasn't known already.

    `selectivity` and `gain` have intervals of their own (`gain_low`, ...). With labels="number" the labels are numbers
    and R^2 stands in place of accuracy. What is readable is not thereby used: see steering and patching for that.

    Args:
        layers: those to probe, each after its block; all by default.
        site: "resid_post", "attn_out" or "mlp_out".
        labels: "class" or "number".
        method: "ridge" (closed form), or "means": the nearest class mean.
        folds: how many folds of problems.
    """

    needs: ClassVar[Capability] = Capability.READ
    edit_type: ClassVar[str] = "none"
    unit: ClassVar[str] = "layer"

    layers: tuple[int, ...] | None = None
    site: str = "resid_post"
    labels: str = "class"
    method: str = "ridge"
    folds: int = 5

    def __post_init__(self) -> None:
        check_setting("Probe", "site", self.site, LAYER_SITES)
        check_setting("Probe", "labels", self.labels, fitting.MODES)
        check_setting("Probe", "method", self.method, fitting.METHODS)
        object.__setattr__(self, "folds", check.whole("folds", self.folds, 2, of="Probe"))
        object.__setattr__(self, "layers", chosen_layers(self.layers, "Probe"))

    def run(self, examples: Sequence[Example], model: Model, seed: int = 0) -> Result:
        """Fit and hold out; each trace is read once, whatever the number of layers.

        Raises:
            InputError: labels of one class, fewer problems than folds, traces of different models, no such layer.
            CapabilityError: the model's activations can't be read.
            Cancelled: between two traces or layers.
        """
        check_needs(self, model)
        given = examples_of(examples)
        check_examples(given, self.folds)
        layers = list(range(model.n_layers)) if self.layers is None else list(self.layers)
        for layer in layers:
            check_layer(model, layer)
        record = RunRecord(self, ExampleSet(given), model, seed)
        seen = read(model, given, ["embed", *(f"{self.site}.{layer}" for layer in layers)])
        task = task_of(given, self.labels, self.method, self.folds, check.seed(seed))
        known = np.hstack([covariates(given), seen["embed"].astype(np.float64)])
        shared = {"majority": task.majority(), "nuisance": task.right(known)}
        rows: list[dict[str, Any]] = []
        for layer in layers:
            control.current().check()
            control.current().report(len(rows), len(layers), "fitting")
            rows.append(_row(layer, seen[f"{self.site}.{layer}"].astype(np.float64), shared, task))
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
        words = ("accuracy", "share of examples") if self.labels == "class" else ("R^2", "share of the variance")
        extras = {
            "site": self.site, "classes": [str(one) for one in task.names], "folds": self.folds,
            "problems": len(np.unique(task.groups)), "examples": len(given),
        }  # fmt: skip
        return Result(
            "probe", "Probe", f"{words[0]} on held-out problems", "layer", columns,
            "the higher, the better the label is read; the gain over the nuisance baseline is what the layer adds",
            "never right" if self.labels == "class" else "as good as the mean", words[1], record.provenance(), extras,
        )  # fmt: skip


def task_of(given: Sequence[Example], labels: str, method: str, folds: int, seed: int) -> Task:
    """Labels and control labels as numbers, problems and folds.

    Raises:
        InputError: a label is no number where numbers are to be predicted.
    """
    problems = {group: i for i, group in enumerate(dict.fromkeys(one.group for one in given))}
    groups = np.array([problems[one.group] for one in given], np.int64)
    fold = fitting.folds_of(groups, folds, seed)
    tokens, index = np.unique([one.trace.token_ids[one.at] for one in given], return_inverse=True)
    rng = np.random.default_rng(seed)
    if labels == "number":
        values = np.array([check.number("label", one.label, of="A probe of numbers") for one in given], np.float64)
        return Task(values, rng.standard_normal(len(tokens))[index], groups, fold, labels, method, seed)
    names = sorted({one.label for one in given}, key=repr)
    number = {name: i for i, name in enumerate(names)}
    ids = np.array([number[one.label] for one in given], np.int64)
    if len(names) > len(given) // 2:
        raise InputError(
            f"{len(names)} different labels in {len(given)} examples can't be told apart by classes: give coarser "
            'labels, such as one digit, or labels="number" where they are numbers.'
        )
    # Every kind of token gets a class, the same wherever it stands: what a probe can learn of the token alone.
    drawn = rng.permutation(len(tokens)) % len(names)
    return Task(ids, drawn[index].astype(np.int64), groups, fold, labels, method, seed, tuple(names))


def _row(layer: int, x: NDArray[np.float64], shared: dict[str, NDArray[np.float64]], task: Task) -> dict[str, Any]:
    own = task.right(x)
    told = len(np.unique(task.tokens)) > 1
    hashed = task.right(x, task.tokens) if told else np.full(len(own), np.nan)
    row: dict[str, Any] = {"start": layer, "end": layer + 1, "text": f"after layer {layer}", "layer": layer}
    for name, values in (("estimate", own), ("selectivity", own - hashed), ("gain", own - shared["nuisance"])):
        low, high = fitting.over_problems(values, task.groups, task.seed)
        before = "" if name == "estimate" else f"{name}_"
        row |= {name: float(values.mean()), f"{before}low": low, f"{before}high": high}
    return row | {
        "n": len(own), "status": "ok", "majority": shared["majority"].mean(), "shuffled": task.shuffled(x).mean(),
        "token_control": hashed.mean(), "control_status": "ok" if told else ONE_TOKEN,
        "nuisance": shared["nuisance"].mean(),
    }  # fmt: skip
