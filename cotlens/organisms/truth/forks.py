"""Forks: the exact importance of the sentence that settles one, from the model's own probabilities.

The problem leaves open which of two bags is taken, and one sentence of the thought says which. Everything after it
follows, so the probability p of the bag that was taken, at the point where that sentence begins and at temperature 1,
is all there is to know: resampling the sentence (Thought Anchors) changes the probability of the trace's answer by
1 - p, resampling it to the other bag by 1, and the answer distribution by KL = -log p nats. All other sentences: 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cotlens.models.contract import Branch
from cotlens.organisms.task import words
from cotlens.organisms.truth.facts import Facts
from cotlens.organisms.truth.fork import Fork

if TYPE_CHECKING:
    from cotlens.models.contract import Model


def fork_of(truth: Facts, model: Model) -> Fork | None:
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
