"""What a session holds while it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.results import Result
from cotlens.results.result import from_data
from cotlens.trace import Trace
from cotlens.trace.storage import with_model
from cotlens.workbench.branches.serialization import trace_from_data
from cotlens.workbench.session.lazy_model import LazyModel

DAMAGED = (InputError, AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
"""What is raised where the data of something aren't what they were."""
Items = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Held:
    """What a session holds while it is opened: by kind and id the data, by name the widgets that are back already.

    Args:
        saes: autoencoders that were given, by fingerprint.
    """

    model: Any
    items: Items
    widgets: Mapping[str, Any]
    saes: Mapping[str, SAE]

    def of(self, kind: str, widget: str) -> dict[str, Any]:
        """The parts of a widget, by their own ids."""
        begin = f"{widget}/"
        return {name.removeprefix(begin): data for name, data in self.items[kind].items() if name.startswith(begin)}

    def trace(self, data: Any) -> Trace:
        """A trace of its data; of what it was made from the session has the data, too."""
        return trace_from_data(data, self.items["trace"])

    def kept(self, data: Mapping[str, Any], name: str) -> Trace | Result:
        """A trace or a result that was kept by itself."""
        if data["kind"] == "Result":
            return from_data(data["data"], name)
        trace = self.trace(data["data"])
        return trace if self.model is None or isinstance(self.model, LazyModel) else with_model(trace, self.model)


def reason(error: Exception) -> str:
    """Why something couldn't be brought back; an interpreter's own words say nothing."""
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    return str(error).rstrip(".") if type(error) in (InputError, ValueError) else "the file is damaged there"


def trace_ids(items: Items) -> frozenset[str]:
    """Ids of all traces in a file: their tokens were seen to be the model's when they were kept."""
    nodes = [each.get("trace") for each in items["node"].values() if isinstance(each, dict)]
    traces = [*items["trace"].values(), *items["given"].values(), *nodes]
    return frozenset(each["id"] for each in traces if isinstance(each, dict) and "id" in each)
