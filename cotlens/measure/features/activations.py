"""Activations of many texts at one site: what autoencoders are trained and judged on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.measure.method import check_words
from cotlens.models.contract import Model
from cotlens.trace import Trace

SINK = 1
"""Leading tokens that are left out: attention sinks there have norms hundreds of times those of others, and would make
up most of the variance."""

Text = Trace | str


def ids_of(model: Model, text: Text) -> tuple[int, ...]:
    """The token ids of a trace, or of a text as the model's tokenizer cuts it."""
    if isinstance(text, Trace):
        check_words(text, "Reading many texts at random places")
    return text.token_ids if isinstance(text, Trace) else tuple(model.codec.encode(text))


def collect(model: Model, texts: Sequence[Text], site: str, limit: int, seed: int = 0) -> NDArray[np.float32]:
    """Activations at `site` of all tokens of `texts` but the first of each, float32 [tokens, d_model].

    Where there are more than `limit` tokens, as many are drawn at random, evenly over the texts.

    Raises:
        InputError: there are no tokens.
        Cancelled: between two texts.
    """
    rng, current = np.random.default_rng(seed), control.current()
    sequences = [ids_of(model, text) for text in texts]
    total = sum(max(0, len(ids) - SINK) for ids in sequences)
    if total == 0:
        raise InputError("The texts hold no tokens beyond the first, which is left out; give longer ones.")
    # Each token is drawn by itself, so every text keeps its share; the number drawn is `limit` on average only.
    share, found = min(1.0, limit / total), []
    for done, ids in enumerate(sequences):
        current.check()
        current.report(done, len(sequences), "reading activations")
        positions = np.flatnonzero(rng.random(max(0, len(ids) - SINK)) < share) + SINK
        if len(positions):
            with control.using(current.silent()):
                found.append(model.read(ids, site, positions=positions.tolist())[site])
    current.report(len(sequences), len(sequences), "reading activations")
    if not found:
        raise InputError(f"A limit of {limit} tokens leaves none to read; allow more.")
    return np.concatenate(found)
