"""Four measures of which one is wrong: a heat map that looks as good as the others and says nothing of the model."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens.measure.importance.early_answer import EarlyAnswer
from cotlens.measure.importance.occlusion import Occlusion
from cotlens.models.contract import Model
from cotlens.models.load import load
from cotlens.organisms import load_pair
from cotlens.teaching.chapters.shared import model, sentences
from cotlens.trace import Number, Trace

Scores = NDArray[np.float64]
Measure = Callable[[Trace], Scores]


def suspects(seed: int) -> dict[str, Measure]:
    """Four measures, A to D: each takes a trace and returns a score per sentence, float64 [sentences].

    Three are methods of CoTLens on abacus; one, drawn by the seed, is one of `LIES`. Scores are remembered, so asking
    about the same trace again costs nothing.

    Raises:
        InputError: it is no seed.
    """
    return dict(zip("ABCD", (MEASURES[name] for name in names(seed)), strict=True))


def names(seed: int) -> list[str]:
    """Which measures A to D are, keys of `MEASURES`: the teacher's sheet for a seed."""
    rng = random.Random(f"suspects-{check.seed(seed, of='suspects')}")
    chosen = [*SOUND, rng.choice(list(LIES))]
    rng.shuffle(chosen)
    return chosen


def wrong_letter(seed: int) -> str:
    """The letter of the wrong one."""
    return next(letter for letter, name in zip("ABCD", names(seed), strict=True) if name in LIES)


def direct(trace: Trace) -> Scores:
    """What hiding a sentence from the answer does."""
    return _of(Occlusion(effect="direct", unit="sentence"), trace, model())


def total(trace: Trace) -> Scores:
    """What hiding a sentence from all that follows does."""
    return _of(Occlusion(effect="total", unit="sentence"), trace, model())


def early(trace: Trace) -> Scores:
    """How much surer of its answer the model is after a sentence than before it."""
    return _of(EarlyAnswer(unit="sentence"), trace, model())


def position(trace: Trace) -> Scores:
    """Where a sentence stands, and a little more for digits: no model is asked."""
    told = sentences(trace)
    return np.array([(i + 1) / len(told) + 0.02 * sum(map(str.isdigit, text)) for i, text in enumerate(told)])


def of_shuffled(trace: Trace) -> Scores:
    """Direct occlusion of a model that has the same weights in another order."""
    return _of(Occlusion(effect="direct", unit="sentence"), trace, shuffled())


def of_the_next(trace: Trace) -> Scores:
    """Direct occlusion with an index that is off by one: each sentence has the score of the one after it."""
    return np.append(direct(trace)[1:], 0.0)


@lru_cache(maxsize=1)
def shuffled() -> Model:
    """Abacus with the numbers of each weight matrix shuffled: same architecture, same norms, no knowledge."""
    import torch

    hf, tokenizer = load_pair("abacus")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in hf.parameters():
            if weight.dim() > 1:
                weight.copy_(weight.flatten()[torch.randperm(weight.numel(), generator=generator)].view_as(weight))
    return load((hf, tokenizer), reader=Number())


_KNOWN: dict[tuple[Any, str, tuple[int, ...]], Scores] = {}


def _of(method: Any, trace: Trace, asked: Model) -> Scores:
    key = (method, asked.name, tuple(trace.token_ids))
    if key not in _KNOWN:
        _KNOWN[key] = np.asarray(method.run(trace, asked).columns["estimate"], dtype=np.float64)
    return _KNOWN[key].copy()


SOUND: dict[str, Measure] = {"direct": direct, "total": total, "early": early}
LIES: dict[str, Measure] = {"position": position, "shuffled": of_shuffled, "next": of_the_next}
MEASURES = SOUND | LIES
