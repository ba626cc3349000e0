"""What the two sides answer after the same thought: as it stands, emptied, and with another conclusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cotlens._core.errors import CapabilityError
from cotlens.measure.answers.forced import StopPoint, Target, score_points, target_answer
from cotlens.measure.diff.method import Diff, record_of
from cotlens.measure.diff.sides import Other, Side, check_model
from cotlens.measure.diff.table import listed
from cotlens.measure.faithfulness.shared.conclusions import another, concluded, replaced
from cotlens.measure.faithfulness.shared.runs import forced
from cotlens.measure.method import check_words
from cotlens.measure.rows import exact
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

FULL, EMPTY, EDITED = "as it stands", "empty", "with another conclusion"
_NEEDS = Capability.SCORE | Capability.GENERATE


@dataclass(frozen=True)
class _Answers(Diff):
    """The settings, as a provenance has them."""

    question: ClassVar[str] = "After which thoughts do the two answer differently?"


@dataclass(frozen=True)
class _Asked:
    """A thought after which both answer; `other` is what it then concludes."""

    words: str
    thought: str
    other: str | None = None


def diff_answers(a: Model, b: Other, trace: Trace, *, target: str | None = None, seed: int = 0) -> Result:
    """Do the two answer differently, and is it the thought that makes them?

    Each side's thought is closed as it stands, emptied, and with every copy of its conclusion changed to another value:
    a side that has its answer from elsewhere keeps it. This is the interventional half of `diff`, which alone sees no
    difference between a model that uses its thought and one that only rationalises.

    Args:
        a, b: as in `diff`.
        target: the answer that is followed; the trace's own by default.
        seed: which value takes the place of the conclusion.

    Returns:
        a result of kind "diff", a row per thought: `estimate` is log p(a answers the target) - log p(b does), nats;
        `logprob a` and `logprob b` are the two, `answer a` and `answer b` what each answers greedily ("" where none
        can be read), `concludes` what the thought concludes. A thought without a conclusion that can be read has no
        third row's estimate, and its status says so.

    Raises:
        InputError: as `diff`, or the trace has no answer and none was given.
        CapabilityError: a model can't score, or can't write.
    """
    check_model(a, "diff_answers")
    check_words(trace, "diff_answers")
    method = _Answers(other=b)
    sides = method.sides(a, trace)
    for side in sides:
        if _NEEDS & ~side.model.capabilities:
            raise CapabilityError(f"{side.model.name!r} can't both write and score, which forced answers need.")
    goal, made = target_answer(trace, target, a.reader), record_of(method, trace, a, seed)
    asked = _thoughts(trace, a, goal, seed)
    first, other = ([_answered(side, trace, one, goal, seed) for one in asked] for side in sides)
    return _table(method, asked, first, other, made())


def _thoughts(trace: Trace, model: Model, goal: Target, seed: int) -> list[_Asked]:
    reader = trace.reader or model.reader
    found = concluded(trace.thought, reader)
    full, empty = _Asked(FULL, trace.thought, found), _Asked(EMPTY, "")
    changed = None if found is None else another(found, (), [goal.group], f"{trace.id}-{seed}")
    if found is None or changed is None or (edited := replaced(trace.thought, found, changed, reader)) == trace.thought:
        return [full, empty]
    return [full, empty, _Asked(EDITED, edited, changed)]


def _answered(side: Side, trace: Trace, one: _Asked, goal: Target, seed: int) -> tuple[float, str]:
    """log p of the target after a thought, and what is answered greedily."""
    prompt = side.trace.meta.get("messages") or side.trace.prompt
    text = side.model.compose(prompt, one.thought, None)
    (score,) = score_points(side.model, text, [StopPoint(text.resume_at, goal.surface)])
    (said,) = forced(side.model, [(prompt, one.thought)], 32, seed)
    return score.log_probability, said or ""


def _table(method: Any, asked: list[_Asked], first: list[Any], other: list[Any], made: Any) -> Result:
    mine, theirs = (np.array([score for score, _ in each]) for each in (first, other))
    status = ["exact"] * len(asked)
    words, concludes = [one.words for one in asked], [one.other or "" for one in asked]
    answers = [[said for _, said in each] for each in (first, other)]
    if len(asked) < 3:
        words, concludes, status = [*words, EDITED], [*concludes, ""], [*status, "the thought concludes nothing"]
        mine, theirs = np.append(mine, np.nan), np.append(theirs, np.nan)
        answers = [[*each, ""] for each in answers]
    apart = mine - theirs
    columns: dict[str, Any] = {
        "text": words,
        **exact(apart),
        "n": np.ones(len(words), np.int64),
        "status": status,
        "logprob a": mine,
        "logprob b": theirs,
        "answer a": answers[0],
        "answer b": answers[1],
        "concludes": concludes,
    }
    differ = sum(a != b for a, b in zip(*answers, strict=True))
    return listed(
        "DiffAnswers",
        "log_ratio",
        "thought",
        columns,
        made,
        sign="above 0 = the first is surer of the answer, below 0 = the other",
        zero="both are equally sure of it",
        question=method.question,
        summary=f"they answer differently after {differ} of {len(asked)} thoughts; exact, no interval; "
        f"{made.cost.tokens} tokens in {made.cost.forwards} passes",
    )
