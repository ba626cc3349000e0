"""The view of which panels of a workbench are open."""

from __future__ import annotations

import traitlets as t

from cotlens.widgets.protocol.workbench_bar import Width
from cotlens.widgets.shared.bundles import View


class WorkbenchBar(View):
    """Traits of the bar; `cotlens.workbench.workbench` fills them.

    `names` are all panels in their order; `panels` those that are open, width by name; `notice` says why one couldn't
    be opened.
    """

    _bundle = "workbench_bar"

    names = t.List().tag(sync=True, shape=str)
    panels = t.Dict().tag(sync=True, shape=dict[str, Width])
    notice = t.Unicode().tag(sync=True)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        return f"<CoTLens workbench: {', '.join(self.panels) or 'no panel'} open>"
