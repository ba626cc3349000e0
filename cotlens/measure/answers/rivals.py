"""Which other answers to watch: those that stand in the text, and those that the model itself would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cotlens.measure.answers.forced import StopPoint, Target, score_points, values
from cotlens.measure.answers.stated import values_in
from cotlens.models.contract import Branch, Model
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm, AnswerReader

POOL = 48
LEAST = 0.005  # probability that a rival has to reach to be followed
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

    The value as it is written; None where none that has ended is read within 12 tokens. All points are scored together,
    each with what others have said, or the trace says, put behind it: they go on from the first token that the model
    would not have said there.
    """
    if not at:
        return []
    leads = [model.answer_branch(trace, point, "0", form) for point in at]
    answers = [_Answer(list(lead.token_ids[: lead.value_start]), lead.value_start) for lead in leads]
    for answer in answers:
        answer.begins = _overlap(_text(model, answer.ids), form.suffix)
    waiting, said = list(range(len(at))), _own_answer(model, trace, at[-1], form)
    while waiting:
        guesses = [
            _guess(answers[i].written, said)[: max(0, model.context_length - at[i] - len(answers[i].ids) - 1)]
            for i in waiting
        ]
        # Token 0 stands for whichever comes next: only `greedy_ids`, the likeliest token in its place, is read.
        branches = [
            Branch(at[i], (*answers[i].ids, *guess, 0), given=len(answers[i].ids))
            for i, guess in zip(waiting, guesses, strict=True)
        ]
        for i, guess, score in zip(waiting, guesses, model.score(trace, branches), strict=True):
            tokens = score.greedy_ids[len(answers[i].ids) :].tolist()
            for token, guessed in zip(tokens, [*guess, None], strict=True):
                answers[i].say(token, model, reader)
                if answers[i].ended or token != guessed:
                    break
        said += [written for i in waiting if answers[i].ended and (written := answers[i].written) not in said]
        waiting = [i for i in waiting if not answers[i].ended]
    return [answer.found for answer in answers]


@dataclass
class _Answer:
    """One answer as it is written.

    Args:
        ids: what closes the thought, and the answer so far.
        start: where the value begins in them.
        begins: how much of what stands before the value its first token may hold.
    """

    ids: list[int]
    start: int
    begins: str = ""
    found: str | None = None
    ended: bool = False

    @property
    def written(self) -> list[int]:
        """The tokens of the value, and what follows it."""
        return self.ids[self.start :]

    def say(self, token: int, model: Model, reader: AnswerReader) -> None:
        """Go on with a token, and see whether the value has ended."""
        stopped = token in model.format.stop_ids
        self.ids += [] if stopped else [token]
        text = self.begins + _text(model, self.written)
        answer = reader.read(text)
        if answer is not None and (stopped or text[answer.end :] not in ("", *PENDING)):
            self.found = answer.surface.strip() or answer.text
        self.ended = stopped or self.found is not None or len(self.written) >= GREEDY_TOKENS


def _own_answer(model: Model, trace: Trace, at: int, form: AnswerForm) -> list[list[int]]:
    """The tokens of the answer that the trace itself gives, and of what follows it; none where none is read."""
    answer = trace.read_answer()
    if answer is None:
        return []
    lead = model.answer_branch(trace, at, (answer.surface.strip() or answer.text) + form.terminator, form)
    return [list(lead.token_ids[lead.value_start :])]


def _guess(written: list[int], said: Sequence[list[int]]) -> list[int]:
    """How an answer may go on: as another that began like it, or else as far as another went."""
    n = len(written)
    return next((one[n:] for one in said if one[:n] == written), said[0][n:] if said else [])


def _overlap(text: str, suffix: str) -> str:
    """How much of `suffix`, from its beginning, `text` ends with: its last space may belong to the value's token."""
    return next(suffix[:n] for n in range(len(suffix), -1, -1) if text.endswith(suffix[:n]))


def _text(model: Model, ids: Sequence[int]) -> str:
    return b"".join(model.codec.pieces(list(ids))).decode("utf-8", "replace")


def likeliest(
    model: Model, trace: Trace, rivals: Sequence[str], at: Sequence[int], most: int, form: AnswerForm
) -> list[str]:
    """The `most` rivals whose probability is highest at any of the points `at`, likeliest first.

    None that stays below .005 everywhere, but for the likeliest: each costs tokens at every point that is measured.
    """
    if not rivals or not most:
        return []
    points = [StopPoint(position, rival) for rival in rivals for position in at]
    forced = score_points(model, trace, points, form=form)
    highest = values(forced, "probability").reshape(len(rivals), len(at)).max(axis=1)
    order = np.argsort(-highest, kind="stable")[:most]
    return [rivals[i] for rank, i in enumerate(order) if not rank or highest[i] >= LEAST]
