"""The answer before and after: two forced-answer distributions and the difference of two thoughts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cotlens.measure.answers.forced import StopPoint, score_points, target_answer, values
from cotlens.measure.answers.forms import form_of
from cotlens.measure.answers.rivals import pool
from cotlens.models.contract import Capability, Model
from cotlens.trace import Edit, Trace
from cotlens.trace.answers import AnswerForm, AnswerReader
from cotlens.widgets.protocol.shared import AnswerChance, BeforeAfter, Comparison
from cotlens.workbench.branches.words import difference, written

SURPRISE_FACTOR = 3.0  # nats per token above the model's own words that make an edit suspect
CANDIDATES = 16  # answers asked for from each text, those said last
FORCED = 64  # tokens that a forced answer may have, with the words before it
ROWS, LEAST = 4, 0.005  # how many answers are shown, and from what probability
KEPT = "not rerun: the answers that the model would give with the rest of the thought as it was"
CUT = "not rerun: the answers that the model would give where the thought is cut"
WENT_ON = "the model went on from the edit"
AGAIN = "the model wrote again from there"


def distribution(model: Model, trace: Trace, answers: Sequence[str], form: AnswerForm) -> dict[str, float]:
    """Probability of each answer, forced in this form after the trace's thought as it stands; none of a thought after
    which no answer fits into the model's context, and none by a model that tells no probabilities.
    """
    if not answers or "thought" not in trace.roles or Capability.SCORE not in model.capabilities:
        return {}
    end = trace.roles["thought"].end
    if end + FORCED > model.context_length:
        return {}
    scores = score_points(model, trace, [StopPoint(end, answer) for answer in answers], form=form)
    return dict(zip(answers, values(scores, "probability").tolist(), strict=True))


def compare(model: Model, before: Trace, after: Trace, edit: Edit | None, note: str) -> Comparison:
    """The view's `comparison`: both distributions over one set of answers, text difference, surprise, warning."""
    reader, form = before.reader or model.reader, form_of(before, model)
    said = _one_of_each(reader, [target_answer(one, None).surface for one in (before, after) if one.read_answer()])
    rivals = [answer for trace in (before, after) for answer in pool(trace, reader, form)[:CANDIDATES]]
    answers = _one_of_each(reader, [*said, *rivals])
    old, new = distribution(model, before, answers, form), distribution(model, after, answers, form)
    return {
        "before": _said(before, old, reader),
        "after": _said(after, new, reader),
        "rows": _rows(old, new, set(said)),
        "diff": difference(written(before), written(after)),
        "surprise": finite(edit.surprise) if edit else None,
        "surprise_was": finite(edit.surprise_was) if edit else None,
        "warning": warning(edit),
        "note": note,
    }


def note(trace: Trace) -> str:
    """What the answers after an edit are answers to."""
    if trace.edit is None:
        return AGAIN
    if not trace.awaits_rerun:
        return WENT_ON
    return CUT if trace.edit.kind == "truncate" else KEPT


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


def finite(value: float | None) -> float | None:
    """JSON knows no NaN: None stands for what is unknown."""
    return None if value is None or not np.isfinite(value) else float(value)


def _rows(old: dict[str, float], new: dict[str, float], said: set[str]) -> list[BeforeAfter]:
    """Answers worth a bar, and all others together; none where no answer could be asked for."""
    if not old and not new:
        return []
    most = {answer: max(old.get(answer, 0.0), new.get(answer, 0.0)) for answer in (old or new)}
    likely = sorted(most, key=lambda answer: -most[answer])[:ROWS]
    shown = [answer for answer in most if answer in said or (answer in likely and most[answer] >= LEAST)]
    rows: list[BeforeAfter] = [
        {"answer": answer, "before": old.get(answer), "after": new.get(answer)} for answer in shown
    ]
    return [*rows, {"answer": "other", "before": _rest(old, shown), "after": _rest(new, shown)}]


def _one_of_each(reader: AnswerReader, answers: Sequence[str]) -> list[str]:
    """The first way in which each answer is written."""
    found: dict[str, str] = {}
    for answer in answers:
        found.setdefault(reader.normal(answer), answer)
    return list(found.values())


def _said(trace: Trace, probabilities: dict[str, float], reader: AnswerReader) -> AnswerChance:
    """What a trace answers, in the words in which it was scored; before its rerun, what it likeliest would."""
    if trace.awaits_rerun:  # the answer that it has is that of the text before the edit
        return _best(probabilities)
    answer = trace.read_answer()
    if answer is None:
        return {"answer": None, "p": None}
    same = (written for written in probabilities if reader.normal(written) == answer.text)
    text = next(same, answer.surface)
    return {"answer": text, "p": probabilities.get(text)}


def _best(probabilities: dict[str, float]) -> AnswerChance:
    answer = max(probabilities, key=lambda key: probabilities[key], default=None)
    return {"answer": answer, "p": None if answer is None else probabilities[answer]}


def _rest(probabilities: dict[str, float], shown: Sequence[str]) -> float | None:
    return max(0.0, 1 - sum(probabilities[answer] for answer in shown)) if probabilities else None
