"""The view of the steering panel: what it shows, as traits, and what a person does in it, as messages."""

from __future__ import annotations

from typing import Any

import traitlets as t

from cotlens.widgets.bundles import View


class SteeringView(View):
    """Draws a baseline trace beside its steered rerun, with one dial per vector; knows no model.

    Character positions are UTF-16 code units of a document's text, tokens are indices into its trace, bytes are
    little-endian. An empty dict means absent. `widgets/steering_panel/state.ts` declares the same traits, and the shape
    of each dict, for the front end.

    Messages arrive through `on_msg` as `{"request_id", "kind", ...}` with these kinds: steer {dials};
    rerun {document, token}; control {on, seed}; to add a vector token {document, token};
    stretch {document, token, last}; latent {latent}; then sweep {vector, strength, rollouts}; goto {to};
    limits {max_new_tokens}; cancel {job}; stream {of}. The reply to stream holds all of it so far as one piece; a limit
    of 0 is about twice what is replaced. Each wants a `reply`.

    Raises WidgetsNotBuilt when the front end was not built.
    """

    _bundle = "steering_panel"

    head = t.Dict().tag(sync=True)
    vectors = t.List().tag(sync=True)
    current = t.Dict().tag(sync=True)
    baseline = t.Dict().tag(sync=True)
    baseline_offsets = t.Bytes().tag(sync=True)
    steered = t.Dict().tag(sync=True)
    steered_offsets = t.Bytes().tag(sync=True)
    control = t.Dict().tag(sync=True)
    control_offsets = t.Bytes().tag(sync=True)
    unsteered = t.Dict().tag(sync=True)
    unsteered_offsets = t.Bytes().tag(sync=True)
    stream = t.Dict().tag(sync=True)
    findings = t.Dict().tag(sync=True)
    sweep = t.Dict().tag(sync=True)
    tries = t.List().tag(sync=True)
    job = t.Dict().tag(sync=True)
    code = t.Unicode().tag(sync=True)
    alive = t.Bool(True).tag(sync=True)

    def reply(self, request_id: int, status: str = "ok", **payload: Any) -> None:
        """Answer a message: "ok", or "error" with error={message, remedy}."""
        self.send({"request_id": request_id, "kind": "reply", "status": status, **payload})

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
