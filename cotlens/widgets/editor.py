"""The view of the chain-of-thought editor: what it shows, as traits, and what a person does in it, as messages."""

from __future__ import annotations

import json

import traitlets as t

from cotlens.widgets.protocol.editor import (
    Fact,
    Found,
    Head,
    Inside,
    Limits,
    Loading,
    Measure,
    PartInfo,
    Place,
    Reader,
    Resampled,
    Selection,
    Shading,
    Stream,
    Strip,
    Whole,
)  # fmt: skip
from cotlens.widgets.protocol.shared import BranchInfo, Comparison, Job, LatentStrip, Lock, MovedLatents, TraceDocument
from cotlens.widgets.shared.bundles import View


class EditorView(View):
    """Draws a trace with its measurements; knows no model.

    Character positions are UTF-16 code units of `document["text"]` (`shared.encoding` converts), tokens are places
    in the trace, bytes are little-endian (`shared.encoding` makes them). An empty dict means absent.

    Messages arrive through `on_msg` as `{"request_id", "kind", ...}`, each wants a last `reply`:
    `cotlens.widgets.protocol.editor` declares them, and the shape of each dict.

    `scale_lock` holds where colours end, {"unit": "nats", "scale": 2.1}: a person sets it, and widgets that are linked
    by it (`ipywidgets.jslink((editor.view, "scale_lock"), (map, "scale_lock"))`) are coloured alike.

    Raises WidgetsNotBuilt when the front end was not built.
    """

    _bundle = "editor"

    head = t.Dict().tag(sync=True, shape=Head)
    limits = t.Dict().tag(sync=True, shape=Limits)
    loading = t.Dict().tag(sync=True, shape=Loading)
    branches = t.List().tag(sync=True, shape=BranchInfo)
    document = t.Dict().tag(sync=True, shape=TraceDocument)
    parts = t.List().tag(sync=True, shape=PartInfo)
    token_offsets = t.Bytes().tag(sync=True)
    logprobs = t.Bytes().tag(sync=True)
    findings = t.List().tag(sync=True, shape=Found)
    measures = t.List().tag(sync=True, shape=Measure)
    selection = t.Dict().tag(sync=True, shape=Selection)
    place = t.Dict().tag(sync=True, shape=Place)
    readers = t.List().tag(sync=True, shape=Reader)
    shading = t.Dict().tag(sync=True, shape=Shading)
    shading_rows = t.Bytes().tag(sync=True)
    shading_values = t.Bytes().tag(sync=True)
    shading_low = t.Bytes().tag(sync=True)
    shading_high = t.Bytes().tag(sync=True)
    shading_certainty = t.Bytes().tag(sync=True)
    shading_status = t.Dict().tag(sync=True, shape=dict[str, str])
    shading_facts = t.List().tag(sync=True, shape=Fact)
    whole = t.Dict().tag(sync=True, shape=Whole)
    inside = t.Dict().tag(sync=True, shape=Inside)
    latents = t.Dict().tag(sync=True, shape=LatentStrip)
    moved = t.Dict().tag(sync=True, shape=MovedLatents)
    scale_lock = t.Dict().tag(sync=True, shape=Lock)
    strip = t.Dict().tag(sync=True, shape=Strip)
    strip_at = t.Bytes().tag(sync=True)
    strip_values = t.Bytes().tag(sync=True)
    resampled = t.Dict().tag(sync=True, shape=Resampled)
    comparison = t.Dict(default_value=None, allow_none=True).tag(sync=True, shape=Comparison)
    job = t.Dict().tag(sync=True, shape=Job)
    stream = t.Dict().tag(sync=True, shape=Stream)
    code = t.Unicode().tag(sync=True)
    alive = t.Bool(True).tag(sync=True)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        size = self.document.get("n_tokens") if self.document else None
        shown = "no trace" if size is None else f"a trace of {size} tokens"
        answers = [branch.get("answer") for branch in self.branches if branch.get("current")]
        answer = f", answer {json.dumps(answers[0], ensure_ascii=False)}" if answers and answers[0] is not None else ""
        rerun = ", edited and not rerun" if self.document and self.document.get("rerun_at") is not None else ""
        return f"<CoTLens editor: {shown}{answer}{rerun}; model {self.head.get('model', 'none')}>"
