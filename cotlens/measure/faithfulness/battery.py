"""The battery: every test on every declared cause, all signatures, and a verdict with its reason. Never one score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.measure.faithfulness.conclusion_edit import ConclusionEdit
from cotlens.measure.faithfulness.congruence import Congruence
from cotlens.measure.faithfulness.cue_effect import CueEffect
from cotlens.measure.faithfulness.donor_thought import DonorThought
from cotlens.measure.faithfulness.early_decided import EarlyDecided
from cotlens.measure.faithfulness.problems import Problem, Problems
from cotlens.measure.faithfulness.shared.outcomes import CONTROL, Outcome, share
from cotlens.measure.faithfulness.shared.problem_set_test import (
    ProblemSetTest,
    asked,
    check_monitor,
    check_reader,
    prepared,
    result,
)
from cotlens.measure.faithfulness.shared.runs import ProblemRuns
from cotlens.measure.faithfulness.step_validity import StepValidity
from cotlens.measure.faithfulness.sufficiency import Sufficiency
from cotlens.measure.faithfulness.thresholds import FROZEN, Thresholds
from cotlens.measure.faithfulness.transplant import Transplant
from cotlens.measure.faithfulness.verbalised import Verbalised
from cotlens.measure.faithfulness.verdict import Verdict, decide
from cotlens.measure.method import Cost, RunRecord
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.notes import ENDINGS

if TYPE_CHECKING:
    import pandas

_TRANSPLANTED = 3  # forced answers of a transplant that no other test asks for
_QUESTION = "Is the thought what decides the answer, and does it say what else does?"


@dataclass(frozen=True)
class Examination:
    """What the battery found.

    Args:
        verdicts: one per declared cause.
        signatures: all rows of all tests, with the columns `cause`, `test` and `name`.
    """

    verdicts: tuple[Verdict, ...]
    signatures: Result

    def frame(self) -> pandas.DataFrame:
        """The signatures as a table."""
        return self.signatures.frame()

    def __str__(self) -> str:
        return "\n".join(map(str, self.verdicts))

    def __repr__(self) -> str:
        return f"<Examination: {'; '.join(f'{one.cause}: {one.verdict}' for one in self.verdicts)}>"


@dataclass(frozen=True, kw_only=True)
class Battery(ProblemSetTest):
    """Which way, if any, is this model's thought unfaithful?

    Every test is asked for every declared cause (the problems with cues of one name, or those without a cue), and a
    fixed procedure makes a verdict of the signatures: gates first, then congruence, cues, edits. A cause that nobody
    declared can't be found by it, which "faithful to the causes tested" says. What is written is kept in the sample
    store: a battery that was stopped goes on where it was when it is run again.

    Args:
        thresholds: where lines are drawn.
        reader: a model that reads steps for `Sufficiency`; None for the rule.
        says: a monitor for `Verbalised`; None for the rule.
        validates: a monitor for `StepValidity` where steps are no arithmetic.
    """

    needs: ClassVar[Capability] = Capability.GENERATE
    question: ClassVar[str] = _QUESTION
    runs_written: ClassVar[int] = 2
    forced_answers: ClassVar[int] = 4 + _TRANSPLANTED  # edit, untouched, donor, none, and cells of the transplant

    thresholds: Thresholds = FROZEN
    reader: Model | None = None
    says: Any = None
    validates: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.thresholds, Thresholds):
            raise InputError(f"Battery was given thresholds={self.thresholds!r}: give Thresholds, or leave them out.")
        check_reader("Battery", self.reader)
        check_monitor("Battery", "says", self.says)
        check_monitor("Battery", "validates", self.validates)

    def asks(self, problems: Problems) -> tuple[int, int]:
        """Of problems without a cue one run, and no transplants."""
        cues = [one.cue for one in problems if one.cue is not None]
        told = any(cue.answer is not None for cue in cues)
        return self.runs_written - (not cues), self.forced_each - _TRANSPLANTED * (not told)

    def cost(self, problems: Problems, n: int = 40, like: Sequence[Trace] = ()) -> Cost:
        """At most what `run` spends, `n` problems of each cause; with runs of the model (`like`) an estimate."""
        each = [super(Battery, self).cost(found, n, like) for found in problems.by_cause().values()]
        return Cost(sum(c.tokens for c in each), sum(c.forwards for c in each), sum(c.rollouts for c in each))

    def run(  # type: ignore[override]
        self, model: Model, problems: Problems | list[Problem], n: int = 40, seed: int = 0
    ) -> Examination:
        """Examine a model.

        Args:
            n: how many problems of each cause, drawn by the seed where there are more.

        Raises:
            InputError: this is no model or no problem set, or n is less than 1.
            CapabilityError: the model can't write.
            Cancelled: what was written is in the store: run it again to go on from there.
        """
        given = asked(self, model, problems)
        causes = {cause: prepared(self, model, found, n, seed) for cause, found in given.by_cause().items()}
        record = RunRecord(self, given, model, seed)
        verdicts, rows, about = [], [], []
        for at, (cause, runs) in enumerate(causes.items()):
            control.current().check()
            control.current().report(at, len(causes), f"faithfulness: {cause}")
            tests = self._measured(runs)
            named = {row.name: row for _, each in tests for row in each}
            notes = [note for trace in runs.main for note in trace.meta.get("notes", ()) if note in ENDINGS]
            verdicts.append(decide(cause, named, self.thresholds, notes))
            rows += [row for _, each in tests for row in each]
            about += [(cause, test) for test, each in tests for _ in each]
        control.current().report(len(causes), len(causes), "faithfulness")
        where = {"cause": [cause for cause, _ in about], "test": [test for _, test in about]}
        table = result("Battery", _QUESTION, rows, record.provenance(), **where)
        return Examination(tuple(verdicts), table)

    def measure(self, runs: ProblemRuns) -> list[Outcome]:
        """All rows of one cause."""
        return [row for _, rows in self._measured(runs) for row in rows]

    def _measured(self, runs: ProblemRuns) -> list[tuple[str, list[Outcome]]]:
        return [("gates", _gates(runs)), *((type(test).__name__, test.measure(runs)) for test in self._tests(runs))]

    def _tests(self, runs: ProblemRuns) -> Iterator[ProblemSetTest]:
        yield from (Congruence(), ConclusionEdit(), DonorThought(), EarlyDecided())
        yield from (Sufficiency(reader=self.reader), StepValidity(by=self.validates))
        if runs.has_cues:
            yield CueEffect()
        if any(cue is not None for cue in runs.cue_answers):
            yield from (Verbalised(by=self.says), Transplant())


def _gates(runs: ProblemRuns) -> list[Outcome]:
    """Whether there is anything to judge."""
    closed = [bool(trace.thought.strip()) and "answer" in trace.roles for trace in runs.main]
    return [
        share("readable", "the answer can be read", [answer is not None for answer in runs.answers], CONTROL),
        share("thinks", "the thought is closed and not empty", closed, CONTROL),
    ]
