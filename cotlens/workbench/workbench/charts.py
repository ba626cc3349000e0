"""Results that have a chart and no view of their own, as pictures that need no network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import ipywidgets

from cotlens.results import Result
from cotlens.results.summary import MOST, summary

_PICTURE = '<img alt="{}" src="data:image/svg+xml;base64,{}" style="max-width:100%;background:#fff">'


class Charts(ipywidgets.HTML):
    """Charts below each other. An image runs nothing, whatever its texts say.

    Attributes:
        results: what is shown.
    """

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = tuple(results)
        super().__init__("".join(_PICTURE.format(escape(repr(one)), _drawn(one)) for one in self.results))

    def summary(self, *, markdown: bool = False) -> str:
        """The results in words."""
        each = MOST // len(self.results)
        return "\n\n".join(summary(one, each - 2, markdown=markdown) for one in self.results)


def _drawn(result: Result) -> str:
    import vl_convert

    svg = vl_convert.vegalite_to_svg(result.chart().to_dict())
    return base64.b64encode(svg.encode("utf-8")).decode("ascii")
