"""A result in words: what a person would see of it, for whoever can't: a script, an agent, a plain terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import Any

import numpy as np

from cotlens.results.certainty import CERTAINTIES, certainty
from cotlens.results.result import Result
from cotlens.results.table import MEASURED

MOST = 2000
"""Characters of what is told; the rest is in `Result.frame()`."""

Say = Callable[[str], str]
LEAST = 800
_PACKAGE = 160  # for the last line
_SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-!|>~$])")
_LONGEST = 60  # characters of one text
_PLACED = {"layer", "source_text"}
"""Columns of results whose rows say no text from its beginning to its end."""
_WEAK = 0.1  # of the largest effect: smaller ones are not written into the text
_SURE = {
    "clear": "clear of zero",
    "zero": "interval includes zero",
    "floor": "within the null floor",
    "corrected": "not significant after correction",
    "exact": "exact",
    "open": "no interval",
    "faint": "exact, too small to matter",
    "small": "too small to matter",
}


def summary(result: Result, most: int = MOST, *, markdown: bool = False) -> str:
    """A result in words: what was measured and how surely, its text with the largest scores in it, a table.

    Args:
        most: characters; LEAST or more.
        markdown: whether signs of Markdown and HTML in the texts are made harmless, for a page that renders it.
    """
    say = escaped if markdown else str
    sure = [CERTAINTIES[code] for code in certainty(result)]
    measured = np.flatnonzero(~np.isnan(result.columns["estimate"])).tolist()
    text = [] if _PLACED & set(result.columns) else _shaded(result, sure, say, most // 3)
    lines = [*_head(result, sure, say), "", *text, *(_table_head() if measured else [])]
    order = sorted(measured, key=lambda row: -_size(result, row))
    rows = (_row(result, row, sure[row], say) for row in order)
    return fitted(lines, rows, lambda shown: _rest(result, shown), max(most, LEAST))


def summaries(results: Sequence[Result], rest: str, *, markdown: bool = False) -> str:
    """Results in words below each other, as many as there is room for.

    Args:
        rest: where the others are.
    """
    if len(results) == 1:
        return summary(results[0], markdown=markdown)
    each = max(LEAST, (MOST - _PACKAGE) // len(results))
    said = [summary(one, each, markdown=markdown) for one in results[: (MOST - _PACKAGE) // each]]
    return "\n\n".join([*said, f"{len(results)} results, of which {len(said)} stand here; all of them: {rest}"])


def fitted(head: Sequence[str], rows: Iterable[str], rest: Callable[[int], str], most: int = MOST) -> str:
    """Lines, as many rows below them as there is room for, and how to get the others.

    Args:
        rest: the last line, given how many rows are shown.
    """
    body, shown = "\n".join(head)[: most - _PACKAGE], 0
    for row in rows:
        if len(body) + len(row) + 1 > most - _PACKAGE:
            break
        body, shown = f"{body}\n{row}", shown + 1
    return f"{body}\n\n{rest(shown)}"[:most]


def table(names: Sequence[str], cells: Iterable[Sequence[Any]], say: Say) -> tuple[list[str], Iterator[str]]:
    """The head of a table, and its rows, each cell in one line."""
    head = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return head, (f"| {' | '.join(say(one_line(str(cell), _LONGEST)) for cell in row)} |" for row in cells)


def _head(result: Result, sure: list[str], say: Say) -> list[str]:
    made, cost = result.provenance, result.provenance.cost
    measured = [one for one in sure if one != "none"]
    clear = sum(one in ("clear", "exact") for one in measured)
    where = " · ".join(filter(None, [made.model, made.backend, str(result.extras.get("edit_type", ""))]))
    words = str(result.extras.get("metric_words", result.metric)).replace("_", " ")
    return [
        f"**{result.method}** per {result.unit}, {say(one_line(words))} in {result.scale_unit} "
        f"({say(one_line(where))})",
        f"{say(one_line(result.sign))}; zero: {say(one_line(result.zero))}",
        f"{len(measured)} of {len(sure)} rows measured, {clear} exact or clear of zero; "
        f"cost: {cost.tokens:,} tokens, {cost.forwards:,} forward passes, {cost.seconds:.3g} s",
        *_unmeasured(result, say),
    ]


def _unmeasured(result: Result, say: Say) -> list[str]:
    """Why rows were not, or not fully, measured, the commonest reasons first."""
    status = result.columns["status"].astype(str)
    reasons, counts = np.unique(status[~np.isin(status, MEASURED)], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:2]
    return [f"{counts[at]} rows: {say(one_line(str(reasons[at]), 120))}" for at in order]


def _shaded(result: Result, sure: list[str], say: Say, most: int) -> list[str]:
    """The text, a score in brackets behind each unit that has a large and sure one."""
    sizes = np.array([_size(result, row) for row in range(len(result))])
    least = _WEAK * np.nanmax(sizes, initial=0.0)
    parts, length = list[str](), 0
    for row, text in enumerate(result.columns["text"]):
        strong = sizes[row] > 0 and sizes[row] >= least and sure[row] in ("clear", "exact", "open")
        part = say(text) + (f"[{_number(result.columns['estimate'][row])}]" if strong else "")
        length += len(part)
        if length > most:
            parts.append(" ...")
            break
        parts.append(part)
    joiner = "" if result.unit == "token" else " "
    return ["> " + one_line(joiner.join(parts), 2 * most), ""]


def _table_head() -> list[str]:
    return ["| row | text | effect | interval | n | sure |", "|---|---|---|---|---|---|"]


def _row(result: Result, row: int, sure: str, say: Say) -> str:
    columns = result.columns
    low, high = columns["low"][row], columns["high"][row]
    interval = "" if np.isnan(low) or np.isnan(high) or low == high else f"{_number(low)} to {_number(high)}"
    text = say(_named(result, row)) or "(space)"
    return (
        f"| {row} | {text} | {_number(columns['estimate'][row])} | {interval} | {columns['n'][row]} | {_SURE[sure]} |"
    )


def _named(result: Result, row: int) -> str:
    """Which row it is: its text, the layer it is of, and of a pair both texts."""
    columns = result.columns
    names = ["source_text", "target_text"] if "source_text" in columns else ["text"]
    text = " → ".join(one_line(str(columns[name][row]), _LONGEST // len(names)) for name in names)
    layer = f"layer {columns['layer'][row]}: " if "layer" in columns else ""
    return layer + text


def _rest(result: Result, shown: int) -> str:
    left = len(result) - shown
    more = f"{left:,} more rows, the largest effects come first" if left else "all rows, the largest effects first"
    return f"{more}; all columns: result.frame(), where it comes from: result.provenance"


def _size(result: Result, row: int) -> float:
    return float(abs(result.columns["estimate"][row]))


def _number(value: float) -> str:
    return f"{value:+.3g}"


def one_line(text: str, most: int = 200) -> str:
    """Text of others in one line, cut where it is long."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= most else line[: most - 3] + "..."


def escaped(text: str) -> str:
    """Text whose signs mean nothing to Markdown or HTML."""
    return _SIGNS.sub(r"\\\1", escape(str(text), quote=False))
