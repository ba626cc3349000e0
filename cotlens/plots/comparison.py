"""The chart of a comparison: how far the rankings agree, and the units on which they disagree most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cotlens.plots.drawing import LONGEST_LABEL, finished, label, lines
from cotlens.plots.palette import INK, LINES, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import altair
    import pandas

    from cotlens.results import Result

CAUSAL = {
    "yes": "evidence of causation",
    "of the edit": "evidence of what the edit causes",
    "no": "no evidence of causation",
}

AGREEMENT = "How far their rankings agree: Spearman's rho, 95 % interval; not filled where that includes 0"


def chart(result: Result, units: int = 10, width: int = 560) -> altair.VConcatChart:
    """The chart of a comparison of measures.

    At the top, what each measure is evidence of; then Spearman's rho of every two with its interval; then the ranks
    that they give to the units on which they disagree most, a number per measure, the first rank at the left.

    Args:
        units: how many units are drawn.
        width: pixels.
    """
    import altair as alt

    names = [f"{i + 1} {each['label']}" for i, each in enumerate(result.extras["measures"])]
    parts = (_evidence(result, names, width), _agreement(result, names, width), _ranking(result, names, units, width))
    return finished(alt.vconcat(*parts).resolve_scale(color="independent"))


def _evidence(result: Result, names: list[str], width: int) -> altair.Chart:
    import altair as alt
    import pandas

    words = [f"{CAUSAL[each['causal']]}: {each['why']}" for each in result.extras["measures"]]
    base = alt.Chart(
        pandas.DataFrame({"measure": names, "words": words}), width=width, title="What each is evidence of"
    )
    axis = alt.Axis(labelLimit=LONGEST_LABEL)
    return base.mark_text(align="left").encode(
        x=alt.value(4), y=alt.Y("measure:N", sort=names, title=None, axis=axis), text="words:N"
    )


def _agreement(result: Result, names: list[str], width: int) -> altair.LayerChart:
    import altair as alt
    import pandas

    rho, low, high = (np.asarray(result.extras[f"spearman{end}"]) for end in ("", "_low", "_high"))
    frame = pandas.DataFrame(
        [
            {
                "of": names[i],
                "with": str(j + 1),
                "rho": rho[i, j],
                "words": _rho_words(rho[i, j], low[i, j], high[i, j]),
                "filled": float(low[i, j] > 0 or high[i, j] < 0),
            }
            for i in range(len(names))
            for j in range(len(names))
            if i != j
        ]
    )
    base = alt.Chart(frame, width=width, title=lines(AGREEMENT, width)).encode(
        x=alt.X("with:O", title="with measure", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("of:N", sort=names, title=None, axis=alt.Axis(labelLimit=LONGEST_LABEL)),
    )
    colour = alt.Color("rho:Q", scale=alt.Scale(domain=[-1, 0, 1], range=[NEGATIVE, "#ffffff", POSITIVE]), legend=None)
    filled = alt.FillOpacity("filled:Q", scale=None)
    return base.mark_rect(stroke=INK, strokeWidth=0.5).encode(color=colour, fillOpacity=filled) + base.mark_text(
        fontSize=11
    ).encode(text="words:N", color=alt.condition("datum.filled == 1", alt.value("#000000"), alt.value(INK)))


def _ranking(result: Result, names: list[str], units: int, width: int) -> altair.LayerChart:
    import altair as alt

    frame = _ranks(result, names, units)
    rows = frame["row"].drop_duplicates().tolist()
    y = alt.Y("row:N", sort=rows, title=None, axis=alt.Axis(labelLimit=LONGEST_LABEL))
    title = f"Where the measures disagree most: rank of the {result.unit} by each"
    base = alt.Chart(frame, width=width, title=title).encode(y=y)
    x = alt.X("rank:Q", title="rank, from first (0) to last (1)", scale=alt.Scale(domain=[-0.02, 1.02]))
    colour = alt.Color("measure:N", sort=names, scale=alt.Scale(range=LINES), title=None, legend=None)
    apart = alt.YOffset("measure:N", sort=names, scale=alt.Scale(paddingOuter=0.3))  # equal ranks beside each other
    ranges = base.mark_rule(opacity=0.4).encode(x="min(rank):Q", x2="max(rank):Q")
    marks = base.mark_text(fontSize=13, fontWeight="bold").encode(x=x, yOffset=apart, text="number:N", color=colour)
    return ranges + marks.encode(tooltip=["text", "measure", "score", "rank"])


def _ranks(result: Result, names: list[str], units: int) -> pandas.DataFrame:
    import pandas

    table = result.columns
    return pandas.DataFrame(
        [
            {
                "row": label(f"{row} {table['text'][row]}"),
                "text": table["text"][row],
                "measure": name,
                "number": str(i + 1),
                "score": table[f"score {i + 1}"][row],
                "rank": table[f"rank {i + 1}"][row],
            }
            for row in result.extras["disagree"][:units]
            for i, name in enumerate(names)
        ]
    ).dropna(subset=["rank"])


def _rho_words(rho: float, low: float, high: float) -> str:
    return "not compared" if np.isnan(rho) else f"{rho:.2f} ({low:.2f} to {high:.2f})"
