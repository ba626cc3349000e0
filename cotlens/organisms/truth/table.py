"""The truth as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens.organisms.truth.facts import ESTIMANDS, Facts, Number
from cotlens.trace import Span

if TYPE_CHECKING:
    import pandas


def frame(truth: Facts, unit: str) -> pandas.DataFrame:
    """One row per unit of the thought.

    Columns: start, end (tokens), text, kind, move, sentence; one column per estimand (True, False, NA where the symbols
    don't say); copies (how often the final total, or a digit of it, stands in the thought; 0 for what is no part of
    it). Sentences also have the exact values of a fork, resampling, counterfactual and kl (0 for all but the deciding
    sentence; NaN where there is no fork or no model was given). Tokens also have number, role and total, with NA where
    they are no part of a number. A thought without truth has no rows; `attrs["status"]` says why.

    Raises:
        InputError: no such unit.
    """
    import pandas

    if unit not in ("sentence", "token"):
        raise InputError(f"There is no truth per {unit!r}. {did_you_mean(unit, ('sentence', 'token'))}")
    rows = _sentences(truth) if unit == "sentence" else _tokens(truth)
    made = pandas.DataFrame(rows)
    for name in ESTIMANDS:
        made[name] = pandas.array([row[name] for row in rows], dtype="boolean")
    made.attrs["status"] = truth.status
    return made


def _sentences(truth: Facts) -> list[dict[str, Any]]:
    rows = []
    for index, sentence in enumerate(truth.sentences):
        copies = max((n.copies for n in truth.numbers if n.sentence == index), default=0)
        rows.append(
            {**_place(truth, sentence.span, index), **sentence.matters, "copies": copies, **_fork(truth, index)}
        )
    return rows


def _tokens(truth: Facts) -> list[dict[str, Any]]:
    owner = {token: i for i, sentence in enumerate(truth.sentences)
             for token in range(sentence.span.start, sentence.span.end)}  # fmt: skip
    rows = []
    for span in truth.trace.spans("token") if truth.ok else ():
        index = owner.get(span.start)
        if index is None:  # whitespace before the first sentence
            continue
        found = next((n for n in truth.numbers if n.start < span.char_end and n.end > span.char_start), None)
        rows.append(
            {
                **_place(truth, span, index),
                **_matters(truth, span, found, index),
                "copies": _copies(truth, span, found) if found else 0,
                "number": found.number if found else None,
                "role": found.role if found else None,
                "total": found.total if found else None,
            }
        )
    return rows


def _copies(truth: Facts, span: Span, number: Number) -> int:
    """How often a digit of the final total stands in the thought as that: in each copy, and twice in one such as 99."""
    text = truth.trace.text[max(span.char_start, number.start) : min(span.char_end, number.end)]
    return number.copies * str(number.number).count(text)


def _place(truth: Facts, span: Span, index: int) -> dict[str, Any]:
    sentence = truth.sentences[index]
    return {
        "start": span.start,
        "end": span.end,
        "text": truth.trace.text[span.char_start : span.char_end],
        "kind": sentence.kind,
        "move": sentence.move,
        "sentence": index,
    }


def _matters(truth: Facts, span: Span, found: Number | None, index: int) -> dict[str, bool | None]:
    """The labels of a token: those of its number, else False, else NA for the words of a sentence on the path."""
    if found is not None:
        matters = dict(found.matters)
        if matters["truncated"] and span.char_end < found.end:
            matters["truncated"] = None  # a number cut in two states nothing yet
        return matters
    return {
        "fixed": False,
        "truncated": False,
        "regenerated": False if truth.sentences[index].matters["regenerated"] is False else None,
    }


def _fork(truth: Facts, index: int) -> dict[str, float]:
    if truth.fork is None:
        return dict.fromkeys(("resampling", "counterfactual", "kl"), float("nan"))
    here = index == truth.fork.sentence
    return {name: getattr(truth.fork, name) if here else 0.0 for name in ("resampling", "counterfactual", "kl")}
