"""The view of the chain-of-thought editor: what it shows, as traits, and what a person does in it, as messages."""

from __future__ import annotations

import json
from typing import Any

import traitlets as t

from cotlens.widgets.bundles import View


class EditorView(View):
    """Draws a trace with its measurements; knows no model.

    Character positions are UTF-16 code units of `document["text"]` (`cotlens.widgets.utf16` converts), tokens are
    indices into the trace, bytes are little-endian (`cotlens.widgets.payload` makes them). An empty dict means absent.
    `widgets/editor/state.ts` declares the same traits, and the shape of each dict, for the front end.

    Messages arrive through `on_msg` as `{"request_id", "kind", ...}` with these kinds: inspect {document, token};
    branch {document, token, token_id}; truncate {document, token}; edit {document, start, end, text};
    rerun {document, token}; measure {document, measure, unit, metric, n, spans, target, confirmed}; reader {reader};
    goto {branch}; cancel {job}; count {text}; limits {max_new_tokens, temperature}; stream {of};
    resample {document, n}. With `force` as well, rollouts without an
    answer are asked for one. The reply to stream holds all of it so far as one piece.

    `scale_lock` holds where colours end, {"unit": "nats", "scale": 2.1}: a person sets it, and widgets that are linked
    by it (`ipywidgets.jslink((editor.view, "scale_lock"), (map, "scale_lock"))`) are coloured alike.
    `document` is the id of the document it was asked on, which needn't be shown any more. Each wants a last `reply`.

    Raises WidgetsNotBuilt when the front end was not built.
    """

    _bundle = "editor"

    head = t.Dict().tag(sync=True)
    limits = t.Dict().tag(sync=True)
    loading = t.Dict().tag(sync=True)
    branches = t.List().tag(sync=True)
    document = t.Dict().tag(sync=True)
    token_offsets = t.Bytes().tag(sync=True)
    logprobs = t.Bytes().tag(sync=True)
    measures = t.List().tag(sync=True)
    selection = t.Dict().tag(sync=True)
    readers = t.List().tag(sync=True)
    shading = t.Dict().tag(sync=True)
    shading_rows = t.Bytes().tag(sync=True)
    shading_values = t.Bytes().tag(sync=True)
    shading_low = t.Bytes().tag(sync=True)
    shading_high = t.Bytes().tag(sync=True)
    shading_certainty = t.Bytes().tag(sync=True)
    shading_status = t.Dict().tag(sync=True)
    shading_facts = t.List().tag(sync=True)
    scale_lock = t.Dict().tag(sync=True)
    strip = t.Dict().tag(sync=True)
    strip_at = t.Bytes().tag(sync=True)
    strip_values = t.Bytes().tag(sync=True)
    resampled = t.Dict().tag(sync=True)
    comparison = t.Dict(default_value=None, allow_none=True).tag(sync=True)
    job = t.Dict().tag(sync=True)
    stream = t.Dict().tag(sync=True)
    code = t.Unicode().tag(sync=True)
    alive = t.Bool(True).tag(sync=True)

    def reply(self, request_id: int, status: str = "ok", *, buffers: list[bytes] | None = None, **payload: Any) -> None:
        """Answer a message: "ok" or "progress" with a payload, "cancelled", or "error" with error={message, remedy}."""
        self.send({"request_id": request_id, "kind": "reply", "status": status, **payload}, buffers)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        size = self.document.get("n_tokens") if self.document else None
        shown = "no trace" if size is None else f"a trace of {size} tokens"
        answers = [branch.get("answer") for branch in self.branches if branch.get("current")]
        answer = f", answer {json.dumps(answers[0], ensure_ascii=False)}" if answers and answers[0] is not None else ""
        rerun = ", edited and not rerun" if self.document and self.document.get("rerun_at") is not None else ""
        return f"<CoTLens editor: {shown}{answer}{rerun}; model {self.head.get('model', 'none')}>"
