"""Branches that change something at a later layer start there: below it their stream is the trunk's own.

A branch that goes on with the very tokens of its trunk and is only changed inside has, up to its first change, the
activations that the trunk has at these positions. They are read once for all branches; each then runs the layers from
its first change on alone, behind the cached keys and values of the trunk. Where a whole layer's output is patched, that
layer isn't run either, and where the last layer alone is left, neither are the tokens that nothing is changed at or
asked of: what they would be seen as there, the trunk's cache holds already. Whether a model can start in the middle is
tried once, against passes through all layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import CotLensError
from cotlens.models.contract import Branch, Meter, Patch
from cotlens.models.local import budget

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.local.engine import Engine
    from cotlens.models.local.scoring.trie import Chunk

FAILED = (CotLensError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, IndexError, StopIteration)
Score = Callable[..., tuple[Any, Any]]
TOKENS, CUT = 10, 4  # of the trial
_CLOSE = 1e-3  # nats by which passes from a layer on may miss whole ones, in float32
_ROUGH = 0.05  # in narrower types


@dataclass(frozen=True)
class Beginning:
    """Where the branches of one pass begin.

    Args:
        layer: the first that is run.
        patched: whether all that they change is put into the stream before that layer.
    """

    layer: int
    patched: bool


@dataclass(frozen=True)
class Streams:
    """The residual streams of one trunk, by number of the layer before which they stand; float [tokens, d_model].

    Args:
        state: of the model that ran it; see `identity.Identity`.
    """

    state: str
    ids: tuple[int, ...]
    before: dict[int, Tensor]


def beginnings(
    engine: Engine, trunk: Sequence[int], branches: Sequence[Branch], score: Score
) -> list[Beginning | None]:
    """Where each branch can begin; None for those that run all layers, which are all where it wouldn't pay.

    Args:
        score: packed scoring, by which a model is tried.
    """
    ids = tuple(trunk)
    found = [_of(engine, ids, branch) for branch in branches]
    n = engine.layout.n_layers
    saved = sum(len(one.token_ids) * start.layer / n for one, start in zip(branches, found, strict=True) if start)
    needed = sorted({start.layer for start in found if start})
    known = _known(engine, ids)
    unread = [layer for layer in needed if layer not in known]
    held = len(ids) * engine.layout.d_model * 4 * n
    if (
        not needed
        or (unread and (saved < 2 * len(ids) or held > budget.available(engine)))
        or not can_start(engine, score)
    ):
        return [None] * len(branches)
    return found


def _of(engine: Engine, ids: tuple[int, ...], branch: Branch) -> Beginning | None:
    if not branch.interventions or branch.hidden or branch.left_out:
        return None
    fed = branch.token_ids[: max(branch.asked, default=0)]
    if not fed or ids[branch.prefix : branch.prefix + len(fed)] != fed:
        return None
    places = {(getattr(item, "layer", 0), getattr(item, "site", "embed")) for item in branch.interventions}
    first = min(layer for layer, _ in places)
    whole = len(places) == 1 and places == {(first, "resid_post")}
    if whole and all(isinstance(item, Patch) for item in branch.interventions):
        return Beginning(first + 1, patched=True)
    return Beginning(first, patched=False) if first and not any(site == "embed" for _, site in places) else None


def streams(engine: Engine, trunk: Sequence[int], layers: Sequence[int]) -> dict[int, Tensor]:
    """The streams before these layers, read once while the same trunk is asked about."""
    from cotlens.models.whitebox import activations

    ids = tuple(trunk)
    known = _known(engine, ids)
    missing = [layer for layer in layers if layer not in known]
    if missing:
        with control.using(control.current().silent()):
            seen = activations.read(engine, ids, [f"resid_post.{layer - 1}" for layer in missing], None, ())
        read = {layer: torch.from_numpy(seen[f"resid_post.{layer - 1}"]) for layer in missing}
        known = {**known, **{layer: one.to(engine.device, engine.dtype) for layer, one in read.items()}}
        engine.streams = Streams(engine.state(), ids, known)
    return known


def _known(engine: Engine, ids: tuple[int, ...]) -> dict[int, Tensor]:
    kept: Streams | None = engine.streams
    same = kept is not None and kept.ids == ids and kept.state == engine.state() != ""
    return kept.before if kept is not None and same else {}


def stream_of(chunk: Chunk, start: int, stop: int, whole: Tensor, patched: bool) -> Tensor:
    """The stream of the nodes [start, stop) before the first layer that is run, [1, nodes, d_model]."""
    found = whole[torch.from_numpy(chunk.positions[start:stop]).to(whole.device)]
    for index, changes in enumerate(chunk.changes) if patched else ():
        rows = np.flatnonzero(chunk.changes_of[start:stop] == index)
        for item in changes:
            _put(found, rows, chunk.positions[start:stop][rows], item)
    return found[None]


def _put(stream: Tensor, rows: Any, at: Any, item: Any) -> None:
    order = {position: index for index, position in enumerate(item.positions)}
    here = [(row, order[int(position)]) for row, position in zip(rows, at, strict=True) if int(position) in order]
    if here:
        into, which = (list(one) for one in zip(*here, strict=True))
        stream[into] = torch.tensor(item.values[which]).to(stream)


def can_start(engine: Engine, score: Score) -> bool:
    """Whether passes from a layer on give what passes through all layers give; tried once, not metered."""
    if engine.starts is None:
        engine.starts = False  # while it is tried, and where it fails
        meter, engine.meter = engine.meter, Meter()
        try:
            with control.using(Control()):
                engine.starts = len(engine.devices) == 1 and engine.obeys_masks and _agrees(engine, score)
        except FAILED:
            engine.starts = False
        finally:
            engine.meter = meter
    return bool(engine.starts)


def _agrees(engine: Engine, score: Score) -> bool:
    n, wide = min(TOKENS, engine.layout.context - 1), engine.layout.d_model
    ids = [(7919 * (i + 3)) % engine.layout.vocabulary for i in range(n)]
    rng, layers = np.random.default_rng(0), engine.layout.n_layers
    branches = [
        Branch(CUT, tuple(ids[CUT:]), interventions=(Patch(layer, (CUT + 1,), values, site=site),))
        for layer in sorted({0, layers // 2, max(0, layers - 2), layers - 1})
        for site in ("resid_post", "mlp_out")
        for values in [rng.standard_normal((1, wide)).astype(np.float32)]
        if engine.layout.path(site, layer)
    ]
    close = _CLOSE if engine.dtype in (torch.float32, torch.float64) else _ROUGH
    for branch in branches:
        start = _of(engine, tuple(ids), branch)
        if start is None:
            continue
        whole, _ = score(engine, ids, [branch])
        ours, _ = score(engine, ids, [branch], beginning=start)
        if not np.allclose(whole.logprobs, ours.logprobs, atol=close, equal_nan=True):
            return False
    return True


def by_beginning(found: Sequence[Beginning | None]) -> dict[Beginning | None, list[int]]:
    """Indices of the branches that go into one pass."""
    groups: dict[Beginning | None, list[int]] = {}
    for index, start in enumerate(found):
        groups.setdefault(start, []).append(index)
    return groups
