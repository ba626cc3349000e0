"""Messages of a feature table's view, validated: kind, fields and ranges are checked before anything is done."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError
from cotlens.widgets.protocol.feature_table import REQUESTS
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.shared.messages import fields_of

MOST = 512  # latents that one message may ask about


@dataclass(frozen=True)
class FeatureRequest:
    """One message of the view. `first` and `last` are tokens, half-open; equal ones mean the whole trace."""

    id: int
    kind: str
    document: str = ""
    latent: int = 0
    latents: tuple[int, ...] = ()
    label: str = ""
    mode: str = ""
    value: float = 0.0
    where: str = ""
    first: int = 0
    last: int = 0
    branch: str = ""
    job: int | None = None
    of: int = 0


def parse(content: Any, tree: Tree, width: int) -> FeatureRequest:
    """A message as a request about one of the traces in `tree` and latents below `width`.

    Raises:
        InputError: it is of no known kind, lacks a field, or names a trace, token or latent that isn't there.
    """
    fields = fields_of(content, REQUESTS, "table")
    if "latents" in fields:
        fields["latents"] = tuple(_latent(one, width) for one in fields["latents"][:MOST])
    if "latent" in fields:
        fields["latent"] = _latent(fields["latent"], width)
    if "document" in fields:
        n = len(tree.holding(fields["document"]).trace.token_ids)
        if not 0 <= fields.get("first", 0) <= fields.get("last", 0) <= n:
            raise InputError(f"The tokens {fields['first']} to {fields['last']} are not in this trace of {n} tokens.")
    if not math.isfinite(fields.get("value", 0.0)):
        raise InputError(f"A latent can't be held at {fields['value']}; give a number.")
    return FeatureRequest(**fields)


def _latent(given: Any, width: int) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < width:
        raise InputError(f"There is no latent {given!r} in this SAE; it has 0 to {width - 1}.")
    return given
