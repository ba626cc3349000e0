"""Attention patterns on demand: which tokens, or stretches of tokens, each head looks at.

Fused kernels never hold the weights, and all heads x T x T of them rarely fit. So the model is run under eager
attention for some queries at a time behind its cache, and of each layer only what was asked for is kept: a few heads,
or means over blocks of spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.contract.validation import check_sequence
from cotlens.models.local import budget
from cotlens.models.local.caches import fresh_cache
from cotlens.models.local.incremental import fitting

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.architecture.runner import ModelRunner
    from cotlens.models.contract.interventions import Patch
    from cotlens.models.local.engine import Engine

Head = tuple[int, int]
MOST_BYTES = 2**30  # of patterns that one call returns


def attention(
    engine: Engine,
    ids: Sequence[int],
    heads: Sequence[Head] | None,
    spans: Sequence[tuple[int, int]] | None,
    inputs: Sequence[Patch] = (),
) -> dict[Head, NDArray[np.float32]]:
    """Attention weights per (layer, head): float32 [tokens, tokens], or block means [spans, spans].

    Args:
        inputs: vectors in place of embeddings.

    Raises as `wanted`, and CapabilityError where this model gives no weights.
    """
    ids, found = wanted(engine, ids, heads, spans)
    whole = not engine.obeys_masks and (
        engine.layout.window or not engine.in_pieces
    )  # what a window forgot is not there
    with torch.no_grad(), _eager(engine.hf):
        fitting(
            engine,
            len(ids) if whole else budget.piece(engine, len(ids)),
            lambda most: _fill(engine, ids, found, spans, most, inputs),
        )
    return found


def wanted(
    runner: ModelRunner, ids: Sequence[int], heads: Sequence[Head] | None, spans: Sequence[tuple[int, int]] | None
) -> tuple[Sequence[int], dict[Head, NDArray[np.float32]]]:
    """The tokens that have to be run, and a pattern of zeros for every head that is asked for.

    Raises:
        InputError: a head or span doesn't exist, spans overlap, or the patterns would take more than 1 GiB.
        CapabilityError: this model's attention can't be masked.
    """
    check_sequence(runner, ids)
    runner.need_hiding()
    chosen = _heads(runner, heads)
    n = len(ids) if spans is None else _checked(spans, len(ids))
    size = len(spans) if spans is not None else n
    bytes_needed = len(chosen) * size * size * 4
    if bytes_needed > MOST_BYTES:
        raise InputError(
            f"{len(chosen)} attention patterns of {size} x {size} would take {bytes_needed / 2**30:.1f} GiB; "
            "name fewer heads=, or give spans= to average over."
        )
    return ids[:n], {head: np.zeros((size, size), np.float32) for head in chosen}


def _fill(
    engine: Engine,
    ids: Sequence[int],
    found: dict[Head, NDArray[np.float32]],
    spans: Sequence[tuple[int, int]] | None,
    step: int,
    inputs: Sequence[Patch],
) -> None:
    """Run `ids` `step` queries at a time and enter what each of them attends to into `found`."""
    for pattern in found.values():
        pattern[:] = 0  # what was entered before memory ran out
    layers, cache = by_layer(engine, found), fresh_cache() if engine.obeys_masks else True
    for start in range(0, len(ids), step):
        control.current().check()
        stop = min(len(ids), start + step)
        at = np.arange(start, stop)
        rows, columns, into = None, None, slice(start, stop)
        if spans is not None:
            rows, columns, into = means(engine, spans, start, stop)
        given = _embedded(engine, ids, start, stop, inputs)
        weights, cache = engine.attend(engine.tensor(ids[start:stop]), at, cache, layers, rows, columns, given)
        enter(found, layers, weights, into)
        control.current().report(stop, len(ids), "attention")


def _embedded(engine: Engine, ids: Sequence[int], start: int, stop: int, inputs: Sequence[Patch]) -> Tensor | None:
    """What tokens [start, stop) read where vectors stand in place of some embeddings; None where none does."""
    if not inputs:
        return None
    found: Tensor = engine.hf.get_input_embeddings()(engine.embeddable(engine.tensor(ids[start:stop]))).clone()
    for patch in inputs:
        for position, vector in zip(patch.positions, patch.values, strict=True):
            if start <= position < stop:
                found[0, position - start] = torch.tensor(vector, dtype=found.dtype, device=found.device)
    return found


def by_layer(runner: ModelRunner, found: Iterable[Head]) -> dict[int, Tensor]:
    """Layer -> int64 [h], the heads wanted of it."""
    layers: dict[int, list[int]] = {}
    for layer, head in found:
        layers.setdefault(layer, []).append(head)
    return {layer: torch.tensor(layers[layer], device=runner.device) for layer in sorted(layers)}


def enter(
    found: dict[Head, NDArray[np.float32]], layers: dict[int, Tensor], weights: dict[int, Tensor | None], into: slice
) -> None:
    """Add weights to rows `into` of the patterns of their heads."""
    for layer, part in weights.items():
        if part is None:
            raise CapabilityError(f"Layer {layer} of this model gives no attention weights; name other heads.")
        for head, values in zip(layers[layer].tolist(), part.cpu().numpy(), strict=True):
            found[layer, head][into, : values.shape[1]] += values


def means(engine: ModelRunner, spans: Sequence[tuple[int, int]], start: int, stop: int) -> tuple[Tensor, Tensor, slice]:
    """What takes weights of queries [start, stop) to block means: [r, q] and [stop, spans]; and which spans r are."""
    bounds = np.asarray(spans, dtype=np.int64).reshape(-1, 2)
    share = (1 / (bounds[:, 1] - bounds[:, 0])).astype(np.float32)
    first = int(np.searchsorted(bounds[:, 1], start, side="right"))
    last = int(np.searchsorted(bounds[:, 0], stop, side="left"))
    rows = np.zeros((max(0, last - first), stop - start), np.float32)
    for row, index in enumerate(range(first, last)):
        a, b = bounds[index]
        rows[row, max(0, a - start) : max(0, b - start)] = share[index]
    columns = np.zeros((stop, len(bounds)), np.float32)
    for index, (a, b) in enumerate(bounds):
        columns[a:b, index] = share[index]
    device = engine.device
    return torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device), slice(first, max(first, last))


def _heads(engine: ModelRunner, heads: Sequence[Head] | None) -> list[Head]:
    layout = engine.layout
    every = [(layer, head) for layer in engine.attending for head in range(layout.heads)]
    chosen = every if heads is None else [(int(layer), int(head)) for layer, head in heads]
    for layer, head in chosen:
        if not (0 <= layer < layout.n_layers and 0 <= head < layout.heads):
            raise InputError(
                f"There is no head {head} in layer {layer}: this model has layers 0 to {layout.n_layers - 1}, "
                f"each with heads 0 to {layout.heads - 1}."
            )
        if layer not in engine.attending:
            raise InputError(
                f"There is no head {head} in layer {layer}, which keeps a state and attends to nothing: the layers of "
                f"this model that have heads are {', '.join(map(str, engine.attending))}."
            )
    if bare := [layer for layer, _ in chosen if not layout.attention[layer]]:
        raise CapabilityError(f"Layer {bare[0]} of this model gives no attention weights; name other heads.")
    return list(dict.fromkeys(chosen))


def _checked(spans: Sequence[tuple[int, int]], n: int) -> int:
    """Just after the last token of the last span."""
    for start, end in spans:
        if not 0 <= start < end <= n:
            raise InputError(f"The span of tokens {start} to {end} is empty or not in this trace of {n} tokens.")
    if not spans or any(end > start for (_, end), (start, _) in pairwise(spans)):
        raise InputError("Attention is averaged over spans in order that share no token; give at least one such span.")
    return int(spans[-1][1])


@contextmanager
def _eager(hf: Any) -> Iterator[None]:
    """Eager attention for a while: fused kernels give no weights."""
    before = hf.config._attn_implementation
    if before == "eager":
        yield
        return
    hf.set_attn_implementation("eager")
    try:
        yield
    finally:
        hf.set_attn_implementation(before)
