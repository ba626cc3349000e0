"""The chart of the latents of a trace: those that the answer owes most to, or the most active. `cl.FeatureTable` is the
one to explore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cotlens.plots.drawing import finished, label, lines
from cotlens.plots.palette import INK, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import altair

    from cotlens.results import Result


def chart(result: Result, count: int = 20, width: int = 360) -> altair.LayerChart:
    """A bar per latent: its effect on the answer, estimated or exact (a dot), or its activation where neither is known.

    Args:
        count: how many latents, those with the largest effects or activations.
        width: pixels.
    """
    import altair as alt

    frame = result.frame()
    frame["name"] = [label(f"{latent} {words}") for latent, words in zip(frame["latent"], frame["label"], strict=True)]
    known = frame["effect"].where(frame["effect"].notna(), frame["effect_estimate"])
    value = known if known.notna().any() else frame["estimate"]
    words = result.extras.get("effect_words", "effect") if known.notna().any() else result.metric
    frame["value"], frame["colour"] = value, np.where(value >= 0, POSITIVE, NEGATIVE)
    top = frame.loc[value.abs().sort_values(ascending=False).index[:count]].dropna(subset=["value"])
    y = alt.Y("name:N", sort=top["name"].tolist(), title=None, axis=alt.Axis(labelLimit=260))
    tooltip = ["latent", "label", "value", "effect", "effect_estimate", "effect_status", "estimate", "density"]
    base = alt.Chart(top, width=width)
    bars = base.mark_bar().encode(
        x=alt.X("value:Q", title=lines(str(words), width)),
        y=y,
        color=alt.Color("colour:N", scale=None),
        tooltip=tooltip,
    )
    dots = base.mark_point(filled=True, color=INK, size=30).encode(x="effect:Q", y=y, tooltip=tooltip)
    return finished(bars + dots.transform_filter("isValid(datum.effect)"))
