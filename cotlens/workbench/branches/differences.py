"""How two branches differ, and what many of them answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.stats.proportions import wilson
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.branches.words import differing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Difference:
    """Two branches side by side.

    Args:
        before, after: ids of the branches.
        answers: what each answers; None where none could be read, or where an edit was not rerun.
        probabilities: of these answers; NaN where not measured.
        change: of the probability of the first one's answer, in the second less in the first; NaN where not measured.
        removed, added: words that only the first has, and only the second, in thought and answer.
    """

    before: str
    after: str
    answers: tuple[str | None, str | None]
    probabilities: tuple[float, float]
    change: float
    removed: int
    added: int

    @property
    def same_answer(self) -> bool:
        """Whether both answer, and the same."""
        return self.answers[0] is not None and self.answers[0] == self.answers[1]

    def __str__(self) -> str:
        first, second = (answer if answer is not None else "no answer" for answer in self.answers)
        said = f"still {second}" if self.same_answer else f"was {first}, now {second}"
        moved = "" if math.isnan(self.change) else f", p({first}) {self.change:+.2g}"
        return f"{said}{moved}; {self.removed} words less, {self.added} more"


@dataclass(frozen=True)
class FanRow:
    """One answer of many branches: how many gave it, their share, and its 95 % interval (Wilson)."""

    answer: str | None
    count: int
    share: float
    low: float
    high: float


def difference(tree: Tree, before: str, after: str) -> Difference:
    """How one branch differs from another.

    Raises:
        InputError: there is no such branch.
    """
    one, other = tree.node(before), tree.node(after)
    removed, added = differing(one.trace, other.trace)
    answers = _answer(one), _answer(other)
    return Difference(
        before,
        after,
        answers,
        (_probability(one), _probability(other)),
        _moved(one, other),
        removed,
        added,
    )


def fan(tree: Tree, branches: Sequence[str]) -> list[FanRow]:
    """What several branches answer, the most frequent first; those without an answer are a row of their own, last.

    Shares are of the branches that answer; that of the others is of all.

    Raises:
        InputError: there is no such branch, or none was given.
    """
    nodes = [tree.node(branch) for branch in dict.fromkeys(branches)]
    if not nodes:
        raise InputError("A fan needs branches: give the ids of one or more.")
    answers = [_answer(node) for node in nodes]
    told = [answer for answer in answers if answer is not None]
    counts = sorted(((told.count(answer), answer) for answer in dict.fromkeys(told)), key=lambda each: -each[0])
    silent = len(answers) - len(told)
    rows = [_row(answer, count, len(told)) for count, answer in counts]
    return [*rows, _row(None, silent, len(answers))] if silent else rows


def frame(tree: Tree) -> pd.DataFrame:
    """A row for each branch that isn't pruned, in the order they were made.

    Columns: id, parent, kind, label, answer, p, from_parent and from_root (change of the probability of that branch's
    answer; NaN where not measured), answer_of_parent, answer_of_root, tokens, note, tags, trace_id.
    """
    import pandas as pd

    nodes = [node for node in tree.nodes.values() if tree.in_sight(node.id)]
    return pd.DataFrame([_told(tree, node) for node in nodes])


def _told(tree: Tree, node: Node) -> dict[str, Any]:
    parent, root = tree.nodes.get(node.parent or ""), tree.root(node.id)
    return {
        "id": node.id,
        "parent": node.parent,
        "kind": node.kind,
        "label": node.label,
        "answer": _answer(node),
        "p": _probability(node),
        "from_parent": math.nan if parent is None else _moved(parent, node),
        "from_root": math.nan if root is node else _moved(root, node),
        "answer_of_parent": None if parent is None else _answer(parent),
        "answer_of_root": _answer(root),
        "tokens": len(node.trace.token_ids),
        "note": node.note,
        "tags": list(node.tags),
        "trace_id": node.trace.id,
    }


def _answer(node: Node) -> str | None:
    return None if node.trace.awaits_rerun else node.answer


def _probability(node: Node) -> float:
    return math.nan if node.probability is None or node.trace.awaits_rerun else node.probability


def _moved(before: Node, after: Node) -> float:
    """Change of the probability of the first one's answer: as it was measured side by side, or of one answer twice."""
    answer = _answer(before)
    if answer is None or "resample" in (before.kind, after.kind):  # a share of rollouts is no forced answer's
        return math.nan
    if after.parent == before.id and after.comparison is not None:
        rows = [row for row in after.comparison["rows"] if row["answer"] == after.comparison["before"]["answer"]]
        if rows and rows[0]["before"] is not None and rows[0]["after"] is not None:
            return rows[0]["after"] - rows[0]["before"]
    same = answer == _answer(after)
    return _probability(after) - _probability(before) if same else math.nan


def _row(answer: str | None, count: int, of: int) -> FanRow:
    low, high = wilson(count, of)
    return FanRow(answer, count, count / of, float(np.asarray(low)), float(np.asarray(high)))
