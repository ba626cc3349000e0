"""The traits of the importance map. Positions are those of the score's own text."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from cotlens.widgets.protocol.shared import Estimates


class Fact(TypedDict):
    """What the method adds to each unit: Float32 numbers, or words."""

    name: str
    numbers: NotRequired[bytes]
    words: NotRequired[list[str]]


class Score(Estimates):
    """A result over the units of one kind. Bars go to `reach`."""

    reach: float
    trace: str
    """Id of the trace it was measured on."""
    text: str
    edges: bytes
    """Where units begin, and the end: Uint32, units + 1."""
    blocks: bytes
    """The unit with which each block of the drawn text begins: Uint32."""
    first: bytes
    last: bytes
    """Tokens of the trace, Uint32 per unit."""
    facts: list[Fact]


class Context(TypedDict):
    """What stands around the thought; `whose` is said where the answer is not of this text."""

    prompt: str
    answer: str
    whose: NotRequired[str]
