"""Fitting vectors to examples of two sides.

- "difference": mean of the positive minus mean of the negative activations (steering-vectors' default; Rimsky et al.
  2023, arXiv 2312.06681, and others before).
- "pca": the direction along which pairs differ most, of norm 1: the first right singular vector of
  positive_i - negative_i, not centred, pointing to the positive side (repeng's "pca_center"; steering-vectors'
  `pca_aggregator`).
- "discriminant": the difference of means without what varies within the sides anyway, as long as the difference:
  Fisher's linear discriminant, the covariance shrunk half-way to a multiple of the identity (Marks and Tegmark 2023,
  arXiv 2310.06824, section 5: mass-mean probing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.method import check_setting, model_data
from cotlens.measure.steering.examples import Example, Examples, read_examples, reading_of, texts_of
from cotlens.measure.steering.norms import check_layer, residual_norms
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Capability, Model, remedy
from cotlens.results import Provenance
from cotlens.trace import Trace

Floats = NDArray[np.float64]
SHRUNK = 0.5  # share of the covariance that is put evenly in all directions
MOST_TEXT = 40  # examples whose texts are kept in the provenance of a vector, per side


def fit(
    model: Model,
    positive: Examples,
    negative: Examples,
    *,
    layer: int,
    method: str = "difference",
    read: str | None = None,
    name: str = "fitted",
) -> Vector:
    """The vector that leads from the negative to the positive examples at one layer.

    Args:
        positive, negative: texts, traces, or (trace, span) pairs; for "pca" as many of each, in pairs. Texts are read
            as they stand, without a chat template; `thoughts` makes examples of them for a model that thinks.
        layer: from 0.
        method: "difference", "pca" or "discriminant".
        read: "last" token, "mean" over tokens, or token "before"; by default spans by their mean, whole texts at their
            last token.

    Raises:
        InputError: no such layer, method or way of reading; no examples; both sides are the same.
        CapabilityError: the model's activations can't be read.
        Cancelled: between two texts.
    """
    check_fit(model, positive, negative, method)
    check_layer(model, layer)
    return fit_layers(model, positive, negative, layers=[layer], method=method, read=read, name=name)[0]


def fit_layers(
    model: Model,
    positive: Examples,
    negative: Examples,
    *,
    layers: Sequence[int] | None = None,
    method: str = "difference",
    read: str | None = None,
    name: str = "fitted",
) -> tuple[Vector, ...]:
    """One vector per layer (default: every layer), read in the same passes; otherwise as `fit`."""
    check_fit(model, positive, negative, method)
    chosen = list(range(model.n_layers)) if layers is None else [int(layer) for layer in layers]
    for layer in chosen:
        check_layer(model, layer)
    how = read or reading_of(positive, negative)
    first, second = (read_examples(model, side, chosen, how) for side in (positive, negative))
    norms = residual_norms(model, texts_of([*positive, *negative]))
    vectors = []
    for i, layer in enumerate(chosen):
        values = METHODS[method](first[:, i].astype(np.float64), second[:, i].astype(np.float64))
        made = _provenance(model, positive, negative, layer, method, how, name)
        vectors.append(Vector(name, layer, values.astype(np.float32), float(norms[layer]), made))
    return tuple(vectors)


def difference(positive: Floats, negative: Floats) -> Floats:
    """Mean of the positive minus mean of the negative activations [n, d]."""
    return np.asarray(positive.mean(0) - negative.mean(0))


def pca(positive: Floats, negative: Floats) -> Floats:
    """The direction of norm 1 along which pairs [n, d] differ most, towards the positive side."""
    apart = positive - negative
    direction = np.linalg.svd(apart, full_matrices=False)[2][0]
    return np.asarray(-direction if (apart @ direction).mean() < 0 else direction)


def discriminant(positive: Floats, negative: Floats) -> Floats:
    """The shrunk covariance within the sides, inverted, times the difference of their means [n, d]."""
    apart = difference(positive, negative)
    within = np.concatenate([positive - positive.mean(0), negative - negative.mean(0)])
    covariance = within.T @ within / len(within)
    even = np.trace(covariance) / len(apart)
    if not even:
        return apart
    direction = np.linalg.solve((1 - SHRUNK) * covariance + SHRUNK * even * np.eye(len(apart)), apart)
    return np.asarray(direction * (np.linalg.norm(apart) / max(np.linalg.norm(direction), np.finfo(np.float64).tiny)))


METHODS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "difference": difference,
    "pca": pca,
    "discriminant": discriminant,
}


def check_fit(model: Model, positive: Examples, negative: Examples, method: str) -> None:
    """Raise unless a vector can be fitted by `method` on these examples."""
    if Capability.READ not in model.capabilities:
        raise CapabilityError(
            f"The activations of {model.name!r} can't be read: {remedy(Capability.READ, model.backend)}."
        )
    check_setting("A steering vector", "method", method, tuple(METHODS))
    for side in (positive, negative):
        if isinstance(side, str):
            raise InputError(f"Examples are a list; one text was given ({side[:40]!r}).")
    if method == "pca" and len(positive) != len(negative):
        raise InputError(
            f"method='pca' needs pairs; {len(positive)} positive and {len(negative)} negative examples were given. Use "
            "method='difference' where they don't belong together two by two."
        )


def _provenance(
    model: Model, positive: Examples, negative: Examples, layer: int, method: str, read: str, name: str
) -> Provenance:
    texts = all(isinstance(example, str) for example in (*positive, *negative))
    few = max(len(positive), len(negative)) <= MOST_TEXT
    sides = f"{list(positive)!r}, {list(negative)!r}" if texts and few else "positive, negative"
    code = f"cl.steering.fit(model, {sides}, layer={layer}, method={method!r}, read={read!r}, name={name!r})"
    settings = {
        "read": read,
        "n_positive": len(positive),
        "n_negative": len(negative),
        "positive": [_shown(example) for example in positive[:MOST_TEXT]],
        "negative": [_shown(example) for example in negative[:MOST_TEXT]],
        "code": code,
    }
    return Provenance.record(method=method, settings=settings, **model_data(model))


def _shown(example: Example) -> str:
    """An example as text."""
    if isinstance(example, tuple):
        trace, span = example
        return trace.text[span.char_start : span.char_end]
    return example.text if isinstance(example, Trace) else example
