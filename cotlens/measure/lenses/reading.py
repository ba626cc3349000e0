"""What all lenses share: the places they read, and the table they return."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens.measure.steering.norms import width
from cotlens.models.contract import Model
from cotlens.results import Provenance, Result
from cotlens.trace import Trace

Floats = NDArray[np.float64]
_AT_ONCE = 256 * 2**20  # bytes of activations that are held together
ECHO = 0.5  # share of tokens that the embedding says back, above which it is called an artefact


def sites(model: Model) -> list[str]:
    """The places of a lens, by number: 0 is the token embedding, l what stands after l layers."""
    return ["embed", *(f"resid_post.{layer}" for layer in range(model.n_layers))]


def streams(model: Model, trace: Trace, positions: Sequence[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(number, float32 [positions, d_model]) of every place; in one pass where all of them fit into 256 MB."""
    places = sites(model)
    step = max(1, _AT_ONCE // (4 * max(1, len(positions)) * width(model)))
    for start in range(0, len(places), step):
        control.current().check()
        found = model.read(trace, places[start : start + step], positions=positions)
        yield from ((start + i, found[place]) for i, place in enumerate(places[start : start + step]))


def echo(said: NDArray[np.int32], own: Sequence[int]) -> str:
    """Status of the embedding's rows: where it mostly says its own tokens, as tied weights make it, an artefact."""
    share = float((said == np.asarray(own)).mean()) if len(own) else 0.0
    return f"artefact: the embedding says back its own token at {share:.0%} of places" if share > ECHO else "exact"


def words(model: Model, ids: Sequence[int]) -> list[str]:
    """What tokens read as."""
    return [piece.decode("utf-8", "replace") for piece in model.codec.pieces([int(one) for one in ids])]


def table(
    method: Any,
    rows: Mapping[str, Any],
    estimates: Floats,
    provenance: Provenance,
    metric: str,
    sign: str,
    zero: str,
    extras: Mapping[str, Any],
) -> Result:
    """A result of one row per layer and place; without sampling, low = high = estimate."""
    columns = {
        **{name: rows[name] for name in ("start", "end", "text")},
        "estimate": estimates,
        "low": estimates,
        "high": estimates,
        "n": np.ones(len(estimates), np.int32),
        **{name: column for name, column in rows.items() if name not in ("start", "end", "text")},
    }
    return Result(
        "lens", type(method).__name__, metric, method.unit, columns, sign, zero, "nats", provenance, {**extras}
    )
