"""One branch: a trace, what was changed to make it, what it answers, and what a person says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import BranchInfo, BranchKind, Comparison

LABEL_LENGTH = 18


@dataclass(frozen=True)
class Node:
    """One branch.

    Args:
        parent: id of the branch it was made from, None for a root.
        label: a few words on what was changed; a person may give others.
        code: the Python that makes the trace from its parent's, which is called `trace` there, too.
        kind: what was done to the parent: "original", "truncate", "replace", "delete", "insert", "rerun" (written
            again), "resample" (written again many times: its text is the parent's, and `fan` what came of it), "clamp"
            (a latent), "steer" (vectors), "patch" (activations of another run).
        answer, probability: those of the trace's forced answer, None until measured. Of a trace that awaits its rerun
            they are those of the text before the edit, so they are not shown.
        comparison: the answers of the parent and of this one side by side, None until measured.
        fan: of a branch of kind "resample", what rollouts answered (the editor's `Resampled`); else None.
        changes: interventions that the text was written under, and its answer is scored under. No file keeps them.
        note, tags: a person's own words.
        pruned: out of sight, with all that was made from it.
    """

    id: str
    trace: Trace
    parent: str | None
    label: str
    code: str
    kind: BranchKind = "original"
    answer: str | None = None
    probability: float | None = None
    comparison: Comparison | None = None
    fan: Any = None
    changes: tuple[Any, ...] = ()
    note: str = ""
    tags: tuple[str, ...] = ()
    pruned: bool = False

    def payload(self, shown: str) -> BranchInfo:
        """As views have it; `shown` is the id of the branch that is shown."""
        awaits = self.trace.awaits_rerun
        return {
            "id": self.id,
            "parent": self.parent,
            "label": self.label,
            "answer": None if awaits else self.answer,
            "p": None if awaits else self.probability,
            "awaits_rerun": awaits,
            "current": self.id == shown,
        }


def kind_of(trace: Trace, parent: Trace | None) -> BranchKind:
    """What was done to `parent` to make `trace`, as far as the trace tells."""
    if parent is None:
        return "original"
    resumed = trace.parent is not None and trace.parent.id != parent.id  # an edit that had been kept, rerun
    return "rerun" if trace.edit is None or resumed else trace.edit.kind


def short(text: str) -> str:
    """Text for a label: one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LABEL_LENGTH else line[: LABEL_LENGTH - 1] + "…"
