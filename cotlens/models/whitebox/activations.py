"""Reading what a model makes of a given sequence: activations, and the probability of every token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens.models.architecture.logits import alternatives
from cotlens.models.contract.validation import check_sequence, chosen_positions
from cotlens.models.generation.samples import TokenMeasurements
from cotlens.models.generation.traces import Measured
from cotlens.models.local import budget
from cotlens.models.local.incremental import STEP, IncrementalSequence, fitting, pieces

if TYPE_CHECKING:
    from cotlens.models.contract.interventions import Intervention
    from cotlens.models.local.engine import Engine


def annotate(engine: Engine, ids: Sequence[int], k: int, changes: Sequence[Intervention] = ()) -> Measured:
    """Log-probability and k best alternatives at every token but the first.

    Raises:
        InputError: no tokens, more than the context, or ids that aren't the model's.
    """
    check_sequence(engine, ids)
    check.whole("k", k, 0)
    most = min(STEP, budget.nodes(engine, len(ids)))
    return fitting(engine, most, lambda step: _annotated(engine, ids, k, step, changes))


def _annotated(engine: Engine, ids: Sequence[int], k: int, most: int, changes: Sequence[Intervention]) -> Measured:
    table = Measured(len(ids), min(k, engine.layout.vocabulary))
    # The last token predicts none of them, so it need not be run.
    stream, row = IncrementalSequence(engine, changes), engine.tensor(ids)
    for start, stop in pieces(engine, len(ids) - 1, most):
        logits = stream.feed(row[:, start:stop], 0)[0][0]
        at = np.arange(start + 1, stop + 1)
        notes = TokenMeasurements()
        notes.add(at.tolist(), alternatives(logits, row[0, at], max(1, k), at - 1))
        if k == 0:
            table.logprobs[notes.at] = notes.logprobs
        else:
            table.put(notes)
        control.current().report(stop, len(ids), "reading")
    return table


def read(
    engine: Engine,
    ids: Sequence[int],
    sites: Sequence[str],
    positions: Sequence[int] | None,
    interventions: Sequence[Intervention],
) -> dict[str, NDArray[np.float32]]:
    """Activations float32 [positions, d_model] per site.

    Raises:
        InputError: a site or position doesn't exist, or the sequence can't be run.
    """
    check_sequence(engine, ids)
    for site in sites:
        engine.layout.site(site)
    chosen = chosen_positions(ids, positions)
    step = min(STEP, int(chosen.max(initial=0)) + 1)
    found = fitting(engine, step, lambda most: _activations(engine, ids, sites, chosen, interventions, most))
    # Each position is read once; this puts them back as they were asked for, repeats included.
    order = np.unique(chosen, return_inverse=True)[1]
    empty = {site: np.empty((0, engine.layout.width(site)), np.float32) for site in found}
    return {site: np.concatenate([empty[site], *parts])[order] for site, parts in found.items()}


def _activations(
    engine: Engine,
    ids: Sequence[int],
    sites: Sequence[str],
    chosen: NDArray[np.int64],
    interventions: Sequence[Intervention],
    most: int,
) -> dict[str, list[NDArray[np.float32]]]:
    """Site -> activations at each of the `chosen` positions once, in order, as they came."""
    stream, row = IncrementalSequence(engine, interventions), engine.tensor(ids)
    found: dict[str, list[NDArray[np.float32]]] = {site: [] for site in sites}
    # Nothing behind the last position acts on what stands before it.
    last = int(chosen.max(initial=-1)) + 1
    for start, stop in pieces(engine, last, most):
        _, seen = stream.feed(row[:, start:stop], 1, sites)
        inside = (chosen >= start) & (chosen < stop)
        index = torch.from_numpy(np.unique(chosen[inside]) - start)
        for site in sites:
            found[site].append(seen[site][0, index].float().cpu().numpy())
    return found
