"""The nnsight backend that sends a traced block away and brings back what it saved."""

from __future__ import annotations

from typing import Any

from nnsight.schema.request import RequestModel
from nnsight.tracing.backend import Backend
from nnsight.tracing.tracer import save
from nnsight.tracing.util import push

from cotlens.models.ndif.wire import OnLine, Wire


class JobBackend(Backend):
    """Runs a block with the model named `key`.

    Nothing local goes along by value: a block that needs more than torch and nnsight fails on the server, and so in
    the tests.

    Args:
        env: settings of the model for this job, see nnsight's `_remoteable_get_env`.
    """

    def __init__(self, wire: Wire, key: str, env: dict[str, Any], on_line: OnLine | None = None) -> None:
        self._wire, self._key, self._env, self._on_line = wire, key, env, on_line

    def __call__(self, tracer: Any = None) -> None:
        """Send the block of `tracer`, wait, and put what it saved into the frame that it was written in."""
        found = self._wire.run(RequestModel.serialize(tracer, True), self._key, self._env, self._on_line)
        for value in found.values():
            save(value)
        push(tracer.info.frame, found)
