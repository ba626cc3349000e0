"""Tokens coloured by a value, as plain HTML: a few bytes per token, no script, no network, and no text as code."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.plots.drawing import drawable
from cotlens.plots.palette import INK, NEGATIVE, POSITIVE
from cotlens.results import Result
from cotlens.results.certainty import LEAST, may_be_nothing

ZERO_WIDTH_SPACE = "\u200b"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_BOX = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.6;font-family:monospace"


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
    """Tokens on their values, with the arguments of `circuitsvis.tokens.colored_tokens`, or the units of a result.

    Values that were not measured (NaN) have no colour and their text is put in ⟦brackets⟧.

    Args:
        negative_color, positive_color: as "#rrggbb".

    Raises:
        InputError: there are no values or not one per token, or a colour is written otherwise.
    """
    for colour in (negative_color, positive_color):
        if not _COLOUR.fullmatch(colour):
            raise InputError(f"{colour!r} is not a colour as it is written here; give one like '#0072b2'.")
    if isinstance(tokens, Result):
        values = tokens.columns["estimate"]
    if not isinstance(tokens, Result | Sequence | np.ndarray) or isinstance(tokens, str):
        raise InputError(f"Tokens are a list of texts, or a Result; {type(tokens).__name__} was given.")
    shown = list(tokens.columns["text"]) if isinstance(tokens, Result) else [str(token) for token in tokens]
    if values is None or len(values) != len(shown):
        given = "no" if values is None else str(len(values))
        raise InputError(f"{len(shown)} tokens need {len(shown)} values; {given} values were given.")
    numbers = np.asarray(values, dtype=float)
    hollow = may_be_nothing(tokens) if isinstance(tokens, Result) else np.zeros(len(numbers), dtype=bool)
    least = LEAST.get(tokens.scale_unit, 0.0) if isinstance(tokens, Result) else 0.0
    low, high = _ends(numbers, min_value, max_value, least)
    spans = []
    for text, value, empty in zip(shown, numbers.tolist(), hollow.tolist(), strict=True):
        end, colour = (low, negative_color) if value < 0 else (high, positive_color)
        share = min(1.0, value / end) if math.isfinite(value) and end else 0.0
        spans.append(_span(text, value, _style(colour, share, empty)))
    return Html(f'<div style="{_BOX}">{"".join(spans)}</div>')


def _ends(numbers: NDArray[np.float64], low: float | None, high: float | None, least: float) -> tuple[float, float]:
    """Values of full colour below and above zero; found in the numbers they are at least of size `least`."""
    known = numbers[np.isfinite(numbers)]
    below = float(known.min(initial=-least)) if low is None else float(low)
    above = float(known.max(initial=least)) if high is None else float(high)
    return min(below, 0.0), max(above, 0.0)


def _style(colour: str, share: float, hollow: bool) -> str:
    """How a token is filled; one whose effect may be nothing is underlined in grey instead."""
    if not share > 0:
        return ""
    if hollow:
        return f"border-bottom: 2px solid {INK}"
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"background-color: rgba({red}, {green}, {blue}, {share:.2f})"


def _span(text: str, value: float, style: str) -> str:
    measured = math.isfinite(value)
    words = escape(drawable(text if measured else f"⟦{text}⟧")).replace("\n", "⏎<br>")
    return f'<span style="{style}" title="{f"{value:.4g}" if measured else "not measured"}">{words}</span>'


def harmless(text: str) -> str:
    """Text that can't end the script it is written into, nor turn its neighbours round."""
    return drawable(str(text)).replace("<", "<" + ZERO_WIDTH_SPACE)
