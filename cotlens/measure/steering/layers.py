"""At which layers a fitted vector tells apart examples that it wasn't fitted on.

Examples are cut into two halves, what belongs together (a pair of texts, the sentences of a trace) staying together.
Each half is scored by its projection on the vector fitted to the other one. AUROC: how often a positive example scores
above a negative one; 0.5 is chance. Random directions, turned to the side that the other half says, are the control:
activations spread so unevenly that they separate more than one might think.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.method import model_data
from cotlens.measure.stats import alike
from cotlens.measure.steering.examples import Examples, read_examples, reading_of
from cotlens.measure.steering.fitting import METHODS, Floats, check_fit
from cotlens.measure.steering.norms import check_layer
from cotlens.models.contract import Model
from cotlens.results import Provenance, Result

CONTROLS = 50  # random directions per layer
_REPEATS = 1000


def layer_sweep(
    model: Model,
    positive: Examples,
    negative: Examples,
    *,
    layers: Sequence[int] | None = None,
    method: str = "difference",
    read: str | None = None,
    seed: int = 0,
    name: str = "fitted",
) -> Result:
    """How well a vector fitted at each layer separates held-out examples.

    One row per layer: `estimate` is the mean AUROC of the two held-out halves, `low` and `high` its 95 % bootstrap
    interval over what belongs together. The columns add `layer`, and `control`, `control_low`, `control_high`: mean and
    2.5 to 97.5 % of 50 random directions on the same halves.

    Args:
        positive, negative, method, read: as for `fit`.

    Raises:
        InputError: as `fit`; or one side can't be cut in two.
        Cancelled: between two texts.
    """
    chosen = list(range(model.n_layers)) if layers is None else [int(layer) for layer in layers]
    for layer in chosen:
        check_layer(model, layer)
    check_fit(model, positive, negative, method)
    groups = groups_of(positive, negative)
    half = halved(groups, seed)
    halves = [half, (~half[0], ~half[1])]
    how, meter, began = read or reading_of(positive, negative), model.meter.snapshot(), time.monotonic()
    sides = [read_examples(model, side, chosen, how).astype(np.float64) for side in (positive, negative)]
    rng, rows = np.random.default_rng(seed), []
    for i, layer in enumerate(chosen):
        rows.append({"layer": layer, **_separation(sides[0][:, i], sides[1][:, i], halves, groups, method, rng)})
    spent = model.meter.since(meter)
    columns: dict[str, Any] = {key: [row[key] for row in rows] for key in rows[0]}
    columns |= {
        "text": [f"{name}, layer {layer}" for layer in chosen],
        "start": [0] * len(rows),
        "end": [0] * len(rows),
        "n": [len(positive) + len(negative)] * len(rows),
        "status": ["ok"] * len(rows),
    }
    settings = {"method": method, "read": how, "n_positive": len(positive), "n_negative": len(negative), "name": name}
    return Result(
        kind="layer_sweep",
        method="layer_sweep",
        metric="AUROC of held-out examples",
        unit="layer",
        columns=columns,
        sign="above 0.5: positive examples score above negative ones",
        zero="0.5 is chance",
        scale_unit="AUROC",
        provenance=Provenance.record(
            method="layer_sweep", settings=settings, seed=seed, **model_data(model),
            cost={"tokens": spent.tokens, "forwards": spent.forwards, "seconds": round(time.monotonic() - began, 4)},
        ),
    )  # fmt: skip


def auroc(positive: Floats, negative: Floats) -> float:
    """How often a value of `positive` is above one of `negative`; ties count half."""
    return float(_above(positive, negative).mean())


def groups_of(positive: Examples, negative: Examples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which examples belong together, a number for each: those of one trace; pairs of texts; else each its own."""
    numbers: dict[Any, int] = {}
    paired = len(positive) == len(negative)

    def number(side: int, i: int, example: Any) -> int:
        if isinstance(example, tuple):
            example = example[0]
        key = (i if paired else (side, i)) if isinstance(example, str) else example.id
        return numbers.setdefault(key, len(numbers))

    first, second = (
        np.array([number(side, i, one) for i, one in enumerate(examples)], dtype=np.int64)
        for side, examples in enumerate((positive, negative))
    )
    return first, second


def halved(
    groups: tuple[NDArray[np.int64], NDArray[np.int64]], seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which examples of each side are in the first half; whole groups, each side cut as evenly as they allow.

    Raises:
        InputError: a side has one group only.
    """
    rng = np.random.default_rng(seed)
    first: set[int] = set()
    done: set[int] = set()
    for side, word in zip(groups, ("positive", "negative"), strict=True):
        own = np.unique(side)
        if len(own) < 2:
            raise InputError(
                f"All {len(side)} {word} examples belong together (one text or one trace), so none can be held out; "
                "give examples from two traces or more."
            )
        left = rng.permutation([group for group in own if group not in done]).tolist()
        have = len(first.intersection(own.tolist()))
        first.update(left[: max(0, len(own) // 2 - have)])
        done.update(own.tolist())
    inside = [np.isin(side, sorted(first)) for side in groups]
    if any(half.all() or not half.any() for half in inside):
        raise InputError("The examples can't be cut into halves with both sides in each; give more traces.")
    return inside[0], inside[1]


def _separation(
    positive: Floats, negative: Floats, halves: Any, groups: Any, method: str, rng: np.random.Generator
) -> dict[str, float]:
    tables, controls = [], []
    for fit_on in halves:
        held = tuple(~half for half in fit_on)
        fitted = METHODS[method](positive[fit_on[0]], negative[fit_on[1]])
        above = _above(positive[held[0]] @ fitted, negative[held[1]] @ fitted)
        tables.append((above, groups[0][held[0]], groups[1][held[1]]))
        directions = rng.standard_normal((CONTROLS, positive.shape[1]))
        controls.append([_turned(one, positive, negative, fit_on, held) for one in directions])
    drawn = np.mean([_redrawn(*table, rng) for table in tables], axis=0)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    if low == high:  # apart in every draw: what as many groups as there are leave open
        low, high = alike(float(low), min(len(np.unique(side)) for side in groups), (0.0, 1.0))
    random = np.mean(controls, axis=0)
    return {
        "estimate": float(np.mean([table[0].mean() for table in tables])),
        "low": float(low),
        "high": float(high),
        "control": float(random.mean()),
        "control_low": float(np.quantile(random, 0.025)),
        "control_high": float(np.quantile(random, 0.975)),
    }


def _turned(direction: Floats, positive: Floats, negative: Floats, fit_on: Any, held: Any) -> float:
    """AUROC of held-out examples along a direction, turned to the side that the fitting half says."""
    first, second = positive @ direction, negative @ direction
    found = auroc(first[held[0]], second[held[1]])
    return 1 - found if first[fit_on[0]].mean() < second[fit_on[1]].mean() else found


def _above(positive: Floats, negative: Floats) -> Floats:
    """1 where a positive score is above a negative one, 0.5 where they are equal, float64 [positive, negative]."""
    return np.asarray(np.heaviside(positive[:, None] - negative[None], 0.5))


def _redrawn(above: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """AUROC with groups drawn again, float64 [repeats]; NaN where a draw leaves a side empty."""
    names = np.union1d(rows, columns)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=_REPEATS).astype(np.float64)
    first, second = counts[:, np.searchsorted(names, rows)], counts[:, np.searchsorted(names, columns)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((first @ above) * second).sum(1) / (first.sum(1) * second.sum(1)))
