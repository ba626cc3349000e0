"""What occlusion does to a thought, as answers to be scored: a group hidden, averaged away or swapped.

All of them score the same answer tokens after the whole thought, so an effect is a difference of two such scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.answers.forced import Forced, ForcedQuery, scores_of
from cotlens.measure.importance.shared.groups import Group
from cotlens.measure.method import in_blocks
from cotlens.models.contract import Ablate, AnswerBranch, Intervention, Model
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm

LIGHT, HEAVY = None, 4
"""Edits per block: as many as pay where only the answer is run again, few where the rest of the thought is."""


@dataclass(frozen=True)
class OcclusionEdit:
    """One edit of a trace: a forced answer behind it, and what is changed inside the model meanwhile."""

    asked: ForcedQuery
    interventions: tuple[Intervention, ...] = ()


@dataclass(frozen=True)
class EditBuilder:
    """The answer that is forced after the thought.

    Args:
        end: token at which the thought is closed.
        answer: tokens that close it and give the answer.
    """

    trace: Trace
    end: int
    answer: AnswerBranch

    @classmethod
    def of(cls, model: Model, trace: Trace, target: str, form: AnswerForm) -> EditBuilder:
        """The question whether `target` is answered after the whole thought of `trace`."""
        end = trace.roles["thought"].end
        return cls(trace, end, model.answer_branch(trace, end, target, form))

    def untouched(self) -> OcclusionEdit:
        """Nothing done."""
        return OcclusionEdit(ForcedQuery(self.answer, self.end))

    def hidden(self, group: Group) -> OcclusionEdit:
        """The group hidden from the answer only."""
        return OcclusionEdit(ForcedQuery(self.answer, self.end, hidden=group.tokens))

    def removed(self, group: Group) -> OcclusionEdit:
        """The group left out of the text, the others where they stood: nothing after it knows of it."""
        # Everything from the group on is run again as a branch, without the group: the trunk's keys and values from
        # there on know of it.
        out = set(group.tokens)
        kept = tuple(self.trace.token_ids[i] for i in range(group.start, self.end) if i not in out)
        return OcclusionEdit(ForcedQuery(self.answer, group.start, kept, left_out=group.tokens))

    def averaged(self, group: Group, mean: NDArray[np.float32]) -> OcclusionEdit:
        """The embeddings of the group's tokens put at `mean` [d_model], and everything after them run anew."""
        change = Ablate(0, group.tokens, mode="mean", mean=mean, site="embed")
        return OcclusionEdit(ForcedQuery(self.answer, self.end), (change,))

    def swapped(self, group: Group, tokens: Sequence[int]) -> OcclusionEdit:
        """Other tokens in place of a group of one span, scored; what follows keeps its tokens and moves along."""
        return OcclusionEdit(ForcedQuery(self.answer, group.start, (*tokens, *self._rest(group.end)), reads=False))

    def _rest(self, start: int) -> tuple[int, ...]:
        return self.trace.token_ids[start : self.end]


@dataclass(frozen=True)
class EditScore:
    """How the model takes the answer after an edit, and the tokens before it where they were scored."""

    forced: Forced
    logprobs: NDArray[np.float32]


def scored(
    model: Model, trace: Trace, edits: Sequence[OcclusionEdit], size: int | None, label: str = "occlusion"
) -> Iterator[EditScore]:
    """Outcomes of edits in their order, a block at a time; those without interventions share a pass."""

    def work(block: Sequence[OcclusionEdit]) -> list[EditScore]:
        plain = [edit for edit in block if not edit.interventions]
        found = dict(zip(map(id, plain), scores_of(model, trace, [edit.asked for edit in plain]), strict=True))
        for edit in block:
            if edit.interventions:
                [found[id(edit)]] = scores_of(model, trace, [edit.asked], edit.interventions)
        return [EditScore(edit.asked.read(found[id(edit)]), found[id(edit)][0].logprobs) for edit in block]

    return in_blocks(edits, work, label, size)


def mean_embedding(model: Model, trace: Trace) -> NDArray[np.float32]:
    """The mean over the thought's tokens of their embeddings, float32 [d_model]."""
    thought = trace.roles["thought"]
    read = model.read(trace, "embed", positions=range(thought.start, thought.end))
    return read["embed"].mean(axis=0, dtype=np.float64).astype(np.float32)
