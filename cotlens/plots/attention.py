"""Attention patterns of chosen heads, drawn by CircuitsVis from its local source: no network, no text as code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens._core.optional import need
from cotlens.plots.palette import NEGATIVE, POSITIVE
from cotlens.plots.tokens import Html, harmless

MOST_WEIGHTS = 1_000_000
"""Beyond this many weights a page gets too heavy to open."""


def attention_patterns(
    texts: Sequence[str], patterns: Mapping[tuple[int, int], NDArray[np.float32]], *, max_value: float | None = None
) -> Html:
    """What chosen heads look at: a matrix per head, and the text on what the token under the mouse attends to.

        cl.attention_patterns(trace.tokens, model.attention(trace, heads=[(2, 1), (3, 0)]))

    Args:
        texts: n tokens, or the texts of the spans that the patterns were averaged over.
        patterns: (layer, head) -> weights [n, n], rows attend to columns, as `model.attention` gives them.
        max_value: the weight that is drawn darkest; default the largest one.

    Raises:
        InputError: there is no pattern, one is not of the size of the texts, or together they are too much for a page.
    """
    draw = need("circuitsvis.attention", "A picture of attention", "plots").attention_heads
    n = len(texts)
    if not patterns:
        raise InputError("There is no attention pattern to show; give those of model.attention(trace, heads=[...]).")
    for head, pattern in patterns.items():
        if np.shape(pattern) != (n, n):
            raise InputError(
                f"The pattern of head {head} has the shape {np.shape(pattern)}; {n} texts need ({n}, {n}): give the "
                "tokens or spans that it was measured on."
            )
    if n * n * len(patterns) > MOST_WEIGHTS:
        raise InputError(
            f"{len(patterns)} patterns of {n} x {n} weights are too much for a page; show fewer heads, or sentences: "
            "model.attention(trace, heads=..., spans=...)."
        )
    weights = np.stack([np.asarray(pattern, dtype=np.float64) for pattern in patterns.values()])
    drawn = draw(
        weights.round(6).tolist(),
        [harmless(text) for text in texts],
        attention_head_names=[f"layer {layer}, head {head}" for layer, head in patterns],
        max_value=float(weights.max()) if max_value is None else max_value,
        min_value=0.0,
        negative_color=NEGATIVE,
        positive_color=POSITIVE,
    )
    return Html(drawn.local_src)
