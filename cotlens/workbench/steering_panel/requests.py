"""What the steering panel's view asks for, validated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cotlens._core import check
from cotlens.widgets.protocol.steering_panel import REQUESTS
from cotlens.workbench.shared.messages import fields_of


@dataclass(frozen=True)
class SteeringRequest:
    """One message of the view. Dials are as they came: `VectorSettings.parse` knows the vectors that they are of.

    Args:
        max_new_tokens: 0 for about twice what a rerun replaces.
    """

    id: int
    kind: str
    dials: tuple[Any, ...] = ()
    document: str = ""
    token: int = 0
    last: int = 0
    latent: int = 0
    vector: int = 0
    strength: float = 0.0
    rollouts: int = 0
    on: bool = False
    seed: int = 0
    max_new_tokens: int = 0
    to: str = ""
    job: int | None = None
    of: int = 0


def parse(content: Any) -> SteeringRequest:
    """A message as a request.

    Raises:
        InputError: it is of no known kind, lacks a field, or asks for a control with a seed that there isn't.
    """
    fields = fields_of(content, REQUESTS, "panel")
    check.seed(fields.get("seed", 0), of="A control")
    check.whole("max_new_tokens", fields.get("max_new_tokens", 0), 0, of="The panel")
    return SteeringRequest(**fields)
