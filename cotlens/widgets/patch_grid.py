"""The view of a patch grid: what it shows, as traits, and what a person does in it, as messages."""

from __future__ import annotations

from typing import Any

import traitlets as t

from cotlens.results import Result
from cotlens.results.code import showing
from cotlens.widgets.grids.view import GridView
from cotlens.widgets.protocol.shared import BranchInfo, Comparison, Grid, Job, Lock, Piece

NO_MODEL = (
    "No model was given, so that this grid can be read but nothing patched: open it with "
    "cl.PatchGrid(result, model=model, base=base, source=source)."
)


class PatchGridView(GridView):
    """Draws the recoveries of a patch grid; knows no model.

    `why` says why nothing can be patched, "" where it can. Messages arrive through `on_msg` as `{"request_id", "kind",
    ...}`, each wants a last `reply`: `cotlens.widgets.protocol.patch_grid` declares them.

    Args:
        results: of patches: those of one pair by sentence, by token, or both.

    Raises:
        InputError: as of `LensGrid`.
        WidgetsNotBuilt: the front end was not built.
    """

    _bundle = "patch_grid"

    grid = t.Dict().tag(sync=True, shape=Grid)
    scale_lock = t.Dict().tag(sync=True, shape=Lock)
    why = t.Unicode(NO_MODEL).tag(sync=True)
    branches = t.List().tag(sync=True, shape=BranchInfo)
    comparison = t.Dict(default_value=None, allow_none=True).tag(sync=True, shape=Comparison)
    stream = t.Dict().tag(sync=True, shape=Piece)
    job = t.Dict().tag(sync=True, shape=Job)
    code = t.Unicode().tag(sync=True)
    alive = t.Bool(True).tag(sync=True)

    def __init__(self, *results: Result, **traits: Any) -> None:
        super().__init__(**traits)
        if results:
            self.show(results)
            self.code = showing(results, (), "cl.PatchGrid(*results)")
