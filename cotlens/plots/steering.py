"""Charts of steering: a sweep beside its control, and the layers at which a vector separates held-out examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotlens._core.errors import InputError, did_you_mean
from cotlens.plots.drawing import finished, lines
from cotlens.plots.palette import INK, LINES

if TYPE_CHECKING:
    import altair
    import pandas

    from cotlens.results import Result

VIEWS = ("metric", "changed", "probability", "perplexity")
_TITLES = {
    "changed": "share of answers that are not the baseline's",
    "probability": "probability of the baseline's answer",
    "perplexity": "perplexity under the model without steering",
}
_BAND = "#999999"
_CONTROL = "random directions, same length"


def chart(result: Result, view: str = "metric", width: int = 420, height: int = 220) -> altair.LayerChart:
    """The chart of a sweep: a line per layer with 95 % intervals, and the band of random directions of the same length.

    Rings mark cells at which more than a fifth of the rollouts may be damage: the model without steering finds them
    more than twice as perplexing as what it writes there itself, or they come to no end. Older results have no such
    column; there, cells at which more than a fifth are less likely than 95 % of the model's own.

    Args:
        view: "metric", what the sweep was asked for; or "changed", "probability" or "perplexity".
        width, height: pixels.

    Raises:
        InputError: there is no such view.
    """
    import altair as alt

    if view not in VIEWS:
        raise InputError(f"There is no view {view!r} of a sweep. {did_you_mean(view, VIEWS)}")
    frame = _cells(result, view)
    title = result.metric if view == "metric" else _TITLES[view]
    layers = sorted({f"layer {layer}" for layer in result.columns["layer"]})
    x = alt.X("coefficient:Q", title="coefficient (mean residual norms)")
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=view != "perplexity"))
    colour = alt.Color("layer:N", sort=layers, scale=alt.Scale(range=LINES), title=None)
    broken = "damaged" if "damaged" in frame else "unlikely"
    tooltip = ["text", "value", "low", "high", "n", broken, "status"]
    own, random = frame[frame["arm"] == "vector"], _with_baseline(frame)
    base = alt.Chart(own, width=width, height=height, title=lines(_title(result), width))
    band = alt.Chart(random).mark_area(opacity=0.3, color=_BAND).encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q")
    band = band.encode(detail="layer:N")
    rules = base.mark_rule().encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q", color=colour)
    curves = base.mark_line(point=True).encode(x=x, y=y, color=colour, tooltip=tooltip)
    rings = (
        alt.Chart(own[own[broken] > 0.2])
        .mark_point(size=140, shape="circle", color=INK, strokeWidth=1)
        .encode(x=x, y=y, tooltip=tooltip)
    )
    return finished(band + rules + curves + rings)


def layers(result: Result, width: int = 420, height: int = 220) -> altair.LayerChart:
    """The chart of a layer sweep: AUROC on held-out examples per layer, beside random directions.

    Args:
        width, height: pixels.
    """
    import altair as alt

    frame = result.frame()
    x = alt.X("layer:O", title="layer", axis=alt.Axis(labelAngle=0))
    scale = alt.Scale(domain=[0, 1])
    words = f"{result.metric}; grey: {_CONTROL}"
    base = alt.Chart(frame, width=width, height=height, title=lines(words, width)).encode(x=x)
    y = alt.Y("estimate:Q", title="AUROC", scale=scale)
    band = base.mark_bar(opacity=0.3, color=_BAND).encode(
        y=alt.Y("control_low:Q", title="AUROC", scale=scale), y2="control_high:Q"
    )
    chance = alt.Chart(frame.head(1)).mark_rule(strokeDash=[4, 3]).encode(y=alt.datum(0.5))
    rules = base.mark_rule(color=LINES[0]).encode(y=alt.Y("low:Q", title="AUROC", scale=scale), y2="high:Q")
    points = base.mark_point(filled=True, size=70, color=LINES[0]).encode(
        y=y, tooltip=["layer", "estimate", "low", "high", "control", "control_low", "control_high", "n"]
    )
    return finished(band + chance + rules + points)


def _cells(result: Result, view: str) -> pandas.DataFrame:
    frame = result.frame()
    source = ("estimate", "low", "high") if view == "metric" else (view, f"{view}_low", f"{view}_high")
    values = frame[list(source)].set_axis(["value", "low", "high"], axis=1)
    kept = frame.drop(columns=["estimate", "low", "high"]).assign(layer=[f"layer {n}" for n in frame["layer"]])
    return kept.join(values).dropna(subset=["value"])


def _with_baseline(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The control's cells; with coefficient 0 nothing is added, so the baseline stands for it there."""
    random = frame[frame["arm"] == "random"]
    if random.empty:
        return random
    import pandas

    return pandas.concat([random, frame[(frame["arm"] == "vector") & (frame["coefficient"] == 0)]])


def _title(result: Result) -> str:
    beside = f"; grey: {_CONTROL}, 95 %" if "random" in set(result.columns["arm"]) else ""
    counts = [int(n) for n in result.columns["n"] if n] or [0]
    n = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return f"{result.extras.get('vector', 'vector')}, {n} rollouts a point{beside}"
