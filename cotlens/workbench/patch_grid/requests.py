"""Messages of a patch grid's view, validated: kind and fields are checked before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError
from cotlens.widgets.protocol.patch_grid import REQUESTS
from cotlens.workbench.shared.messages import fields_of

SIDES = ("base", "source")


@dataclass(frozen=True)
class PatchRequest:
    """One message of the view. Tokens are half-open."""

    id: int
    kind: str
    side: str = ""
    layer: int = 0
    first: int = 0
    last: int = 0
    from_layer: int = 0
    from_first: int = 0
    from_last: int = 0
    column: int = 0
    branch: str = ""
    job: int | None = None
    of: int = 0


def parse(content: Any) -> PatchRequest:
    """A message as a request.

    Raises:
        InputError: it is of no known kind, lacks a field, or names a side that isn't there.
    """
    request = PatchRequest(**fields_of(content, REQUESTS, "patch grid"))
    if request.kind == "patch" and request.side not in SIDES:
        raise InputError(f"A patch is put into the base or the source; {request.side!r} is neither.")
    return request
