"""The traits and messages of the feature table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict


class Head(TypedDict):
    """The model, its SAE with the number of latents, and where they are described ("" if nowhere)."""

    model: str
    where: str
    sae: str
    width: int
    link: str


class Facts(TypedDict):
    """How well the SAE describes the trace: the share of its variance that is explained, active latents per token, the
    share that must be missed of a token for it to be blanked."""

    explained: float | None
    l0: float
    poor: float
    note: str


class EffectInfo(TypedDict):
    """What effects are effects on; `why` there are none. `agreement` is Pearson's r of exact and estimated effects."""

    why: str
    words: str
    target: str
    unit: str
    estimated: bool
    agreement: float | None
    compared: int


Weighted = tuple[str, float]
"""A token and how much is added to its logit."""


class Words(TypedDict):
    """Tokens whose logits a latent raises and lowers most."""

    raises: list[Weighted]
    lowers: list[Weighted]


class Tokens(TypedDict):
    """Tokens first..last."""

    first: int
    last: int


Mode = Literal["ablate", "clamp", "scale"]
Place = Literal["selection", "onwards", "everywhere"]

REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "select": {"document": str, "first": int, "last": int},
    "exact": {"document": str, "latents": list[int]},
    "describe": {"latents": list[int]},
    "name": {"latent": int, "label": str},
    "change": {
        "document": str, "latent": int, "mode": Mode, "value": float, "where": Place, "first": int, "last": int,
    },
    "goto": {"branch": str},
    "undo": {},
    "redo": {},
    "cancel": {"job": NotRequired[int | None]},
    "stream": {"of": int},
}  # fmt: skip
"""Kind of request -> its fields. `first` and `last` are tokens; equal ones mean the whole trace."""
