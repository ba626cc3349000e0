"""The chart of importance by category: what sentences of each kind do for the answer, over the traces they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotlens.plots.drawing import LONGEST_LABEL, finished, lines
from cotlens.plots.palette import INK, POSITIVE

if TYPE_CHECKING:
    import altair
    import pandas

    from cotlens.results import Result

TITLE = "{}: mean of a sentence by what it does, with 95 % over traces drawn with replacement; no bar where one has it"


def chart(result: Result, width: int = 560) -> altair.LayerChart:
    """The chart of a result of kind "categories": a row per category, the most important at the top.

    A dot is the mean over sentences, a bar the interval of a bootstrap over traces; a dot without a bar is of one
    trace, which tells nothing of others. A category whose sentences have no value is named, without a dot.

    Args:
        width: pixels.
    """
    import altair as alt

    frame = _frame(result)
    y = alt.Y("category:N", sort=frame["category"].tolist(), title=None, axis=alt.Axis(labelLimit=LONGEST_LABEL))
    measured = "isValid(datum.estimate) && isFinite(datum.estimate)"
    base = alt.Chart(frame, width=width, title=lines(TITLE.format(result.method), width)).encode(y=y)
    scale = alt.Scale(zero=True, nice=True)
    x = alt.X("estimate:Q", title=f"{result.metric} ({result.scale_unit}); {result.zero}", scale=scale)
    zero = alt.Chart(frame.head(1)).mark_rule(strokeDash=[3, 3]).encode(x=alt.datum(0.0))
    bars = base.transform_filter("isValid(datum.low) && isValid(datum.high)").mark_rule(strokeWidth=2, color=INK)
    dots = base.transform_filter(measured).mark_point(filled=True, size=70, color=POSITIVE, opacity=1, stroke=INK)
    tips = ["category:N", "estimate:Q", "low:Q", "high:Q", "sentences:Q", "traces:Q", "status:N"]
    return finished(zero + bars.encode(x="low:Q", x2="high:Q") + dots.encode(x=x, tooltip=tips))


def _frame(result: Result) -> pandas.DataFrame:
    import pandas

    table = result.columns
    counts = [
        f"{name.replace('_', ' ')} ({n} in {traces} {'trace' if traces == 1 else 'traces'})"
        for name, n, traces in zip(table["text"], table["n"], table["traces"], strict=True)
    ]
    columns = {name: table[name] for name in ("estimate", "low", "high", "traces", "status")}
    frame = pandas.DataFrame({"category": counts, "sentences": table["n"], **columns})
    return frame.sort_values("estimate", ascending=False, na_position="last", kind="stable")
