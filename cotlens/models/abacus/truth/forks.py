"""Forks: the exact importance of the sentence that settles one, from the model's own probabilities.

The problem leaves open which of two bags is taken, and one sentence of the thought says which. Everything after it
follows, so the probability p of the bag that was taken, at the point where that sentence begins and at temperature 1,
is all there is to know: resampling the sentence (Thought Anchors) changes the probability of the trace's answer by
1 - p, resampling it to the other bag by 1, and the answer distribution by KL = -log p nats. All other sentences: 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cotlens.models.abacus import words
from cotlens.models.contract import Branch

if TYPE_CHECKING:
    from cotlens.models.abacus.truth.facts import Truth
    from cotlens.models.contract import Model


@dataclass(frozen=True)
class Fork:
    """The truth about a fork.

    Args:
        sentence: index of the deciding sentence.
        probability: of the bag that was taken, given that one of the two is (p).
        covered: how much of the model's probability lies on the sentences that take one of the two bags. Well below 1
            the model may say something else, and the values below are not exact.
    """

    sentence: int
    probability: float
    covered: float

    @property
    def resampling(self) -> float:
        """p(the trace's answer | sentence kept) - p(... | resampled)."""
        return 1 - self.probability

    @property
    def counterfactual(self) -> float:
        """p(the trace's answer | sentence kept) - p(... | the other bag taken)."""
        return 1.0

    @property
    def kl(self) -> float:
        """KL of the answers with the sentence kept from those with it resampled, nats."""
        return float(-np.log(self.probability))


def fork_of(truth: Truth, model: Model) -> Fork | None:
    """The fork of a labelled thought as `model` sees it; None where there is none to settle."""
    index = next((i for i, sentence in enumerate(truth.sentences) if sentence.decides), None)
    if index is None or truth.from_prompt or truth.problem.fork is None:
        return None
    trace, span = truth.trace, truth.sentences[index].span
    gap = trace.text[int(trace.offsets[span.start]) : span.char_start]
    colours = truth.problem.steps[truth.problem.fork].colours
    branches = [
        Branch(span.start, tuple(model.codec.encode(gap + way.format(c=colour, p=truth.problem.pronoun))))
        for colour in colours
        for way in words.FORK_CHOICE
    ]
    log_p = [float(score.logprobs.astype(np.float64).sum()) for score in model.score(trace, branches)]
    each = np.exp(log_p).reshape(len(colours), len(words.FORK_CHOICE)).sum(axis=1)
    return Fork(index, float(each[truth.choice] / each.sum()), float(each.sum()))
