"""Results that have a chart and no view of their own, as pictures that need no network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

import ipywidgets

from cotlens._core.files import PathLike, write_bytes
from cotlens.results import Result
from cotlens.results.summary import MOST, summary
from cotlens.widgets.page.page import POLICY

_PICTURE = '<img alt="{}" src="data:image/svg+xml;base64,{}" style="max-width:100%;background:#fff">'


class Charts(ipywidgets.HTML):
    """Charts below each other. An image runs nothing, whatever its texts say.

    Attributes:
        results: what is shown.
    """

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = tuple(results)
        super().__init__("".join(_PICTURE.format(escape(repr(one)), _drawn(one)) for one in self.results))

    def to_html(self, path: PathLike, title: str = "") -> Path:
        """Write the charts as one HTML file that needs no kernel and no network.

        Raises:
            InputError: the file can't be written there.
        """
        head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        page = f"<!doctype html>\n{head}<title>{escape(title)}</title><h1>{escape(title)}</h1>{self.value}"
        return write_bytes(path, page.encode("utf-8", "replace"))

    def summary(self, *, markdown: bool = False) -> str:
        """The results in words."""
        each = MOST // len(self.results)
        return "\n\n".join(summary(one, each - 2, markdown=markdown) for one in self.results)


def _drawn(result: Result) -> str:
    import vl_convert

    svg = vl_convert.vegalite_to_svg(result.chart().to_dict())
    return base64.b64encode(svg.encode("utf-8")).decode("ascii")
