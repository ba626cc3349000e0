"""The plain path: one ordinary pass per branch. Fast paths are held to it; where none can be taken, it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from cotlens._core import control
from cotlens.models.architecture.logits import ScoreTable
from cotlens.models.contract.interventions import BlockAttention
from cotlens.models.local.engine import Engine
from cotlens.models.local.scoring import trie
from cotlens.models.local.scoring.token_rows import Ints
from cotlens.models.local.scoring.trie import seen_from

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.contract import Branch
    from cotlens.models.contract.interventions import Intervention


def score(
    engine: Engine,
    trunk: Sequence[int],
    branches: Sequence[Branch],
    interventions: Sequence[Intervention] = (),
    sites: Sequence[str] = (),
) -> tuple[ScoreTable, Ints]:
    """Score checked branches, one pass each; returns and raises as `packed.score`."""
    starts, wanted = trie.starts_of(branches), trie.ScoreTargets()
    scores = ScoreTable(int(starts[-1]), wanted.sets, sites)
    for index, (branch, start) in enumerate(zip(branches, starts.tolist(), strict=False)):
        control.current().check()
        if branch.asked:
            _score_one(engine, trunk, branch, wanted.of(branch, start), scores, interventions)
        control.current().report(index + 1, len(branches), "scoring")
    return scores, starts


def _score_one(
    engine: Engine,
    trunk: Sequence[int],
    branch: Branch,
    asked: list[tuple[int, int, int]],
    scores: ScoreTable,
    interventions: Sequence[Intervention],
) -> None:
    prefix, tokens = branch.prefix, branch.token_ids[: max(branch.asked)]
    hidden, last = seen_from(prefix, branch.hidden)
    again = len(hidden) > 0 and min(branch.asked) == 0  # the last token in sight predicts the first of the branch
    extra = [trunk[last]] if again and engine.obeys_masks else []  # a state would take it in twice
    ids = [*trunk[:prefix], *extra, *tokens]
    at = np.concatenate([np.arange(prefix), [last] * len(extra), branch.positions[: len(tokens)]]).astype(np.int64)
    indices, targets, slots = (np.array(column, dtype=np.int64) for column in zip(*asked, strict=True))
    rows = indices + (prefix - 1 + len(extra))
    masks, gaps = None, bool(branch.left_out)
    interventions = (*interventions, *branch.changes)
    blocked = any(isinstance(item, BlockAttention) for item in interventions)
    if len(hidden):
        first = prefix if extra or not again else last
        seen = _visible(len(ids), first, last if again else prefix, hidden, engine.device)
        masks = engine.masks(seen, at, at, interventions)
    elif blocked or (interventions and engine.obeys_masks) or (gaps and (engine.obeys_masks or engine.layout.window)):
        masks = engine.causal(at, 0, interventions)
    logits, seen, _ = engine.forward(
        engine.tensor(ids),
        at if masks is not None or gaps else None,
        masks=masks,
        cache=True
        if gaps and masks is None
        else None,  # without one, a model takes what follows a gap for another text
        keep=torch.arange(int(rows.min()), len(ids), device=engine.device),
        interventions=interventions,
        sites=scores.sites,
    )
    scores.put(logits[0], rows - rows.min(), targets, slots, at[rows.min() :])
    scores.see({site: one[0] for site, one in seen.items()}, rows, slots)


def _visible(n: int, prefix: int, refed: int, hidden: Ints, device: torch.device) -> Tensor:
    """Bool [n, n]: trunk rows as ever; branch rows without the hidden positions, a re-fed token in its own stead."""
    visible = torch.ones(n, n, dtype=torch.bool, device=device).tril()
    visible[prefix:, torch.from_numpy(hidden).to(device)] = False
    visible[prefix:, refed:prefix] = False
    return visible
