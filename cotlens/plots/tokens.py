"""Tokens coloured by a value, drawn by CircuitsVis from its local source: no network, and no text that becomes code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.plots.drawing import drawable
from cotlens.plots.palette import NEGATIVE, POSITIVE
from cotlens.results import Result

ZERO_WIDTH_SPACE = "\u200b"


class Html:
    """Ready HTML, shown as it is."""

    def __init__(self, source: str) -> None:
        self.source = source

    def _repr_html_(self) -> str:
        return self.source


def colored_tokens(
    tokens: Sequence[str] | Result,
    values: Any = None,
    *,
    min_value: float | None = None,
    max_value: float | None = None,
    negative_color: str = NEGATIVE,
    positive_color: str = POSITIVE,
) -> Html:
    """Tokens on their values, as `circuitsvis.tokens.colored_tokens`, or the units of an importance result.

    Values that were not measured (NaN) are drawn as zero and their text is put in ⟦brackets⟧.

    Raises:
        InputError: there are no values, or not one per token.
    """
    from circuitsvis.tokens import colored_tokens as draw

    if isinstance(tokens, Result):
        values = tokens.columns["estimate"]
    shown = list(tokens.columns["text"]) if isinstance(tokens, Result) else list(tokens)
    if values is None or len(values) != len(shown):
        given = "no" if values is None else str(len(values))
        raise InputError(f"{len(shown)} tokens need {len(shown)} values; {given} values were given.")
    numbers = np.asarray(values, dtype=float)
    texts = [
        harmless(text if measured else f"⟦{text}⟧") for text, measured in zip(shown, np.isfinite(numbers), strict=True)
    ]
    colours = {"negative_color": negative_color, "positive_color": positive_color}
    drawn = draw(texts, np.nan_to_num(numbers).tolist(), min_value=min_value, max_value=max_value, **colours)
    return Html(drawn.local_src)


def harmless(text: str) -> str:
    """Text that can't end the script it is written into, nor turn its neighbours round."""
    return drawable(str(text)).replace("<", "<" + ZERO_WIDTH_SPACE)
