"""The chart of the latents of a trace: those that the answer owes most to, or the most active. `cl.FeatureTable` is the
one to explore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cotlens.plots.drawing import finished, label, lines
from cotlens.plots.palette import INK, NEGATIVE, POSITIVE
from cotlens.results.certainty import LEAST, below_least, least_words

if TYPE_CHECKING:
    import altair
    import pandas

    from cotlens.results import Result


def chart(result: Result, count: int = 20, width: int = 360) -> altair.LayerChart:
    """A bar per latent: its effect on the answer, estimated or exact (a dot), or its activation where neither is known.

    An effect too small to be looked at is a hollow bar; the title says so.

    Args:
        count: how many latents, those with the largest effects or activations.
        width: pixels.
    """
    import altair as alt

    top, words, unit = _largest(result, count)
    y = alt.Y("name:N", sort=top["name"].tolist(), title=None, axis=alt.Axis(labelLimit=260))
    tooltip = ["latent", "label", "value", "effect", "effect_estimate", "effect_status", "estimate", "density"]
    title = lines(_title(top, unit), width)
    base = alt.Chart(top, width=width, title=alt.Title(title, anchor="start", frame="bounds"))
    colour = alt.condition("datum.value >= 0", alt.value(POSITIVE), alt.value(NEGATIVE))
    bars = base.mark_bar(strokeWidth=1).encode(
        x=alt.X("value:Q", title=lines(f"{words} ({unit})" if unit else words, width)),
        y=y,
        fill=colour,
        stroke=colour,
        fillOpacity=alt.FillOpacity("filled:Q", scale=None),
        tooltip=tooltip,
    )
    dots = base.mark_point(filled=True, color=INK, size=30).encode(x="effect:Q", y=y, tooltip=tooltip)
    return finished(bars + dots.transform_filter("isValid(datum.effect)"))


def _largest(result: Result, count: int) -> tuple[pandas.DataFrame, str, str]:
    """The latents with the largest values, what these are, and the unit of effects; "" where none is known."""
    frame = result.frame()
    frame["name"] = [label(f"{latent} {words}") for latent, words in zip(frame["latent"], frame["label"], strict=True)]
    effects = frame["effect"].where(frame["effect"].notna(), frame["effect_estimate"])
    known = bool(effects.notna().any())
    unit = str(result.extras.get("effect_unit", "")) if known else ""
    frame["value"] = effects if known else frame["estimate"]
    frame["filled"] = np.where(below_least(frame["value"].to_numpy(dtype=float), unit), 0.0, 1.0)
    top = frame.loc[frame["value"].abs().sort_values(ascending=False).index[:count]].dropna(subset=["value"])
    return top, str(result.extras.get("effect_words", "effect")) if known else result.metric, unit


def _title(top: pandas.DataFrame, unit: str) -> str:
    parts = ["dots: measured by ablation"] if top["effect"].notna().any() else []
    if unit in LEAST and len(top) and not top["filled"].all():
        none = not top["filled"].any()
        parts.append(
            f"nothing here is large enough to matter: all {least_words(unit)}"
            if none
            else f"hollow: {least_words(unit)}"
        )
    return ", ".join(parts)
