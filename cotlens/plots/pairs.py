"""The chart of a pairs result: a matrix of sources and targets. `cl.PairMatrix` is the one to explore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cotlens._core.errors import InputError
from cotlens.plots.drawing import finished, lines
from cotlens.plots.palette import INK, NEGATIVE, POSITIVE
from cotlens.results.certainty import may_be_nothing, why_hollow

if TYPE_CHECKING:
    import altair

    from cotlens.results import Result

MOST_CELLS = 25_000
CLIPPED = 0.99  # the share of cells below full colour: a few huge neighbours must not pale all others


def chart(result: Result, apart: int = 0, width: int = 480) -> altair.LayerChart:
    """Columns are sources, rows are targets; the fuller the colour, the larger the effect; × was not measured.

    What may be no effect at all is a hollow cell.

    Args:
        apart: leave out pairs of sentences closer than this: neighbours often pale all else.
        width: pixels, as high as wide.

    Raises:
        InputError: `apart` leaves no pair, or there are more pairs than a chart can hold.
    """
    import altair as alt

    frame = result.frame()
    frame["filled"] = np.where(may_be_nothing(result), 0.0, 1.0)
    frame = frame[(frame["target"] - frame["source"]).abs() >= apart]
    if not 0 < len(frame) <= MOST_CELLS:
        raise InputError(
            f"A chart of {len(frame)} pairs can't be drawn; choose `apart` so that 1 to {MOST_CELLS} are left, or look "
            "at all of them in cl.PairMatrix(result)."
        )
    sizes = frame["estimate"].abs()
    full = float(sizes.quantile(CLIPPED)) if sizes.notna().any() else 0.0
    measured, missing = frame[frame["estimate"].notna()], frame[frame["estimate"].isna()]
    strong = measured.assign(size=np.minimum(sizes[measured.index], full or 1.0))
    axes = {
        "x": alt.X("source:O", title=f"source {result.unit}", axis=alt.Axis(labelOverlap=True, orient="top")),
        "y": alt.Y("target:O", title=f"target {result.unit}", axis=alt.Axis(labelOverlap=True)),
    }
    tooltip = ["source", "target", "estimate", "status", "source_text", "target_text"]
    base = alt.Chart(strong, width=width, height=width, title=_title(result, len(missing), width))
    cells = base.mark_rect().encode(
        **axes,
        color=alt.condition("datum.estimate >= 0", alt.value(POSITIVE), alt.value(NEGATIVE)),
        fillOpacity=alt.FillOpacity("filled:Q", scale=None),
        stroke=alt.condition("datum.filled == 0", alt.value(INK), alt.value("transparent")),
        opacity=alt.Opacity("size:Q", scale=alt.Scale(domain=[0, full or 1.0], range=[0.02, 1]), legend=None),
        tooltip=tooltip,
    )
    crosses = alt.Chart(missing).mark_text(text="×", color="#777777").encode(**axes, tooltip=tooltip)
    return finished(cells + crosses)


def _title(result: Result, unmeasured: int, width: int) -> altair.TitleParams:
    import altair as alt

    below = lines(f"{result.sign}; orange +, blue −; {CLIPPED:.0%} lie within full colour", width)
    if why := why_hollow(result):
        below.append(f"hollow: {why}")
    if unmeasured:
        below.append(f"{unmeasured} pairs not measured")
    return alt.TitleParams(lines(f"{result.method} ({result.metric}, {result.scale_unit})", width), subtitle=below)
