"""The chart of tests of faithfulness: every share with its interval, controls hollow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotlens.plots.drawing import finished, label
from cotlens.plots.palette import INK, NEGATIVE

if TYPE_CHECKING:
    import altair

    from cotlens.results import Result


def chart(result: Result, width: int = 360) -> altair.LayerChart:
    """A row per share, in the order of the tests: the estimate, its 95 % interval; controls are not filled.

    Rows that could not be measured are left out.

    Args:
        width: pixels.
    """
    import altair as alt

    table = result.frame()[["text", "estimate", "low", "high", "n", "role", "name"]].dropna(subset=["estimate"])
    many = "cause" in result.columns and len(set(result.columns["cause"])) > 1
    causes = result.frame().loc[table.index, "cause"] + ": " if many else ""
    table = table.assign(row=[label(text) for text in causes + table["text"]])
    base = alt.Chart(table, width=width, title=label(str(result.extras.get("question", "")), 90)).encode(
        y=alt.Y("row:N", sort=list(table["row"]), title=None)
    )
    ends = base.mark_rule(color=INK).encode(x=alt.X("low:Q", title="share of problems"), x2="high:Q")
    dots = base.mark_point(size=50, color=NEGATIVE, opacity=1).encode(
        x="estimate:Q",
        fill=alt.condition("datum.role == 'signature'", alt.value(NEGATIVE), alt.value("transparent")),
        tooltip=["row:N", "estimate:Q", "low:Q", "high:Q", "n:Q", "role:N"],
    )
    return finished(ends + dots)
