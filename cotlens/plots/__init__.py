"""Altair charts; `CHARTS` says which module draws which kind of result, `FIGURES` which draws its text.

`tokens` and `attention` are called by name.

To add a chart, write a module with a function `chart(result)` and a line in the table below.

Open `importance` first; `drawing` is what all share.
"""

from cotlens._core.registry import Registry

CHARTS = Registry(
    "kind of result with a chart",
    {
        "importance": "cotlens.plots.importance:chart",
        "categories": "cotlens.plots.categories:chart",
        "comparison": "cotlens.plots.comparison:chart",
        "faithfulness": "cotlens.plots.faithfulness:chart",
        "pairs": "cotlens.plots.pairs:chart",
        "steering": "cotlens.plots.steering:chart",
        "features": "cotlens.plots.features:chart",
        "lens": "cotlens.plots.lens:chart",
        "fidelity": "cotlens.plots.lens:fidelity",
        "direct": "cotlens.plots.patch:parts",
        "patch": "cotlens.plots.patch:chart",
        "probe": "cotlens.plots.probe:chart",
        "contrast": "cotlens.plots.probe:chart",
        "reading": "cotlens.plots.probe:reading",
        "onset": "cotlens.plots.probe:onset",
        "layer_sweep": "cotlens.plots.steering:layers",
    },
)

FIGURES = Registry("kind of result with a text to draw", {"importance": "cotlens.plots.shaded:figure"})
