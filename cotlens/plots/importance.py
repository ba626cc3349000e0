"""Charts of importance results: a bar per unit, and the curve of the answers for results that carry one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from cotlens._core.errors import InputError, did_you_mean
from cotlens.plots.offline import without_network
from cotlens.plots.palette import LINES, NEGATIVE, POSITIVE

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
            the token before which the thought stops (results of `EarlyAnswer` only).
        width: pixels.

    Raises:
        InputError: there is no such view, or the result has no curve.
    """
    without_network()
    if view not in ("units", "curve"):
        raise InputError(f"There is no view {view!r} of an importance result. {did_you_mean(view, ('units', 'curve'))}")
    return _units(result, width) if view == "units" else _curve(result, width)


def _units(result: Result, width: int) -> altair.LayerChart:
    import altair as alt

    frame = result.frame()
    unmeasured = int(frame["estimate"].isna().sum())
    frame = _largest(frame[frame["estimate"].notna()])
    frame["row"] = [
        f"{i} {' '.join(text.split()) or '␣'}"[:60] for i, text in zip(frame.index, frame["text"], strict=True)
    ]
    axis = result.extras.get("metric_words", result.metric)
    x = alt.X("estimate:Q", title=f"effect on {axis} ({result.scale_unit}); {result.sign}")
    y = alt.Y("row:N", sort=None, title=result.unit)
    colour = alt.condition("datum.estimate >= 0", alt.value(POSITIVE), alt.value(NEGATIVE))
    tooltip = ["text", "estimate", "low", "high", "n", "status"]
    base = alt.Chart(frame, width=width, title=_title(result, len(frame), unmeasured))
    bars = base.mark_bar().encode(x=x, y=y, color=colour, tooltip=tooltip)
    intervals = base.mark_rule().encode(x="low:Q", x2="high:Q", y=y)
    return bars + intervals


def _largest(frame: pandas.DataFrame) -> pandas.DataFrame:
    if len(frame) <= MOST_BARS:
        return frame.copy()
    return frame.loc[frame["estimate"].abs().nlargest(MOST_BARS).index].sort_index()


def _title(result: Result, drawn: int, unmeasured: int) -> str:
    measured = len(result) - unmeasured
    parts = [f"{result.method} per {result.unit}"]
    if drawn < measured:
        parts.append(f"the {drawn} largest of {measured}")
    if unmeasured:
        parts.append(f"{unmeasured} not measured")
    return ", ".join(parts)


def _curve(result: Result, width: int) -> altair.Chart:
    import altair as alt
    import pandas

    if "curve" not in result.extras:
        raise InputError(f"A {result.method} result has no curve: run EarlyAnswer for one.")
    curve, at = np.asarray(result.extras["curve"]), np.asarray(result.extras["curve_at"])
    answers = [*result.extras["answers"], "other"]
    frame = pandas.DataFrame(
        {"token": np.repeat(at, len(answers)), "answer": answers * len(at), "probability": curve.reshape(-1)}
    )
    return (
        alt.Chart(frame, width=width, height=220, title="What the model would answer if the thought stopped here")
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("token:Q", title="thought stopped before token"),
            y=alt.Y("probability:Q", title="p(answer)", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("answer:N", sort=answers, scale=alt.Scale(range=LINES), title="answer"),
            tooltip=["token", "answer", "probability"],
        )
    )
