"""What stands in an editor where no model was given: the trace can be read, and nothing can be written or measured."""

from __future__ import annotations

from cotlens.models.contract import Capability
from cotlens.models.owner import OwnerThread
from cotlens.trace import Trace

WHY = "No model was given, so that this text can be read but not acted on: open it with cl.CoTEditor(model, trace)."

OPENED = "editor = cl.CoTEditor(None, trace)  # without a model, to be read"

NEEDED_BY = frozenset(
    {"branch", "truncate", "edit", "rerun", "measure", "count", "limits", "resample", "move", "put", "take_out"}
)
"""Kinds of requests that are refused without a model."""


class NoModel:
    """The part of a model that an editor has to know before it asks one for anything."""

    name = "no model"
    where = "read only"
    score_path = ""
    backend = "none"
    n_layers = attention_layers = 0
    hides_whole = True
    capabilities = Capability(0)

    def __init__(self, trace: Trace) -> None:
        self.codec, self.reader = trace.codec, trace.reader
        self.context_length = max(1, len(trace.token_ids))
        self.owner = OwnerThread()  # no thread before the first job, and there is none

    def __repr__(self) -> str:
        return "None"
