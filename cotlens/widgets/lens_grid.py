"""The grid of a lens: what each layer would say, along a thought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets as t

from cotlens._core.errors import InputError
from cotlens.results import Result
from cotlens.results.code import measured_on, showing
from cotlens.trace import Trace
from cotlens.widgets.grids.view import GridView
from cotlens.widgets.protocol.shared import Grid, Lock


class LensGrid(GridView):
    """Layers as rows, the last one on top, sentences as columns; Enter on a sentence opens its tokens.

        cl.LensGrid(cl.lenses.AnswerLens().run(trace, model))
        cl.LensGrid(before, after)            # two traces above each other, and their difference
        cl.LensGrid(sentences, tokens)        # of one trace, the tokens below its sentences

    Hatched cells lie below the floor, so that nothing about their place is read. With a cell picked, what it can't be
    made of is shaded: later places and deeper layers. A result of tokens shows sentences, too: of a lens on the next
    token the mean over theirs, of the answer's lens what stands at their end.

    Args:
        results: of lenses, of one trace or of two; for each trace one for each unit.
        traces: those that they were measured on, for its code alone.

    Attributes:
        traces: as they were given.

    `grid` holds all numbers (`cotlens.widgets.protocol.shared` declares it); of `selected`, which linked widgets share,
    it tells trace, span, unit and layer. `scale_lock` is as that of the editor's
    view, and `code` is Python that measures and shows the results again.

    Raises:
        InputError: there is no result, one is of another kind or has no rows, they are of different methods or of more
            than two traces, or there are more cells than a page can hold.
        WidgetsNotBuilt: the front end was not built.
    """

    _bundle = "lens_grid"

    grid = t.Dict().tag(sync=True, shape=Grid)
    scale_lock = t.Dict().tag(sync=True, shape=Lock)
    code = t.Unicode().tag(sync=True)

    def __init__(self, *results: Result, traces: Sequence[Trace] = (), **traits: Any) -> None:
        if not results:
            raise InputError("LensGrid was given no result: run a lens first, and give it what `run` returned.")
        super().__init__(**traits)
        self.show(results)
        self.traces = measured_on("LensGrid", results, traces)
        self.code = showing(results, self.traces, "cl.LensGrid(*results)")
