"""The traits and messages of the steering panel. Tokens are indices into a document's trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from cotlens.widgets.protocol.shared import Piece, TraceText

Place = Literal["all", "thought", "answer", "here", "span"]
Which = Literal["steered", "control"]
"""Which of the rewritten texts: by the vectors, or by random ones of equal norm."""
Beside = Literal["baseline", "unsteered"]
"""What they stand beside: the baseline, or what the model writes from the same token without vectors."""


class Head(TypedDict):
    """`latents`: how many the panel's autoencoder has; 0 without one. `most`: tokens a sweep's rollout may have."""

    model: str
    where: str
    note: str
    latents: int
    most: int
    limit: int
    """Tokens of a rerun; 0 for about twice what it replaces."""


class VectorInfo(TypedDict):
    """`units` are the mean residual norms of the layers: coefficient 1 adds a vector of that length. `norm` is that of
    its values."""

    name: str
    detail: str
    layer: int
    norm: float
    units: list[float]


class Dial(TypedDict):
    """One vector's setting. Tokens start..end matter for "here" (start) and "span" (both)."""

    coefficient: float
    layer: int
    place: Place
    start: int
    end: int


class Current(TypedDict):
    """The dials as Python has them, and whether random vectors with this seed stand beside."""

    dials: list[Dial]
    control: bool
    seed: int
    places: list[Place]


class Rewritten(TypedDict):
    """A rewritten text; `same` where the vectors changed no token."""

    document: TraceText
    same: bool
    note: str


class Finding(TypedDict):
    """One column of the findings; None is "not measured". `beside` and `baseline` are perplexities of the unsteered
    rewrite and of the baseline over the same region: from token `start` on."""

    answer: str | None
    p: float | None
    perplexity: float | None
    beside: float | None
    baseline: float | None
    start: int
    tokens: int


class Verdict(TypedDict):
    """What it comes to: "same", "text", "answer", "damage" or "unknown", and the sentence."""

    kind: str
    text: str


class Findings(TypedDict):
    """What was measured of the texts."""

    target: str | None
    baseline: Finding | None
    unsteered: Finding | None
    steered: Finding | None
    control: Finding | None
    verdict: Verdict | None
    control_verdict: str | None


class Point(TypedDict):
    """One point of a sweep; None is "not measured". `damaged`: share of rollouts that may be damage, by the rule of the
    verdict."""

    arm: Literal["vector", "random"]
    coefficient: float
    value: float | None
    low: float | None
    high: float | None
    n: int
    damaged: float | None
    status: str


class Sweep(TypedDict):
    """One vector at several strengths. `most`: the share of damaged rollouts above which a point is ringed."""

    vector: str
    layer: int
    rows: list[Point]
    note: str
    most: float


class Try(TypedDict):
    """An entry of the history."""

    id: str
    label: str
    answer: str | None
    current: bool


class Stream(Piece):
    """A piece of one of the rewritten texts."""

    which: Which


REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "steer": {"dials": list[Dial]},
    "rerun": {"document": str, "token": int},
    "control": {"on": bool, "seed": int},
    "token": {"document": str, "token": int},
    "stretch": {"document": str, "token": int, "last": int},
    "latent": {"latent": int},
    "sweep": {"vector": int, "strength": float, "rollouts": int},
    "goto": {"to": str},
    "limits": {"max_new_tokens": int},
    "cancel": {"job": NotRequired[int | None]},
    "stream": {"of": int},
}
"""Kind of request -> its fields. "token", "stretch" and "latent" add a vector."""
