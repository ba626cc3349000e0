"""Two sides with different tokenizers: which of them would sooner have written each stretch of the text?

What two models expect can't be compared where they cut the text into other tokens; how surely each writes a stretch
can, as long as it begins and ends between two tokens of both: log p(a) - log p(b) of its words, each summed over the
tokens that the side itself reads them as.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.measure.diff.expected import Floats
from cotlens.measure.diff.sides import Side
from cotlens.measure.diff.table import name, quoted
from cotlens.measure.rows import exact, placed
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace

STRADDLES = "a token of one model goes beyond this, so its probability isn't that of these words"


def by_text(
    method: Any, trace: Trace, units: Sequence[Span], sides: Sequence[Side], made: Callable[[], Provenance]
) -> Result:
    """A row per unit, NaN with a status where the tokens of the two don't part at its ends.

    Raises:
        InputError: the units are tokens, or there is no unit at whose ends both part.
    """
    if method.unit == "token":
        raise InputError(f"{_apart(sides)}, and a token of one is none of the other's; choose unit='sentence'.")
    told = [_logprobs(side, trace, units) for side in sides]
    mine, theirs, *floors = (each for each, _ in told)
    estimate = mine - theirs
    known = ~np.isnan(estimate)
    if not known.any():
        raise InputError(
            f"{_apart(sides)} and share no border between tokens at the ends of any {method.unit}, so nothing can be "
            "compared; choose a larger unit, or models with one tokenizer."
        )
    columns: dict[str, Any] = {
        **placed(trace, method.unit, units),
        **exact(estimate),
        "n": np.ones(len(units), np.int64),
        "status": ["exact" if each else STRADDLES for each in known],
        "logprob a": mine,
        "logprob b": theirs,
        "tokens a": told[0][1],
        "tokens b": told[1][1],
    }
    if floors:
        columns["null_floor"] = np.max([np.abs(mine - floor) for floor in floors], axis=0)
    return Result(
        kind="importance",
        method="Diff",
        metric="log_ratio",
        unit=method.unit,
        columns=columns,
        sign="above 0 = the first would sooner have written this, below 0 = the other",
        zero="both would have written it equally",
        scale_unit="nats",
        provenance=made(),
        extras=_extras(method, columns, sides),
    )


def _extras(method: Any, columns: Any, sides: Sequence[Side]) -> dict[str, Any]:
    estimate, role = columns["estimate"], np.array(columns["unit"]) == "role"
    at, count = int(np.nanargmax(np.abs(estimate))), int((~np.isnan(estimate)).sum())
    return {
        "metric_words": f"log p({name(sides[0])}) - log p({name(sides[1], sides[0])})",
        "edit_type": method.edit_type,
        "signed": True,
        "question": method.question,
        "total": float(np.nansum(estimate)),
        "answer": float(estimate[role].sum()) if role.any() else float("nan"),
        "argmax": at,
        "summary": f"compared by text, since the tokenizers differ: {np.nansum(estimate):+.3g} nats over {count} of "
        f"{len(estimate)} units, most in {quoted(columns['text'][at])} ({estimate[at]:+.3g}); exact, no interval",
    }


def _apart(sides: Sequence[Side]) -> str:
    other = next(side for side in sides if side.own_tokens)
    return f"{sides[0].model.name!r} and {other.model.name!r} have different tokenizers"


def _logprobs(side: Side, trace: Trace, units: Sequence[Span]) -> tuple[Floats, list[int]]:
    """Log-probability of each unit's words, and as how many tokens the side reads them; NaN and 0 where it can't."""
    noted = side.model.annotate(side.trace, 1)
    assert noted.logprobs is not None
    edges = {int(at): token for token, at in reversed(list(enumerate(side.trace.offsets)))}
    sums, counts = np.full(len(units), np.nan), [0] * len(units)
    for row, span in enumerate(units):
        low, high = _words(trace, span)
        by = _moved(trace, side.trace, low)
        if by is None or side.trace.text[low + by : high + by] != trace.text[low:high]:
            continue
        start, end = edges.get(low + by), edges.get(high + by)
        if start is not None and end is not None:
            sums[row], counts[row] = float(np.sum(noted.logprobs[start:end], dtype=np.float64)), end - start
    return sums, counts


def _words(trace: Trace, span: Span) -> tuple[int, int]:
    """The characters of a unit, with the spaces before it: some tokenizers keep those apart, others with the word."""
    low, high = int(trace.offsets[span.start]), int(trace.offsets[span.end])
    high = low + len(trace.text[low:high].rstrip())
    begins = max((_begins(trace, role) for role in trace.roles.values() if role.start <= span.start), default=0)
    return max(begins, len(trace.text[:low].rstrip())), high


def _moved(trace: Trace, other: Trace, at: int) -> int | None:
    """By how many characters the role that holds a place begins later in the other trace; None where it has no such."""
    for role in ("answer", "thought"):
        here, there = trace.roles.get(role), other.roles.get(role)
        if here is not None and at >= _begins(trace, here):
            return None if there is None else _begins(other, there) - _begins(trace, here)
    return None


def _begins(trace: Trace, role: Span) -> int:
    """Where the words of a role begin: formats differ in the spaces before them."""
    text = trace.text[role.char_start : role.char_end]
    return role.char_start + len(text) - len(text.lstrip())
