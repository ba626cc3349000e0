"""Activations at branch tokens where a backend can't read them in the pass that scores: a reading per branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import CapabilityError
from cotlens.models.contract import Branch, BranchScore

Floats = NDArray[np.float32]
Read = Callable[[tuple[int, ...], Sequence[int]], Mapping[str, Floats]]


def with_activations(
    trunk: Sequence[int], branches: Sequence[Branch], scores: Sequence[BranchScore], read: Read
) -> list[BranchScore]:
    """The scores with what `read(token ids, positions)` finds at the tokens that predict each entry.

    Raises:
        CapabilityError: a branch hides positions or leaves some out, which no plain text does.
    """
    for index, branch in enumerate(branches):
        if branch.hidden or branch.left_out:
            raise CapabilityError(
                f"Branch {index} hides positions or leaves some out, and this backend reads activations of whole texts "
                'only: ask for no sites, or load the model with backend="local".'
            )
    found = []
    for done, (branch, score) in enumerate(zip(branches, scores, strict=True)):
        control.current().check()
        found.append(replace(score, activations=_table(branch, read, tuple(trunk[: branch.prefix]))))
        control.current().report(done + 1, len(branches), "reading")
    return found


def _table(branch: Branch, read: Read, before: tuple[int, ...]) -> dict[str, Floats]:
    n = len(branch.token_ids)
    slots = [*range(branch.given, n), *range(n, branch.entries)]
    text = (*before, *branch.token_ids)
    seen = read(text, [branch.prefix - 1 + index for index in branch.asked])
    tables = {}
    for site, values in seen.items():
        table = np.full((branch.entries, values.shape[-1]), np.nan, np.float32)
        table[slots] = values
        table.setflags(write=False)
        tables[site] = table
    return tables
