"""What occlusion does to a thought, as branches to be scored: a group hidden, averaged away or swapped.

All of them score the same answer tokens after the whole thought, so an effect is a difference of two such scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.importance.forced import Forced, read
from cotlens.measure.importance.groups import Group
from cotlens.measure.method import in_blocks
from cotlens.models.contract import EVER, Ablate, BlockAttention, Branch, BranchScore, Intervention, Model
from cotlens.trace import Trace

LIGHT, HEAVY = None, 4
"""Edits per block: as many as pay where only the answer is run again, few where the rest of the thought is."""


@dataclass(frozen=True)
class Edit:
    """One edit of a trace: a branch that ends in the answer, and what is changed inside the model meanwhile."""

    branch: Branch
    interventions: tuple[Intervention, ...] = ()


@dataclass(frozen=True)
class Question:
    """The answer that is forced after the thought, and how it is scored.

    Args:
        end: token at which the thought is closed.
        answer: tokens that close it and give the answer.
        begins: how many of them, counted from the end, are value and terminator.
    """

    trace: Trace
    end: int
    answer: tuple[int, ...]
    begins: int

    @classmethod
    def of(cls, model: Model, trace: Trace, target: str) -> Question:
        """The question whether `target` is answered after the whole thought of `trace`."""
        end = trace.roles["thought"].end
        branch = model.answer_branch(trace, end, target)
        return cls(trace, end, branch.token_ids, len(branch.token_ids) - branch.value_start)

    def untouched(self) -> Edit:
        """Nothing done."""
        return Edit(Branch(self.end, self.answer))

    def hidden(self, group: Group) -> Edit:
        """The group hidden from the answer only."""
        return Edit(Branch(self.end, self.answer, group.tokens))

    def removed(self, group: Group) -> Edit:
        """Each span of the group hidden from everything after it. One span needs no run of what stands before it."""
        if len(group.spans) == 1:
            return Edit(Branch(group.end, self._rest(group.end), group.tokens))
        blocks = tuple(BlockAttention(range(s.end, EVER), range(s.start, s.end)) for s in group.spans)
        return Edit(Branch(self.end, self.answer), blocks)

    def averaged(self, group: Group, mean: NDArray[np.float32]) -> Edit:
        """The embeddings of the group's tokens put at `mean` [d_model], and everything after them run anew."""
        change = Ablate(0, group.tokens, mode="mean", mean=mean, site="embed")
        return Edit(Branch(self.end, self.answer), (change,))

    def swapped(self, group: Group, tokens: Sequence[int]) -> Edit:
        """Other tokens in place of a group of one span; what follows keeps its tokens and moves along."""
        return Edit(Branch(group.start, (*tokens, *self._rest(group.end))))

    def read(self, score: BranchScore) -> Forced:
        """How the model takes the answer."""
        return read(score, len(score.logprobs) - self.begins)

    def _rest(self, start: int) -> tuple[int, ...]:
        return (*self.trace.token_ids[start : self.end], *self.answer)


def scored(
    model: Model, trace: Trace, edits: Sequence[Edit], size: int | None, label: str = "occlusion"
) -> Iterator[BranchScore]:
    """Scores of edits in their order, a block at a time; those without interventions share a pass."""

    def work(block: Sequence[Edit]) -> list[BranchScore]:
        plain = [edit for edit in block if not edit.interventions]
        found = dict(zip(map(id, plain), model.score(trace, [edit.branch for edit in plain]), strict=True))
        for edit in block:
            if edit.interventions:
                [found[id(edit)]] = model.score(trace, [edit.branch], interventions=edit.interventions)
        return [found[id(edit)] for edit in block]

    return in_blocks(edits, work, label, size)


def mean_embedding(model: Model, trace: Trace) -> NDArray[np.float32]:
    """The mean over the thought's tokens of their embeddings, float32 [d_model]."""
    thought = trace.roles["thought"]
    read = model.read(trace, "embed", positions=range(thought.start, thought.end))
    return read["embed"].mean(axis=0, dtype=np.float64).astype(np.float32)
