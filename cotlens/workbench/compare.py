"""The answer before and after: two forced-answer distributions and the difference of two thoughts."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from cotlens.measure.importance.forced import Point, score_points, values
from cotlens.measure.importance.rivals import likeliest
from cotlens.models.contract import Model
from cotlens.trace import Edit, Trace

SURPRISE_FACTOR = 3.0  # nats per token above the model's own words that make an edit suspect
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def distribution(model: Model, trace: Trace, answers: Sequence[str]) -> dict[str, float]:
    """Probability of each answer, forced after the trace's thought as it stands."""
    if not answers:
        return {}
    end = trace.roles["thought"].end
    scores = score_points(model, trace, [Point(end, answer) for answer in answers])
    return dict(zip(answers, values(scores, "probability").tolist(), strict=True))


def favourites(model: Model, trace: Trace, most: int = 4) -> list[str]:
    """The trace's own answer (where it has one) and its likeliest rivals at the end of the thought."""
    own = trace.read_answer()
    first = [own.text] if own else []
    return [*first, *likeliest(model, trace, first[0] if first else "", [trace.roles["thought"].end], most)]


def compare(model: Model, before: Trace, after: Trace, edit: Edit | None, note: str) -> dict[str, Any]:
    """The view's `comparison`: both distributions over one set of answers, text difference, surprise, warning."""
    answers = list(dict.fromkeys([*favourites(model, before, 3), *favourites(model, after, 3)]))
    old, new = distribution(model, before, answers), distribution(model, after, answers)
    rows = [{"answer": a, "before": old[a], "after": new[a]} for a in answers if max(old[a], new[a]) >= 0.005]
    rows.append({"answer": "other", "before": _rest(old), "after": _rest(new)})
    return {
        "before": _best(old),
        "after": _best(new),
        "rows": rows,
        "diff": difference(before.thought + "\n" + before.answer, after.thought + "\n" + after.answer),
        "surprise": finite(edit.surprise) if edit else None,
        "surprise_was": finite(edit.surprise_was) if edit else None,
        "warning": warning(edit),
        "note": note,
    }


def warning(edit: Edit | None) -> str | None:
    """One sentence where the edit is much less likely to the model than its own words, else None."""
    if edit is None or not math.isfinite(edit.surprise):
        return None
    own = edit.surprise_was if math.isfinite(edit.surprise_was) else 0.0
    if edit.surprise - own < SURPRISE_FACTOR:
        return None
    words = f"its own words: {own:.2g}" if math.isfinite(edit.surprise_was) else "nothing stood there"
    return (
        f"This edit surprises the model ({edit.surprise:.2g} nats per token; {words}). "
        "An effect may come from the surprise."
    )


def difference(old: str, new: str) -> list[dict[str, str]]:
    """Old and new text as runs of "same", "del" and "ins", by words; adjoining runs of one kind are one run."""
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    runs: list[dict[str, str]] = []
    for op, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op == "equal":
            runs.append({"op": "same", "text": "".join(a[i:j])})
            continue
        runs += [{"op": "del", "text": "".join(a[i:j])}] if j > i else []
        runs += [{"op": "ins", "text": "".join(b[k:m])}] if m > k else []
    return runs


def finite(value: float) -> float | None:
    """JSON knows no NaN: None stands for what is unknown."""
    return float(value) if np.isfinite(value) else None


def _best(probabilities: dict[str, float]) -> dict[str, Any] | None:
    if not probabilities:
        return None
    answer = max(probabilities, key=lambda key: probabilities[key])
    return {"answer": answer, "p": probabilities[answer]}


def _rest(probabilities: dict[str, float]) -> float:
    return max(0.0, 1 - sum(probabilities.values()))
