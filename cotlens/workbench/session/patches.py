"""What a session keeps of a grid of patches, how it comes back, and its script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cotlens._core.errors import InputError
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.workbench.branches import script
from cotlens.workbench.branches.node import Node
from cotlens.workbench.patch_grid.patch_grid import PatchGrid

IMPORT = "from cotlens.models.contract import Patch"


def restored(
    model: Model, results: Sequence[Result], runs: Sequence[Trace], nodes: Sequence[Node], current: str
) -> PatchGrid:
    """A grid as it was, with the branches that were patched; no cell is measured.

    Args:
        runs: base and source.
    """
    if not results:
        raise InputError("its cells were still being measured")
    base, source = runs
    grid = PatchGrid(*results, model=model, base=base, source=source)
    grid.revive(nodes, current)
    return grid


def lines(name: str, grid: PatchGrid, made: dict[str, str]) -> Iterator[str]:
    """The lines that make both runs, the grid, and every patched branch again."""
    named: dict[str, Any] = {side: f"traces[{f'{name}/{root}'!r}]" for side, root in grid.roots.items()}
    yield IMPORT
    for node in script.in_sight(grid.tree):
        if node.kind == "patch":
            yield f"donor = {named['source' if grid.side(node.id) == 'base' else 'base']}"
        yield from script.text(f"{name}/", node)
        made[f"{name}/{node.id}"] = node.trace.id
    if grid.call:
        yield f"base, source = {named['base']}, {named['source']}"
        yield f"results[{name!r}] = {grid.call}"
