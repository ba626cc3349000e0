"""Figures as words, tables as Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Plain = Mapping[str, Any]  # a figure as data


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 2) -> str:
    """A Markdown table, all but the first columns to the right."""
    marks = ["---" if i < left else "---:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, marks, *rows])


def shown(figure: Plain | None, *, digits: int = 2, sign: bool = False, n: bool = False) -> str:
    """Value and interval; empty where nothing was measured."""
    if not figure:
        return ""
    value = number(figure["value"], digits, sign)
    low, high = figure["low"], figure["high"]
    ends = f" [{number(low, digits, sign)}, {number(high, digits, sign)}]" if low is not None else ""
    return f"{value}{ends}" + (f", n = {figure['n']}" if n else "")


def share(figure: Plain | None) -> str:
    """A percentage with its interval."""
    if not figure:
        return ""
    ends = "" if figure["low"] is None else f" [{100 * figure['low']:.0f}, {100 * figure['high']:.0f}]"
    return f"{100 * figure['value']:.0f}%{ends}"


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """A number as it is shown; what rounds to nothing has no sign."""
    if not math.isfinite(value):
        return ""
    rounded = round(value, digits) or 0.0
    return f"{rounded:+.{digits}f}" if sign else f"{rounded:.{digits}f}"
