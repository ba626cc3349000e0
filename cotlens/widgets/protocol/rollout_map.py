"""The traits and messages of the rollout map. Positions are UTF-16 code units of a rollout's own text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict


class Rollouts(TypedDict):
    """n rollouts in the order given; sentences first[i]..first[i + 1] are those of rollout i.

    All numbers are Uint32 unless said otherwise.
    """

    names: list[str]
    """Ids of the traces."""
    notes: list[str]
    """What is to be said of a rollout: how it ended, why its thought isn't measured; "" where there is nothing."""
    texts: list[str]
    """Thought and answer."""
    prompt: bytes
    """Of each rollout, the number in `prompts`."""
    group: bytes
    """Of each rollout, the number in its prompt's groups."""
    first: bytes
    start: bytes
    end: bytes
    token: bytes
    last: bytes
    """Tokens of each sentence in its trace, the first and the one after the last."""
    column: bytes
    """Of each sentence, among those of its prompt's rollouts."""
    category: bytes
    """Uint8, the number in `categories`."""
    alike: bytes
    """Uint8, 1 where others say the like in that column."""
    categories: list[str]
    model: str


class Group(TypedDict):
    """Rollouts of a prompt with one answer, by its value; None where it could not be read.

    The interval is Wilson's, 95 %.
    """

    answer: str | None
    n: int
    share: float
    low: float
    high: float


class Node(TypedDict):
    """A prefix that several rollouts share: tokens start..end after its parent's, and what those say."""

    rows: list[int]
    parent: int
    start: int
    end: int
    text: str
    shift: float | None
    q: float | None
    shifts: bool


class Plane(TypedDict):
    """Places of rollouts in their order, x and y one after the other, and the share of variance of each direction."""

    places: bytes
    explained: list[float]
    of: str


class Prompt(TypedDict):
    """What is told of the rollouts of one prompt: answers, prefixes and columns of different ones are not compared."""

    text: str
    width: int
    """Columns that their sentences are aligned in."""
    groups: list[Group]
    tree: list[Node]
    prefixes: int
    """How many there are; `tree` may leave out some that few share, and none at which answers shift."""
    plane: Plane


REQUESTS: Mapping[str, Mapping[str, Any]] = {"open": {"row": int, "sentence": int}}
"""Kind of request -> its fields. A sentence of -1 is none."""
