"""Scores that need no model: what any method must beat, on the very units that it scored."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from cotlens.organisms.truth import Truth
from tests.truth.questions import Question, Scores, changed_numbers, groups_of


def position(question: Question, truth: Truth) -> Scores:
    """Later is more important; sets count by their last copy."""
    if question.unit == "set":
        return np.array([max(number.end for number in group) for group in groups_of(truth)], dtype=np.float64)
    return np.arange(len(truth.trace.spans(question.unit)), dtype=np.float64)


def random(question: Question, truth: Truth) -> Scores:
    """Drawn, one draw per trace."""
    return np.random.default_rng(zlib.crc32(truth.trace.id.encode())).random(len(position(question, truth)))


def changed_by_position(question: Question, truth: Truth) -> Scores:
    """Position, of the units that the counterfactual of attribution patching changes; 0 for all others."""
    ids, others = truth.trace.token_ids, changed_numbers(truth).token_ids
    changed = [any(ids[i] != others[i] for i in range(s.start, s.end)) for s in truth.trace.spans(question.unit)]
    return np.asarray(changed) * (1 + position(question, truth))


BASELINES: dict[str, Callable[[Question, Truth], Scores]] = {
    "position": position,
    "random": random,
    "changed x position": changed_by_position,
}
