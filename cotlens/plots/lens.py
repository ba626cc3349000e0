"""The charts of lenses: layers x places, hollow where what is read lies below the floor; and how near lenses come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cotlens._core.errors import InputError
from cotlens.plots.drawing import finished, lines
from cotlens.plots.palette import INK, LINES, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import altair

    from cotlens.results import Result

MOST_CELLS = 25_000
_TOLD = ("text", "layer", "estimate", "probability", "leading", "control", "floor", "rank", "status")


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
    chance = result.extras.get("cells") == "log-probability"  # the nearer to 0, the fuller
    frame["size"] = np.exp(frame["estimate"]) if chance else np.minimum(frame["estimate"].abs(), full) / full
    # How full a cell is, and not how visible: the outline of a hollow one stays as clear as any other.
    frame["fill"] = frame["filled"] * np.maximum(frame["size"], 0.05)
    below = lines(f"{result.sign}; hollow: not above the control", width)
    title = alt.TitleParams(lines(f"{result.method} ({result.metric}, {result.scale_unit})", width), subtitle=below)
    colour = alt.condition("datum.estimate >= 0", alt.value(POSITIVE), alt.value(NEGATIVE))
    cells = (
        alt.Chart(frame, width=width, height=height, title=title)
        .mark_rect()
        .encode(
            x=alt.X("end:O", title=f"after the {result.unit} that ends at token", axis=alt.Axis(labelOverlap=True)),
            y=alt.Y("layer:O", title="layer (0: embedding)", sort="descending"),
            color=alt.value(POSITIVE) if chance else colour,
            fillOpacity=alt.FillOpacity("fill:Q", scale=None, legend=None),
            stroke=alt.condition("datum.filled == 0", alt.value(INK), alt.value("transparent")),
            strokeOpacity=alt.value(0.4),
            tooltip=[name for name in _TOLD if name in frame],
        )
    )
    return finished(cells)


def fidelity(result: Result, width: int = 420, height: int = 240) -> altair.LayerChart:
    """A line per lens with 95 % intervals, and dashed its control: the same lens at another place.

    Args:
        width, height: pixels.
    """
    import altair as alt

    frame = result.frame()
    names = list(dict.fromkeys(frame["lens"]))
    title = alt.TitleParams(
        lines(f"{result.method}: {result.metric}, {result.scale_unit}", width),
        subtitle=lines(f"{result.sign}; dashed: the lens at another place", width),
    )
    colour = alt.Color("lens:N", sort=names, scale=alt.Scale(domain=names, range=LINES), title=None)
    base = alt.Chart(frame, width=width, height=height, title=title).encode(
        x=alt.X("layer:O", title="layer (0: embedding)", axis=alt.Axis(labelAngle=0)), color=colour
    )
    scale = alt.Scale(type="symlog")  # from the last layer's 0 to the embedding's dozens of nats
    curves = base.mark_line(point=True).encode(
        y=alt.Y("estimate:Q", title=result.scale_unit, scale=scale),
        tooltip=["lens", "layer", "estimate", "low", "high", "control", "agreement", "n", "status"],
    )
    spread = base.mark_rule().encode(y=alt.Y("low:Q", scale=scale, title=result.scale_unit), y2="high:Q")
    beside = base.mark_line(strokeDash=[4, 3], opacity=0.7).encode(y=alt.Y("control:Q", scale=scale))
    return finished(beside + spread + curves)
