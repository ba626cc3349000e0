"""The chart of a patch grid: layers x sentences, hollow below the noise floor, crossed where nothing could be put."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cotlens.plots.drawing import finished, label, lines
from cotlens.plots.palette import INK, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import altair

    from cotlens.results import Result


_TOLD = ("text", "layer", "head", "estimate", "difference", "shuffled", "mean", "donor", "floor", "patched", "status")


def chart(result: Result, width: int = 480, height: int = 160) -> altair.VConcatChart:
    """One grid per direction: columns are units of the text, rows layers, the last on top.

    Args:
        width, height: pixels, of each grid.
    """
    import altair as alt

    frame = result.frame()
    if "direction" not in frame:
        frame["direction"] = result.method
    frame["unit_text"] = [
        f"{start}: {label(text, 24)}" for start, text in zip(frame["start"], frame["text"], strict=True)
    ]
    frame["size"] = np.minimum(frame["estimate"].abs(), 1).fillna(0)
    frame["filled"] = (frame["estimate"].abs() > frame.get("floor", 0)).astype(float)
    frame["fill"] = frame["filled"] * np.maximum(frame["size"], 0.05)  # the outlines stay visible, however small it is
    missing = frame["estimate"].isna()
    tooltip = [name for name in _TOLD if name in frame]
    grids = []
    for direction, part in frame.groupby("direction", sort=False):
        order = list(dict.fromkeys(part.sort_values("start")["unit_text"]))
        x = alt.X("unit_text:N", sort=order, title=None, axis=alt.Axis(labelAngle=-40, labelLimit=180))
        heads = "head" in part
        below = f"head of layer {part['layer'].iloc[0]}" if heads else "after layer"
        y = alt.Y("head:O" if heads else "layer:O", sort="descending", title=below)
        base = alt.Chart(part[~missing[part.index]], width=width, height=height, title=lines(f"{direction}", width))
        cells = base.mark_rect().encode(
            x=x, y=y, tooltip=tooltip, fillOpacity=alt.FillOpacity("fill:Q", scale=None, legend=None),
            color=alt.condition("datum.estimate >= 0", alt.value(POSITIVE), alt.value(NEGATIVE)),
            stroke=alt.value(INK), strokeOpacity=alt.value(0.3),
        )  # fmt: skip
        lost = alt.Chart(part[missing[part.index]]).mark_point(shape="cross", angle=45, color=INK, size=40)
        grids.append(cells + lost.encode(x=x, y=y, tooltip=tooltip))
    title = alt.TitleParams(lines(result.metric, width), subtitle=lines(f"{result.sign}; a cross: not measured", width))
    return finished(alt.vconcat(*grids, title=title))


def parts(result: Result, width: int = 420) -> altair.Chart:
    """What each part of the model writes into the difference of logits, a bar each, in the order in which they run.

    Args:
        width: pixels.
    """
    import altair as alt

    frame = result.frame()
    title = alt.TitleParams(lines(result.metric, width), subtitle=lines(f"{result.sign}; all bars add up to it", width))
    bars = (
        alt.Chart(frame, width=width, title=title)
        .mark_bar()
        .encode(
            x=alt.X("estimate:Q", title=result.scale_unit),
            y=alt.Y("text:N", sort=list(frame["text"]), title=None),
            color=alt.condition("datum.estimate >= 0", alt.value(POSITIVE), alt.value(NEGATIVE)),
            tooltip=["text", "estimate"],
        )
    )
    return finished(bars)
