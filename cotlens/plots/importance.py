"""Charts of importance results: a bar per unit, and the curve of the answers for results that carry one.

Deterministic scores have no interval: none is drawn, and the title says "exact". A bar is filled only where its effect
is clear of zero.
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING, Literal

import numpy as np

from cotlens._core.errors import InputError, did_you_mean
from cotlens.plots.drawing import LONGEST_LABEL, drawable, finished, label, lines
from cotlens.plots.palette import INK, LINES, NEGATIVE, POSITIVE
from cotlens.results.certainty import may_be_nothing, why_hollow

if TYPE_CHECKING:
    import altair
    import pandas

    from cotlens.results import Result

MOST_BARS = 400  # beyond, only the largest are drawn, and the title says so


def chart(
    result: Result, view: Literal["units", "curve"] = "units", width: int = 640
) -> altair.Chart | altair.LayerChart:
    """The chart of an importance result.

    Args:
        view: "units", a bar per unit with its interval; or "curve", the probability of every followed answer against
            the token before which the thought stops, and that of the trace's answer with the lines that state it masked
            (results of `EarlyAnswer` only).
        width: pixels.

    Raises:
        InputError: there is no such view, or the result has no curve.
    """
    if view not in ("units", "curve"):
        raise InputError(f"There is no view {view!r} of an importance result. {did_you_mean(view, ('units', 'curve'))}")
    return finished(_units(result, width) if view == "units" else _curve(result, width))


def _units(result: Result, width: int) -> altair.LayerChart:
    import altair as alt

    frame = result.frame()
    unmeasured = int(frame["estimate"].isna().sum())
    frame["filled"] = np.where(may_be_nothing(result), 0.0, 1.0)
    frame = _largest(frame[frame["estimate"].notna()])
    frame["row"] = [label(f"{i} {text}") for i, text in zip(frame.index, frame["text"], strict=True)]
    axis = result.extras.get("metric_words", result.metric)
    x = alt.X("estimate:Q", title=lines(f"effect on {axis} ({result.scale_unit}); {result.sign}", width))
    y = alt.Y("row:N", sort=None, title=result.unit)
    colour = alt.condition("datum.estimate >= 0", alt.value(POSITIVE), alt.value(NEGATIVE))
    tooltip = ["text", "estimate", "low", "high", "n", "status"]
    filled = alt.FillOpacity("filled:Q", scale=None)
    title = lines(_title(result, frame, unmeasured), width + LONGEST_LABEL)
    base = alt.Chart(frame, width=width, title=alt.Title(title, anchor="start", frame="bounds"))
    bars = base.mark_bar(strokeWidth=1).encode(
        x=x, y=y, fill=colour, stroke=colour, fillOpacity=filled, tooltip=tooltip
    )
    intervals = base.transform_filter("datum.low != datum.high").mark_rule().encode(x="low:Q", x2="high:Q", y=y)
    return alt.layer(bars, intervals, *_beside(frame, base, y))


def _beside(frame: pandas.DataFrame, base: altair.Chart, y: altair.Y) -> list[altair.Chart]:
    """What stands beside the estimates: dashed, the worst case of what was not read; a diamond, drawn again."""
    found = []
    if "low_worst" in frame:
        some = base.transform_filter("datum.low_worst != datum.low || datum.high_worst != datum.high")
        found.append(some.mark_rule(strokeDash=[2, 2], opacity=0.6).encode(x="low_worst:Q", x2="high_worst:Q", y=y))
    if "confirmed" in frame and frame["confirmed"].notna().any():
        again = base.transform_filter("isValid(datum.confirmed)")
        tooltip = ["text", "confirmed", "confirmed_low", "confirmed_high", "confirmed_n"]
        ends = again.mark_rule(strokeWidth=3, opacity=0.4).encode(x="confirmed_low:Q", x2="confirmed_high:Q", y=y)
        marks = again.mark_point(shape="diamond", filled=True, size=60, color=INK, opacity=1)
        found += [ends, marks.encode(x="confirmed:Q", y=y, tooltip=tooltip)]
    return found


def _largest(frame: pandas.DataFrame) -> pandas.DataFrame:
    if len(frame) <= MOST_BARS:
        return frame.copy()
    return frame.loc[frame["estimate"].abs().nlargest(MOST_BARS).index].sort_index()


def _title(result: Result, frame: pandas.DataFrame, unmeasured: int) -> str:
    drawn, measured = len(frame), len(result) - unmeasured
    parts = [f"{result.method} per {result.unit}"]
    why = why_hollow(result)
    if drawn and not frame["filled"].any():
        parts.append(
            f"nothing here is clear of zero (all {why})" if "below" in why else "nothing here is clear of zero"
        )
    elif not frame["filled"].all():
        parts.append(f"hollow: {why}")
    if drawn < measured:
        parts.append(f"the {drawn} largest of {measured}")
    if "confirmed" in result.columns:
        parts.append("diamonds: drawn again")
    if (result.columns["status"] == "exact").any():
        parts.append("exact")
    if unmeasured:
        parts.append(f"{unmeasured} not measured")
    return ", ".join(parts)


def _curve(result: Result, width: int) -> altair.Chart:
    import altair as alt
    import pandas

    if "curve" not in result.extras:
        raise InputError(f"A {result.method} result has no curve: run EarlyAnswer for one.")
    curve, at = np.asarray(result.extras["curve"]), np.asarray(result.extras["curve_at"])
    answers = [*map(drawable, result.extras["answers"]), "other"]
    gaps = np.asarray(result.extras.get("interpolated", ())).reshape(-1, 2)
    parts = np.searchsorted(gaps[:, 1], at, side="right")  # which stretch of neighbours each point belongs to
    frames = [
        pandas.DataFrame({"token": at, "answer": answer, "probability": curve[:, i], "lines": "as written"})
        for i, answer in enumerate(answers)
    ]
    masked = np.asarray(result.extras.get("masked_curve", []), dtype=float)
    if np.isfinite(masked).any():
        rows = {"token": at, "answer": answers[0], "probability": masked, "lines": "masked"}
        frames.append(pandas.DataFrame(rows))
    frame = pandas.concat([one.assign(part=parts) for one in frames])
    colours = [*islice(cycle(LINES), len(answers) - 1), INK]  # what stands for all others looks like none of them
    encoded = {
        "x": alt.X("token:Q", title="thought stopped before token"),
        "y": alt.Y("probability:Q", title="p(answer)", scale=alt.Scale(domain=[0, 1])),
        "color": alt.Color("answer:N", sort=answers, scale=alt.Scale(domain=answers, range=colours), title="answer"),
        "strokeDash": alt.StrokeDash("lines:N", sort=["as written", "masked"], title="answer lines"),
        "tooltip": ["token", "answer", "lines", "probability"],
    }
    base = alt.Chart(frame, width=width, height=220, title=lines(_curve_title(result), width))
    measured = base.mark_line(interpolate="step-after").encode(**encoded, detail="part:N")
    if not len(gaps):
        return measured
    # What was not measured is a thin straight line from point to point, and the points are hollow.
    thin = base.mark_line(opacity=0.35, strokeWidth=1).encode(**encoded)
    return thin + measured + base.mark_point(size=14, filled=False).encode(**encoded)


def _curve_title(result: Result) -> str:
    title = "What the model would answer if the thought stopped here"
    if len(result.extras.get("interpolated", ())):
        title += " (thin: interpolated, not measured)"
    if "aoc" in result.extras:
        title += (
            f"; with no thought {result.extras['question_only']:.2f}, area over the curve {result.extras['aoc']:.2f}"
        )
    return title
