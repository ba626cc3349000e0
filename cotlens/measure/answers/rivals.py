"""Which other answers to watch: those that stand in the text, and those that the model itself would give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cotlens.measure.answers.forced import StopPoint, Target, score_points, values
from cotlens.measure.answers.stated import values_in
from cotlens.models.contract import Branch, Model
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm, AnswerReader

POOL = 48
GREEDY_TOKENS = 12  # of an answer that the model writes itself
PENDING = (".", ",")  # what may go on with a number, so that one more token is needed to tell


def pool(trace: Trace, reader: AnswerReader, form: AnswerForm, target: Target | None = None) -> list[str]:
    """Other answers that the reader can read in this form, as they are written in the prompt or the thought.

    Those are the values that stand there and that are read as such when they are given as an answer, and the letters of
    a choice; one of each normal form, none of the target's. At most 48, the ones said last.
    """
    found: dict[str, str] = {} if target is None else {target.group: target.surface}
    said = [value for text in (trace.thought, trace.prompt) for value in reversed(values_in(reader, text))]
    for value in [*getattr(reader, "letters", ""), *said]:
        read = reader.read(form.suffix + value + form.terminator)
        if read is not None and read.text == reader.normal(value):
            found.setdefault(read.text, value)
    rest = list(found.values())
    return rest[0 if target is None else 1 :][:POOL]


def greedy(model: Model, trace: Trace, at: Sequence[int], form: AnswerForm, reader: AnswerReader) -> list[str | None]:
    """What the model answers if its thought is closed at each of the points `at`, always taking its likeliest token.

    The value as it is written; None where none that has ended is read within 12 tokens. All points together, a pass
    per token.
    """
    leads = [model.answer_branch(trace, point, "0", form) for point in at]
    written = [list(lead.token_ids[: lead.value_start]) for lead in leads]
    begins = [_overlap(_text(model, ids), form.suffix) for ids in written]
    found: list[str | None] = [None for _ in at]
    waiting = list(range(len(at)))
    for _ in range(GREEDY_TOKENS):
        # Token 0 stands for whichever comes next: only `greedy_ids`, the likeliest token in its place, is read.
        branches = [Branch(at[i], (*written[i], 0), given=len(written[i])) for i in waiting]
        scores = model.score(trace, branches) if waiting else []
        for i, score in zip(list(waiting), scores, strict=True):
            token = int(score.greedy_ids[-1])
            stopped = token in model.format.stop_ids
            written[i] += [] if stopped else [token]
            text = begins[i] + _text(model, written[i][leads[i].value_start :])
            answer = reader.read(text)
            if answer is not None and (stopped or text[answer.end :] not in ("", *PENDING)):
                found[i] = answer.surface.strip() or answer.text
            if stopped or found[i] is not None:
                waiting.remove(i)
    return found


def _overlap(text: str, suffix: str) -> str:
    """How much of `suffix`, from its beginning, `text` ends with: its last space may belong to the value's token."""
    return next(suffix[:n] for n in range(len(suffix), -1, -1) if text.endswith(suffix[:n]))


def _text(model: Model, ids: Sequence[int]) -> str:
    return b"".join(model.codec.pieces(list(ids))).decode("utf-8", "replace")


def likeliest(
    model: Model, trace: Trace, rivals: Sequence[str], at: Sequence[int], most: int, form: AnswerForm
) -> list[str]:
    """The `most` rivals whose probability is highest at any of the points `at`, likeliest first."""
    if not rivals or not most:
        return []
    points = [StopPoint(position, rival) for rival in rivals for position in at]
    forced = score_points(model, trace, points, form=form)
    probabilities = values(forced, "probability").reshape(len(rivals), len(at))
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    return [rivals[i] for i in order[:most]]
