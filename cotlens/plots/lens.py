"""The chart of a lens: layers x places, hollow where what is read lies below the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cotlens._core.errors import InputError
from cotlens.plots.drawing import finished, lines
from cotlens.plots.palette import INK, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import altair

    from cotlens.results import Result

MOST_CELLS = 25_000


def chart(result: Result, width: int = 560, height: int = 260) -> altair.Chart:
    """Columns are places of the text, rows are layers, the last layer on top; hollow cells lie below the floor.

    Args:
        width, height: pixels.

    Raises:
        InputError: there are more cells than a chart can hold.
    """
    import altair as alt

    frame = result.frame()
    if len(frame) > MOST_CELLS:
        raise InputError(
            f"A chart of {len(frame)} cells can't be drawn; measure fewer places, at most {MOST_CELLS} cells."
        )
    frame["filled"] = np.where(frame["estimate"] > frame["floor"], 1.0, 0.0)
    full = float(frame["estimate"].abs().quantile(0.99)) or 1.0
    chance = result.method == "LogitLens"  # log-probabilities: the nearer to 0, the fuller
    frame["size"] = np.exp(frame["estimate"]) if chance else np.minimum(frame["estimate"].abs(), full) / full
    below = lines(f"{result.sign}; hollow: not above the control", width)
    title = alt.TitleParams(lines(f"{result.method} ({result.metric}, nats)", width), subtitle=below)
    colour = alt.condition("datum.estimate >= 0", alt.value(POSITIVE), alt.value(NEGATIVE))
    cells = (
        alt.Chart(frame, width=width, height=height, title=title)
        .mark_rect()
        .encode(
            x=alt.X("end:O", title=f"after the {result.unit} that ends at token", axis=alt.Axis(labelOverlap=True)),
            y=alt.Y("layer:O", title="layer (0: embedding)", sort="descending"),
            color=alt.value(POSITIVE) if chance else colour,
            fillOpacity=alt.FillOpacity("filled:Q", scale=None),
            stroke=alt.condition("datum.filled == 0", alt.value(INK), alt.value("transparent")),
            opacity=alt.Opacity("size:Q", scale=alt.Scale(domain=[0, 1], range=[0.05, 1]), legend=None),
            tooltip=["text", "layer", "estimate", "control", "floor", "rank", "status"],
        )
    )
    return finished(cells)
