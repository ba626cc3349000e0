"""What the views of grids have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cotlens.results import Result
from cotlens.results.summary import escaped, summaries
from cotlens.widgets.grids.payload import payload
from cotlens.widgets.page.facts import provenance
from cotlens.widgets.shared.bundles import View


class GridView(View):
    """A view of results by layer and place; its trait `grid` is made of them."""

    grid: Any
    job: Any
    results: Sequence[Result] = ()

    def show(self, results: Sequence[Result], traces: Sequence[str] = ()) -> None:
        """Show these results; see `LensGrid`.

        Args:
            traces: ids of the runs' traces, where the results don't know them.
        """
        self.grid = payload(results, traces)
        self.results = tuple(results)
        self.page_facts = tuple(map(provenance, results))

    def summary(self, *, markdown: bool = False) -> str:
        """The results in words."""
        if not self.results:
            why = self.job.get("message") if self.has_trait("job") else None
            said = f"{self!r} {why or 'Measuring goes on: grid.wait(), then grid.summary() again.'}"
            return escaped(said) if markdown else said
        return summaries(self.results, "grid.results, each with frame()", markdown=markdown)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        name = self._bundle.replace("_", " ")
        if not self.grid:
            return f"<CoTLens {name}: nothing was measured yet>"
        first = self.grid["levels"][0]
        named = "; ".join(panel["name"] for panel in first["panels"] if not panel["difference"])
        size = f"{len(self.grid['rows'])} layers x {len(first['panels'][0]['texts'])} {first['unit']}s"
        return f"<CoTLens {name}: {self.grid['label']}, {size}; {named}>"
