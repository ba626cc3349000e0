"""Branches as the view of the tree has them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, cast

from cotlens.trace.edit import Edit
from cotlens.widgets.protocol.branch_tree import Compared, FanInfo, TreeBranch
from cotlens.workbench.branches.differences import difference, fan
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.branches.words import difference as words_between
from cotlens.workbench.branches.words import written

LONGEST = 160  # characters of what was changed


def branches(tree: Tree) -> list[TreeBranch]:
    """The view's `branches`."""
    return [_branch(tree, node) for node in tree.nodes.values()]


def compared(tree: Tree, ids: Sequence[str]) -> Compared:
    """The view's `compared`: the difference of two branches, or what several answer.

    Raises:
        InputError: there is no such branch, or none was given.
    """
    rows = [cast(FanInfo, dataclasses.asdict(row)) for row in fan(tree, ids)]
    if len(ids) != 2:
        return {"branches": list(ids), "words": f"{len(ids)} branches", "diff": [], "fan": rows}
    one, other = (tree.node(each).trace for each in ids)
    said = str(difference(tree, *ids))
    return {"branches": list(ids), "words": said, "diff": words_between(written(one), written(other)), "fan": rows}


def _branch(tree: Tree, node: Node) -> TreeBranch:
    root = tree.root(node.id)
    return {
        **node.payload(tree.current_id),
        "kind": node.kind,
        "change": "" if node.kind == "resample" else _change(node.trace.edit),
        "from_parent": "" if node.parent is None else _beside(tree, node.parent, node),
        "from_root": "" if node.parent in (None, root.id) else _beside(tree, root.id, node),
        "tokens": len(node.trace.token_ids),
        "note": node.note,
        "tags": list(node.tags),
        "pruned": not tree.in_sight(node.id),
        "fan": _rollouts(node.fan),
    }


def _beside(tree: Tree, before: str, node: Node) -> str:
    """How a branch differs from an earlier one; rollouts have no text of their own that could differ."""
    if node.kind != "resample":
        return str(difference(tree, before, node.id))
    own, most = tree.nodes[before].answer, node.answer or "none that can be read"
    return f"most rollouts still answer {most}" if own == node.answer else f"was {own}, most rollouts answer {most}"


def _change(edit: Edit | None) -> str:
    """What was changed, in the words of the text, and how much it surprises the model."""
    if edit is None:
        return ""
    old, new = _quoted(edit.old), _quoted(edit.new)
    said = {"truncate": f"cut off: {old}", "insert": f"inserted: {new}", "delete": f"deleted: {old}"}
    surprise = "" if math.isnan(edit.surprise) else f" ({edit.surprise:.2g} nats per token)"
    return said.get(edit.kind, f"{old} → {new}") + surprise


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= LONGEST else line[: LONGEST - 1] + '…'}”"


def _rollouts(found: dict[str, Any] | None) -> list[FanInfo]:
    """What rollouts of a branch answered, of those with its edit."""
    rows = (found or {}).get("rows", ())
    return [
        {
            "answer": row["answer"],
            "count": share["count"],
            "share": share["p"],
            "low": share["low"],
            "high": share["high"],
        }
        for row in rows
        if (share := row.get("after")) is not None and share["p"] is not None
    ]
