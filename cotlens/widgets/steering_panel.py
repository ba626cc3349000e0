"""The view of the steering panel: what it shows, as traits, and what a person does in it, as messages."""

from __future__ import annotations

import traitlets as t

from cotlens.widgets.protocol.shared import Job, TraceText
from cotlens.widgets.protocol.steering_panel import (
    Current,
    Findings,
    Head,
    Rewritten,
    Stream,
    Sweep,
    Try,
    VectorInfo,
)  # fmt: skip
from cotlens.widgets.shared.bundles import View


class SteeringView(View):
    """Draws a baseline trace beside its steered rerun, with one dial per vector; knows no model.

    Character positions are UTF-16 code units of a document's text, tokens are indices into its trace, bytes are
    little-endian. An empty dict means absent.

    Messages arrive through `on_msg` as `{"request_id", "kind", ...}`, each wants a `reply`:
    `cotlens.widgets.protocol.steering_panel` declares them, and the shape of each dict.

    Raises WidgetsNotBuilt when the front end was not built.
    """

    _bundle = "steering_panel"

    head = t.Dict().tag(sync=True, shape=Head)
    vectors = t.List().tag(sync=True, shape=VectorInfo)
    current = t.Dict().tag(sync=True, shape=Current)
    baseline = t.Dict().tag(sync=True, shape=TraceText)
    baseline_offsets = t.Bytes().tag(sync=True)
    steered = t.Dict().tag(sync=True, shape=Rewritten)
    steered_offsets = t.Bytes().tag(sync=True)
    control = t.Dict().tag(sync=True, shape=Rewritten)
    control_offsets = t.Bytes().tag(sync=True)
    unsteered = t.Dict().tag(sync=True, shape=Rewritten)
    unsteered_offsets = t.Bytes().tag(sync=True)
    stream = t.Dict().tag(sync=True, shape=Stream)
    findings = t.Dict().tag(sync=True, shape=Findings)
    sweep = t.Dict().tag(sync=True, shape=Sweep)
    tries = t.List().tag(sync=True, shape=Try)
    job = t.Dict().tag(sync=True, shape=Job)
    code = t.Unicode().tag(sync=True)
    alive = t.Bool(True).tag(sync=True)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        names = ", ".join(repr(vector["name"]) for vector in self.vectors) or "no vectors"
        said = self.findings.get("verdict") or {}
        return (
            f"<CoTLens steering panel: {names}; model {self.head.get('model', 'none')}. {said.get('text', '')}".rstrip(
                ". "
            )
            + ">"
        )
