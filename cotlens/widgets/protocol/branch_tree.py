"""The traits and messages of the branch tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from cotlens.widgets.protocol.shared import BranchInfo, BranchKind, Change


class FanInfo(TypedDict):
    """How many of several branches, or rollouts, gave an answer, None for none that could be read; Wilson, 95 %."""

    answer: str | None
    count: int
    share: float
    low: float
    high: float


class TreeBranch(BranchInfo):
    """A branch with what was changed and what came of it, in words; "" where there is nothing to say."""

    kind: BranchKind
    change: str
    from_parent: str
    from_root: str
    tokens: int
    note: str
    tags: list[str]
    pruned: bool
    """It, or what it was made from, was put out of sight."""
    fan: list[FanInfo]
    """What rollouts of it answered."""


class Compared(TypedDict):
    """Two branches side by side, or what many answer: then `diff` is empty."""

    branches: list[str]
    words: str
    diff: list[Change]
    fan: list[FanInfo]


REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "goto": {"branch": str},
    "rename": {"branch": str, "text": str},
    "annotate": {"branch": str, "text": str},
    "tag": {"branch": str, "tags": list[str]},
    "prune": {"branch": str},
    "restore": {"branch": str},
    "compare": {"branches": list[str]},
    "undo": {},
    "redo": {},
}
"""Kind of request -> its fields. To "compare" two shows their difference, more of them what they answer."""
