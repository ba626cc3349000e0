"""Charts of probes: accuracy by layer beside its baselines, and what is known along thoughts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotlens.plots.drawing import finished, label, lines
from cotlens.plots.palette import LINES

if TYPE_CHECKING:
    import altair

    from cotlens.results import Result

_BASELINES = ("majority", "shuffled", "token_control", "nuisance", "word", "truth_with_word", "supervised")


def chart(result: Result, width: int = 420, height: int = 240) -> altair.LayerChart:
    """A point per layer with its 95 % interval, and a dashed line per baseline; a hollow point is not identified.

    Args:
        width, height: pixels.
    """
    import altair as alt

    frame = result.frame()
    frame["shown"] = frame["estimate"].fillna(frame["accuracy"]) if "accuracy" in frame else frame["estimate"]
    frame["filled"] = (frame["status"] == "ok").astype(float)
    known = [name for name in _BASELINES if name in frame and frame[name].notna().any()]
    beside = frame.melt(["layer"], known, "baseline", "value").dropna()
    x = alt.X("layer:O", title="after layer", axis=alt.Axis(labelAngle=0))
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y("shown:Q", title=result.metric.split(" on ")[0], scale=scale)
    colours = alt.Color("baseline:N", sort=known, scale=alt.Scale(domain=known, range=LINES[1:]), title="baseline")
    dashes = alt.StrokeDash("baseline:N", sort=known, title="baseline")
    title = alt.TitleParams(lines(f"{result.method}: {result.metric}", width), subtitle=lines(result.sign, width))
    base = alt.Chart(frame, width=width, height=height, title=title).encode(x=x)
    controls = (
        alt.Chart(beside)
        .mark_line(opacity=0.9)
        .encode(
            x=x,
            y=alt.Y("value:Q", scale=scale),
            color=colours,
            strokeDash=dashes,
            tooltip=["baseline", "layer", "value"],
        )
    )
    rules = base.mark_rule(color=LINES[0], strokeWidth=2).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    tooltip = ["layer", "estimate", "low", "high", *known, "status"]
    points = base.mark_point(size=80, color=LINES[0], fill=LINES[0]).encode(
        y=y, fillOpacity=alt.FillOpacity("filled:Q", scale=None), tooltip=tooltip
    )
    return finished(controls + rules + points)


def onset(result: Result, width: int = 420, height: int = 240) -> altair.LayerChart:
    """What is known at each cut, on average over traces: read inside, read outside, and said when forced.

    Args:
        width, height: pixels.
    """
    import altair as alt

    frame = result.frame()
    frame["cut"] = frame.groupby("trace").cumcount()
    words = {
        "estimate": "probe of the layer",
        "control": "probe of what is known without it",
        "forced": "forced answer",
    }
    told = frame.rename(columns=words).melt(["trace", "cut"], list(words.values()), "what", "probability")
    order = list(words.values())
    title = lines(f"Onset: {result.metric}, after layer {result.extras['layer']}; mean and 95 % interval", width)
    base = alt.Chart(told, width=width, height=height, title=title).encode(
        x=alt.X("cut:O", title="sentences of the thought that were read", axis=alt.Axis(labelAngle=0)),
        color=alt.Color("what:N", sort=order, scale=alt.Scale(domain=order, range=LINES), title=None),
    )
    y = alt.Y("mean(probability):Q", title="probability", scale=alt.Scale(domain=[0, 1]))
    curves = base.mark_line(point=True).encode(y=y, tooltip=["what", "cut", "mean(probability)", "count()"])
    spread = base.mark_rule().encode(y=alt.Y("ci0(probability):Q", title="probability"), y2="ci1(probability):Q")
    return finished(spread + curves)


def reading(result: Result, width: int = 420, height: int = 240) -> altair.LayerChart:
    """What a probe reads along one thought: a point per place with the class it says, and a dashed line at the floor.

    Args:
        width, height: pixels.
    """
    import altair as alt

    frame = result.frame()
    frame["place"], frame["sentence"] = range(len(frame)), [label(text) for text in frame["text"]]
    shares = result.scale_unit == "probability"
    x = alt.X("place:O", title=f"{result.unit} of the thought", axis=alt.Axis(labelAngle=0))
    y = alt.Y("estimate:Q", title=result.metric, scale=alt.Scale(domain=[0, 1]) if shares else alt.Undefined)
    where = f"{result.extras['site']} after layer {result.extras['layer']}"
    told = f"{result.sign}; dashed: its floor, what one of shuffled labels reaches"
    title = alt.TitleParams(lines(f"Probe of {where}: {result.metric}", width), subtitle=lines(told, width))
    base = alt.Chart(frame, width=width, height=height, title=title).encode(x=x)
    tooltip = ["sentence", "leading", "estimate", "floor", "status"]
    line = base.mark_line(color=LINES[0], point={"color": LINES[0], "size": 60}).encode(y=y, tooltip=tooltip)
    said = base.mark_text(dy=-12).encode(y=y, text="leading:N")
    floor = base.transform_filter("isValid(datum.floor)").mark_line(color=LINES[1], strokeDash=[4, 3])
    return finished(line + said + floor.encode(y=alt.Y("floor:Q", title=result.metric)))
