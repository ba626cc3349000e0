"""What things are called in a session."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError

MOST = 200  # characters
_SHORT = {
    "CoTEditor": "editor", "FeatureTable": "features", "SteeringPanel": "steering", "MonitorPanel": "findings",
    "LensGrid": "lens", "BranchTree": "tree", "ImportanceMap": "map", "PairMatrix": "matrix",
    "RolloutMap": "rollouts", "Selection": "selection",
    "PatchGrid": "patches", "PatchGridView": "patches", "Charts": "probes",
    "Workbench": "workbench", "Trace": "trace", "Result": "result",
}  # fmt: skip


_PARTS = {
    "node": "the branch {part} of {of}", "result": "a result of {of}", "given": "a text of {of}",
    "reading": "what was read of a text in {of}", "readings": "findings of {of}", "vector": "a vector of {of}",
    "trace": "the text {of}, which others were made from", "note": "the note {of}",
}  # fmt: skip


def damage(kind: str, name: str) -> str:
    """A sentence for a record of the file that is damaged."""
    of, _, part = name.partition("/")
    told = _PARTS.get(kind, "{of}").format(of=repr(of), part=part)
    return f"In the file, {told} is damaged, so it was left out; it is kept there as it is."


def checked(name: Any) -> str:
    """A name that was given; InputError where it can't be one."""
    if not 0 < len(check.text("name", name).strip()) <= MOST or "/" in name or not name.isprintable():
        raise InputError(
            f"A name in a session has 1 to {MOST} characters on one line and no stroke (/); {name[:40]!r} was given."
        )
    return str(name)


def free(kind: str, taken: Collection[str]) -> str:
    """The short name of a kind of thing, with a number where it is taken."""
    name = _SHORT[kind]
    numbered = (f"{name}{number}" if number > 1 else name for number in range(1, len(taken) + 2))
    return next(each for each in numbered if each not in taken)
