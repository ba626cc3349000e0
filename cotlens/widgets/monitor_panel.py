"""The view of what monitors say of thoughts, beside what a person says."""

from __future__ import annotations

import traitlets as t

from cotlens.widgets.protocol.monitor_panel import Panel
from cotlens.widgets.shared.bundles import View


class MonitorPanelView(View):
    """Traits of the panel; `cotlens.workbench.monitor_panel` fills them.

    `panel` holds texts, labels and findings; `labels` what a person said, by the key of a thought, and is set by
    the page.
    """

    _bundle = "monitor_panel"

    panel = t.Dict().tag(sync=True, shape=Panel)
    labels = t.Dict().tag(sync=True, shape=dict[str, str])
    code = t.Unicode().tag(sync=True)
