"""The plain path: one ordinary pass per branch. The oracle of the fast path, and what is used where that can't be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from cotlens._core import control
from cotlens.models.engine import Engine
from cotlens.models.logits import Scores
from cotlens.models.packing import Ints, seen_from

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.contract import Branch
    from cotlens.models.interventions import Intervention


def score(
    engine: Engine, trunk: Sequence[int], branches: Sequence[Branch], interventions: Sequence[Intervention] = ()
) -> tuple[Scores, Ints]:
    """Score checked branches, one pass each; returns and raises as `packed.score`."""
    lengths = np.asarray([len(branch.token_ids) for branch in branches], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    scores = Scores(int(starts[-1]))
    for index, (branch, start) in enumerate(zip(branches, starts.tolist(), strict=False)):
        control.current().check()
        if branch.given < len(branch.token_ids):
            _score_one(engine, trunk, branch, start, scores, interventions)
        control.current().report(index + 1, len(branches), "scoring")
    return scores, starts


def _score_one(
    engine: Engine,
    trunk: Sequence[int],
    branch: Branch,
    start: int,
    scores: Scores,
    interventions: Sequence[Intervention],
) -> None:
    prefix, tokens = branch.prefix, branch.token_ids
    hidden, refed = seen_from(prefix, branch.hidden)
    extra = [trunk[refed]] if len(hidden) else []
    ids = [*trunk[:prefix], *extra, *tokens[:-1]]
    at = np.concatenate([np.arange(prefix), [refed] * len(extra), prefix + np.arange(len(tokens) - 1)]).astype(np.int64)
    first = len(ids) - len(tokens) + branch.given
    masks = None
    if len(hidden):
        masks = engine.masks(_visible(len(ids), prefix, refed, hidden, engine.device), at, at, interventions)
    elif interventions:
        masks = engine.causal(at, 0, interventions) if engine.obeys_masks else None
    logits, _, _ = engine.forward(
        engine.tensor(ids),
        at if masks is not None else None,
        masks=masks,
        keep=torch.arange(first, len(ids), device=engine.device),
        interventions=interventions,
    )
    targets = np.asarray(tokens[branch.given :], dtype=np.int64)
    rows = np.arange(len(targets))
    scores.put(logits[0], rows, targets, start + branch.given + rows, at[first:])


def _visible(n: int, prefix: int, refed: int, hidden: Ints, device: torch.device) -> Tensor:
    """Bool [n, n]: trunk rows as ever; branch rows without the hidden positions, the re-fed token in its own stead."""
    visible = torch.ones(n, n, dtype=torch.bool, device=device).tril()
    visible[prefix:, torch.from_numpy(hidden).to(device)] = False
    visible[prefix:, refed:prefix] = False
    return visible
