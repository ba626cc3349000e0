"""Tests of problem sets, asked of one thought as it stands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.faithfulness import conclusion_edit, congruence
from cotlens.measure.faithfulness.shared.conclusions import another, concluded, replaced
from cotlens.measure.faithfulness.shared.outcomes import Outcome, columns, same
from cotlens.measure.faithfulness.shared.runs import answer_of
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, check_words
from cotlens.models.contract import Capability, Model, Start
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerReader
from cotlens.trace.values.numbers import numerals

TESTS = {"ConclusionEdit": conclusion_edit.ConclusionEdit, "Congruence": congruence.Congruence}
NO_CONCLUSION = "not measured: the thought concludes no value that can be read"
NO_COPY = "not measured: the thought says {!r} in other words, of which no copy can be changed"
NO_OTHER = "not measured: there is no other value to put in the place of {!r}"
UNREAD = "not measured: what was answered can't be read as an answer; answer_tokens= says how long it may be"
ALONE = "not measured: one thought has no other to be compared with"


@dataclass(frozen=True, kw_only=True)
class OneThought:
    """What a test of problem sets finds in this one thought, with the answer that it has.

    `ConclusionEdit` changes every copy of the conclusion to up to `edits` values, one at a time, none of which the
    question says, and takes the likeliest answer (greedy) after each. Its shares are of these edits, and their
    intervals over the values that could have been drawn: nothing is said of other problems. `Congruence` reads what
    stands there. A row of one observation is what happened, exactly, and has no interval.

    Args:
        test: "ConclusionEdit" or "Congruence".
        edits: how many values are tried, at most; of small numbers there are fewer.
        answer_tokens: of an answer after an edited thought.
    """

    unit: ClassVar[str] = "thought"

    test: str = "ConclusionEdit"
    edits: int = 10
    answer_tokens: int = 32

    def __post_init__(self) -> None:
        check_setting("OneThought", "test", check.text("test", self.test, of="OneThought"), tuple(TESTS))
        check.whole("edits", self.edits, 1, of="OneThought")
        check.whole("answer_tokens", self.answer_tokens, 1, of="OneThought")

    @property
    def needs(self) -> Capability:
        """To write, where answers are forced."""
        return Capability.GENERATE if self._edits else Capability(0)

    @property
    def edit_type(self) -> str:
        """Changed conclusions are nothing that the model wrote."""
        return "off-policy" if self._edits else "read as written"

    @property
    def question(self) -> str:
        """That of the test."""
        return TESTS[self.test].question

    def cost(self, trace: Trace) -> Cost:
        """The text and an answer per edit, and once more for the untouched thought."""
        answers = (self.edits + 1) * self._edits
        return Cost(answers * (len(trace.token_ids) + self.answer_tokens), answers * (1 + self.answer_tokens))

    def check(self, trace: Trace) -> None:
        """Raise InputError where the trace has no answer of its own, or no words to hold it against."""
        check_words(trace, type(self).__name__)
        if trace.awaits_rerun:
            raise InputError("The model has not gone on from the edit, so this thought has no answer yet: rerun it.")
        if answer_of(trace) is None:
            raise InputError("This trace has no answer that can be read, so it can't be held against its thought.")

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Ask a trace.

        Raises:
            InputError: the trace has no answer, or one from before an edit.
            CapabilityError: the model can't write.
        """
        check_needs(self, model)
        self.check(trace)
        record = RunRecord(self, trace, model, seed)
        found = self._edited(trace, model, seed) if self._edits else _congruent(trace, model)
        of = "edits" if self._edits else "thoughts"
        return Result(
            kind="faithfulness",
            method=self.test,
            metric="share",
            unit=self.unit,
            columns=columns([_certain(row) for row in found]),
            sign=f"larger = in more of the {of}",
            zero="in none",
            scale_unit=f"share of {of}",
            provenance=record.provenance(),
            extras={
                "question": self.question,
                "metric_words": f"share of {of}",
                "edit_type": self.edit_type,
                "signed": False,
            },
        )

    @property
    def _edits(self) -> bool:
        return self.test == "ConclusionEdit"

    def _edited(self, trace: Trace, model: Model, seed: int) -> list[Outcome]:
        answer, reader = answer_of(trace), trace.reader or model.reader
        value = concluded(trace.thought, reader)
        stands = value is not None and replaced(trace.thought, value, "", reader) != trace.thought
        others = _others(str(value), _said(trace, answer, reader), seed, self.edits) if stands else []
        tried = [_concluding(trace, str(value), other, reader) for other in others]
        *after, back = self._answers(model, [*tried, trace], seed)
        none = (NO_OTHER if stands else NO_COPY).format(value)
        why = NO_CONCLUSION if value is None else UNREAD if others else none
        stays = same(after, [answer] * len(after))
        *edited, untouched = conclusion_edit.rows(same(after, others), stays, same([back], [answer]), why)
        return [
            *(_partly(row, len(others)) for row in edited),
            untouched if untouched.n else replace(untouched, status=UNREAD),
        ]

    def _answers(self, model: Model, traces: Sequence[Trace], seed: int) -> list[str | None]:
        """The likeliest answer after each thought, in its normal form."""
        starts = [Start(one, one.roles["answer"].start) for one in traces]
        written = model.rollouts(starts, seed=seed, temperature=0.0, max_new_tokens=self.answer_tokens)
        reader = traces[-1].reader
        return [answer_of(one[0] if reader is None else replace(one[0], reader=reader)) for one in written]


def _congruent(trace: Trace, model: Model) -> list[Outcome]:
    found = concluded(trace.thought, trace.reader or model.reader)
    congruent, by_chance, concludes = congruence.rows([answer_of(trace)], [found], [None], NO_CONCLUSION)
    return [congruent, replace(by_chance, status=ALONE), concludes]


def _said(trace: Trace, answer: str | None, reader: AnswerReader) -> list[str | None]:
    """Values that an answer could have for another reason than the edit: its own, and those of the question."""
    prompt = trace.prompt or ""
    return [answer, *(reader.normal(prompt[one.start : one.end]) for one in numerals(prompt))]


def _others(value: str, taken: Sequence[str | None], seed: int, most: int) -> list[str]:
    found: list[str] = []
    while len(found) < most:
        new = another(value, (), [*taken, *found], f"{seed}-{len(found)}")
        if new is None:
            break
        found.append(new)
    return found


def _concluding(trace: Trace, value: str, other: str, reader: AnswerReader) -> Trace:
    """The trace whose thought says another value wherever it said this one."""
    place = (trace.roles["thought"].char_start, trace.roles["thought"].char_end)
    return trace.replace(place, replaced(trace.text[slice(*place)], value, other, reader))


def _partly(row: Outcome, tried: int) -> Outcome:
    """Edits whose answer can't be read may have been anything: their number is said."""
    if row.n in (0, tried):
        return row
    return replace(row, status=f"{tried - row.n} of {tried} edits gave no answer that could be read")


def _certain(row: Outcome) -> Outcome:
    """One observation is what happened, and tells no rate of anything."""
    if row.n != 1 or math.isnan(row.estimate):
        return row
    return replace(row, low=row.estimate, high=row.estimate, status="exact" if row.status == "ok" else row.status)
